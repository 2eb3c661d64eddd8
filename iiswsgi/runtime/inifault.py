"""What is wrong with an INI file, in words that hold none of its values: one may be a password."""

from __future__ import annotations

import codecs
import configparser
import contextlib
import locale
import re
from collections.abc import Iterable

from iiswsgi import tracebacks

__all__ = ["fault", "withhold"]

_REPEATS_VALUES = (configparser.InterpolationError, configparser.ParsingError)
"""Errors of :mod:`configparser` whose own text has the value, or the whole line."""


def fault(error: Exception) -> str:
    """Say what *error* says of an INI file, and where; not what stands there."""
    if isinstance(error, configparser.InterpolationMissingOptionError):
        return (
            f"{_option(error)} refers to %({error.reference})s, which is not defined; in a value "
            "a per cent sign is written %%"
        )
    if isinstance(error, configparser.InterpolationError):
        return f"{_option(error)} is not usable; in a value a per cent sign is written %%"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return _no_section(error)
    if isinstance(error, configparser.ParsingError):
        # Python 3.13 has one without a list: it is raised at the first such line.
        numbers = [number for number, _ in error.errors] or [getattr(error, "lineno", 0)]
        return f"it cannot be understood in line {', '.join(map(str, numbers))}"
    if isinstance(error, NameError):
        # Of an expression, such as a handler's args; the name is a value without its quotes.
        return "an expression uses a name that is not defined; text needs quotation marks there"
    return str(error)


def _no_section(error: configparser.MissingSectionHeaderError) -> str:
    """Why a line is no part of a section; an editor may show it as the head of one."""
    if error.lineno == 1 and _is_marked(error.line):
        return "the file begins with a byte order mark; save it as UTF-8 without BOM"
    if error.line.lstrip().startswith("["):
        return f"line {error.lineno} opens a [section] and has no closing bracket"
    return f"line {error.lineno} stands before the first [section]"


def _is_marked(line: str) -> bool:
    """Whether a file's first line has a byte order mark, as a character or as letters.

    PasteDeploy reads with the encoding of the system, which on Windows makes letters of it.
    """
    as_stored = line.encode(locale.getpreferredencoding(False), "replace")
    return line.startswith("\ufeff") or as_stored.startswith(_MARKS)


_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _option(error: configparser.InterpolationError) -> str:
    return f"{error.option} in [{error.section}]"


def withhold(error: BaseException) -> None:
    """Take the values of INI files out of the texts of *error* and of all that led to it.

    For errors that are shown whole, with their traceback. They are changed in place; a text of
    somebody else that repeats one of theirs is changed likewise.
    """
    chain = _chain(error)
    told: dict[str, str] = {}
    for each in chain:
        # Of one that is none, isinstance would ask an attribute, which may raise.
        if issubclass(type(each), _REPEATS_VALUES) and isinstance(each, _REPEATS_VALUES):
            text = f"Error in file {_file(each)}: {fault(each)}"
            told[str(each)] = each.message = text
            each.args = (text,)
    for each in chain if told else ():
        args = tuple(_retold(arg, told) for arg in each.args)
        if args != each.args:
            each.args = args


def _chain(error: BaseException) -> Iterable[BaseException]:
    """*error*, its causes and contexts, and the members of groups; each once."""
    found: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in found:
            continue
        found[id(each)] = each
        left += [tracebacks.cause(each), tracebacks.context(each)]
        members: object = ()
        with contextlib.suppress(Exception):  # Python 3.10 has no ExceptionGroup to ask for
            members = each.exceptions  # type: ignore[attr-defined]
        if isinstance(members, tuple):
            left += [member for member in members if isinstance(member, BaseException)]
    return found.values()


def _file(error: configparser.Error) -> str:
    """The file that *error* is of: PasteDeploy writes it before the text of some."""
    match = re.match(r"Error in file (.+?): ", str(error))
    return match[1] if match else str(getattr(error, "source", "unknown"))


def _retold(arg: object, told: dict[str, str]) -> object:
    if isinstance(arg, str):
        for before, text in told.items():
            arg = arg.replace(before, text)
    return arg
