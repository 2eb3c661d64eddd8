"""Regular expressions of .NET's, as Parameters.xml has them, judged with Python's.

The two agree on most of what people write. What .NET alone knows is let through, since only Web
Deploy can judge it; what neither can read is refused.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

from iiswsgi import process
from iiswsgi.errors import DeployError, InstallError

__all__ = ["SECONDS", "TooSlow", "compiled", "matching"]

SECONDS = 10.0
"""For one search. ``(a+)+$`` in a line of forty ``a`` would take years, for Web Deploy as well."""

_NAME = re.compile(r"\(\?(?:<(\w+)>|'(\w+)')")

_FLAGS = "[imnsxIMNSX]*(?:-[imnsxIMNSX]*)?"
_TOKEN = re.compile(
    r"(?P<same>\\[^pPkcGzZe]|\(\?#[^)]*\))"
    r"|(?P<foreign>\\[pP]\{[^{}]*\}|\\k(?:<\w+>|'\w+')|\\c[@-_a-z]|\\[GzZe])"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    rf"|(?P<plain>\(\?(?:<[=!]|>|{_FLAGS}:))"
    r"|(?P<capture>\(\?(?:<[\w-]+>|'[\w-]+'))"
    rf"|(?P<flags>\(\?{_FLAGS}\))"
    r"|(?P<condition>\(\?\()",
    re.DOTALL,
)
"""What .NET's dialect has besides Python's, and what must not be taken for it: other escapes."""
_PLAIN = {"foreign": "x", "plain": "(?:", "capture": "(", "flags": "", "condition": "(?:("}
_FOREIGN_SET = re.compile(r"\\[pPec]|-\[")
"""Unicode classes and the like in a set, or a set that is taken from another: ``[a-z-[aeiou]]``."""

_REPEATS = re.compile(r"[*+{]|(?<!\()\?")
"""Without a repetition a search takes hardly longer than reading."""

_SEARCHER = """
import json, re, sys
with open(sys.argv[1], encoding="ascii") as lines:
    expression, flags, limit = json.loads(next(lines))
    pattern, found = re.compile(expression, flags), []
    for number, line in enumerate(lines):
        if pattern.search(json.loads(line)):
            found.append(number)
            if len(found) == limit:
                break
print(json.dumps(found))
"""


class TooSlow(Exception):
    """A search was given up; the text is the expression."""


def compiled(expression: str, file: str, line: int) -> re.Pattern[str] | None:
    """A regular expression of .NET's as Python's; None where Python cannot judge it.

    :raises DeployError: D14, it compiles in neither.
    """
    pattern = None
    try:
        pattern = _compile(_NAME.sub(r"(?P<\1\2>", expression))
    except (re.error, OverflowError, RecursionError):
        _refuse_malformed(expression, file, line)
    return None if _means_something_else(expression) else pattern


def _refuse_malformed(expression: str, file: str, line: int) -> None:
    """Complain about what stays wrong when all that .NET alone knows is put in plain terms."""
    try:
        _compile(_TOKEN.sub(_in_plain_terms, expression))
    except (re.error, OverflowError, RecursionError) as error:
        says = getattr(error, "msg", error)
        raise DeployError(
            "D14", f"{file}, line {line}: {expression!r} is no regular expression: {says}"
        ) from error


def _compile(expression: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        # Of what Python may read otherwise some day; it is not written for Python.
        warnings.simplefilter("ignore")
        return re.compile(expression, re.IGNORECASE)


def _in_plain_terms(token: re.Match[str]) -> str:
    if token["set"]:
        return "x" if _FOREIGN_SET.search(token["set"]) else token["set"]
    return _PLAIN.get(str(token.lastgroup), token[0])


def _means_something_else(expression: str) -> bool:
    """Whether it holds what compiles in Python, at least in some, but not to the same effect."""
    return any(
        token["foreign"] or _FOREIGN_SET.search(token["set"] or "")
        for token in _TOKEN.finditer(expression)
    )


def matching(pattern: re.Pattern[str], texts: Iterable[str], limit: int | None = None) -> list[int]:
    """The numbers of the texts that a pattern occurs in, from 0; the first *limit* of them.

    :raises TooSlow: it was not known after :data:`SECONDS`.
    """
    if not _REPEATS.search(pattern.pattern):
        found = (number for number, text in enumerate(texts) if pattern.search(text))
        return list(itertools.islice(found, limit))
    with tempfile.TemporaryDirectory(prefix="iiswsgi-") as folder:
        path = Path(folder, "texts")
        with path.open("w", encoding="ascii") as file:
            for line in ((pattern.pattern, pattern.flags, limit), *texts):
                file.write(json.dumps(line) + "\n")
        return _searched(pattern, path)


def _searched(pattern: re.Pattern[str], path: Path) -> list[int]:
    """What a child process finds: nothing else can be stopped in the middle of a search."""
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", _SEARCHER, str(path)]
    try:
        done = process.run(
            command, timeout=SECONDS, level=None, shown=f"a search for {pattern.pattern!r}"
        )
    except InstallError as error:
        raise TooSlow(pattern.pattern) from error
    found: list[int] = json.loads(done.text)
    return found
