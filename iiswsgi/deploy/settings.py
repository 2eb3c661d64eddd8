"""What the settings of Web Deploy's providers may be: those of ``runCommand`` and ``setAcl``.

Source: Microsoft's pages "Web Deploy runCommand Provider" (ee619740) and "Reference for the Web
Application Package".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from iiswsgi.deploy.manifest import Provider
from iiswsgi.errors import DeployError

__all__ = ["check", "fault_of", "hint"]


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    meaning: str


def _rule(pattern: str, meaning: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE | re.ASCII), meaning)


_NUMBER = _rule("[0-9]{1,9}", "a whole number")
_TRUTH = _rule("true|false", "true or false")
_CODE = "(0x[0-9a-f]{1,8}|-?[0-9]{1,10})"
_CODES = _rule(f" *{_CODE}( *; *{_CODE})* *;? *", "numbers parted by semicolons, such as 0x0;0x2")
_ANY = _rule(".+", "a text")

RULES = {
    "runCommand": {
        "waitInterval": _rule("[0-9]{1,9}", "a whole number of milliseconds"),
        "waitAttempts": _NUMBER,
        "dontUseCommandExe": _TRUTH,
        "dontUseJobObject": _TRUTH,
        "successReturnCodes": _CODES,
    },
    "setAcl": {
        "setAclAccess": _ANY,
        "setAclUser": _ANY,
        "setAclResourceType": _rule("File|Directory", "File or Directory"),
    },
}
"""For each provider its settings. A provider that is missing here takes what it is given."""


def check(provider: Provider, file: str) -> None:
    """Complain about what *provider* was given.

    :raises DeployError: D07, a setting is unknown or malformed, or there is no path.
    """
    if fault := fault_of(provider):
        place = f"{file}, line {provider.line}"
        raise DeployError("D07", f"{place}: <{provider.name}> {fault}")


def fault_of(provider: Provider) -> str:
    """What is wrong with what *provider* was given, as the end of a sentence; empty if nothing."""
    rules = RULES.get(provider.name)
    if rules is None:
        return ""
    if not provider.path.strip():
        return "has no path"
    for name, value in provider.settings.items():
        if name not in rules:
            return f"has no setting {name}; {hint(name, list(rules))}"
        if not rules[name].pattern.fullmatch(value):
            return f"{name} is {value!r}; it must be {rules[name].meaning}"
    return ""


def hint(name: str, names: Sequence[str]) -> str:
    """What to write instead of an unknown name: the one of *names* that is close, or all."""
    by_case = [known for known in names if known.lower() == name.lower()]
    close = by_case or difflib.get_close_matches(name, names, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"it has {', '.join(names)}" if names else "it has none"
