"""How appcmd.exe is written to: its collection indexers and its quotation marks; pure functions.

Sources of the forms: Microsoft Learn, "appcmd set config" and the appcmd examples of
"system.webServer/fastCgi"; microsoft/IIS.ServiceMonitor (IISConfigUtil) for quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from iiswsgi.iis.registration import Registration
from iiswsgi.masking import masked_words

__all__ = ["additions", "hidden", "indexer", "quoted", "removal"]

FASTCGI = "-section:system.webServer/fastCgi"
COMMIT = "/commit:apphost"


def additions(registration: Registration) -> list[tuple[str, ...]]:
    """The commands that add an application, and then its variables one by one."""
    full_path, arguments = registration.key
    key = indexer((("fullPath", full_path), ("arguments", arguments)))
    others = [pair for pair in registration.attributes if pair[0] not in ("fullPath", "arguments")]
    whole = indexer((("fullPath", full_path), ("arguments", arguments), *others))
    changes = [f"/+{whole}"]
    for name, value in registration.variables:
        pair = indexer((("name", name), ("value", value)))
        changes.append(f"/+{key}.environmentVariables.{pair}")
    return [("set", "config", FASTCGI, change, COMMIT) for change in changes]


def removal(key: tuple[str, str]) -> tuple[str, ...]:
    """The command that removes an application, by ``fullPath`` and ``arguments`` alone.

    appcmd compares all that it is given; an entry that somebody has changed would stay.
    """
    pairs = tuple(zip(("fullPath", "arguments"), key, strict=True))
    return ("set", "config", FASTCGI, f"/-{indexer(pairs)}", COMMIT)


def indexer(pairs: Sequence[tuple[str, str]]) -> str:
    """``[name='value',…]``; a quote in a value is written twice."""
    return (
        "[" + ",".join(f"{name}='" + value.replace("'", "''") + "'" for name, value in pairs) + "]"
    )


def quoted(argument: str) -> str:
    r"""An argument on appcmd's command line.

    As Microsoft's own code writes it: one pair of marks around all that follows the option's name,
    and a mark inside as three. That is the rule of the C library that appcmd is built with (before
    2008), where two marks within marks are a letter and end the quotation, and the third begins
    the next. Backslashes count only before a mark, and are doubled there.
    """
    option = re.match(r"/[+-]|[/-]\w+:", argument)
    head, rest = (option[0], argument[option.end() :]) if option else ("", argument)
    if rest and not re.search(r"[\s\"']", rest):
        return argument
    rest = re.sub(r'(\\*)"', r'\1\1"""', rest)
    rest = re.sub(r"(\\+)\Z", r"\1\1", rest)
    return f'{head}"{rest}"'


def hidden(arguments: Sequence[str]) -> list[str]:
    """A command for people: without secrets, and without any value of a variable."""
    value = re.compile(r"(\.environmentVariables\.\[name='.*?',value=').*'\]", re.DOTALL)
    return masked_words([value.sub(r"\1…']", argument) for argument in arguments])
