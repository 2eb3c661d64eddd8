"""What is wrong with an INI file, in words that hold none of its values: one may be a password."""

from __future__ import annotations

import codecs
import configparser
import contextlib
import locale
import re
from collections.abc import Iterable

from iiswsgi import tracebacks
from iiswsgi.masking import HIDDEN

__all__ = ["fault", "withhold"]

_REPEATS_VALUES = (configparser.InterpolationError, configparser.ParsingError)
"""Errors of :mod:`configparser` whose own text has the value, or the whole line."""

_QUOTED = re.compile(r"""(?<!\w)[br]?(['"])((?:\\.|(?!\1)[^\\])+)\1(?!\w)""")
"""Text in quotation marks; an apostrophe within a word is none."""

_LOOKED_FOR = {
    *("loggers", "handlers", "formatters", "logger_root"),
    *("keys", "level", "class", "args", "kwargs", "formatter", "format", "qualname"),
}
"""Names of sections and options of :mod:`logging.config`: an error tells which one is missing."""

_LONG_ENOUGH = 4
"""Letters of a value that are no common word; shorter ones count within quotation marks only."""


def fault(error: Exception, values: Iterable[tuple[str, str]] = ()) -> str:
    """Say what *error* says of an INI file, and where; not what stands there.

    :param values: those that the text of an error from elsewhere may repeat, each behind the words
        for its place in the file.
    """
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
    return _without_values(str(error), values)


def _without_values(text: str, values: Iterable[tuple[str, str]]) -> str:
    """*text* with *** for each value, or part of one, that it repeats; and where they stand."""
    hidden: set[str] = set()
    places: dict[str, None] = {}
    quoted = _quoted(text) - _LOOKED_FOR
    for place, value in values:
        pieces = {piece for piece in _pieces(value) if len(piece) >= _LONG_ENOUGH}
        repeated = {piece for piece in pieces if _has(text, piece)}
        # More than the value too: a relative path that was made an absolute one.
        repeated |= {q for q in quoted if _has(value, q) or any(_has(q, p) for p in pieces)}
        if repeated:
            places[place] = None
        hidden |= repeated | {q for q in quoted if q in value}
    if hidden:
        longest_first = sorted(hidden, key=len, reverse=True)
        text = re.sub("|".join(map(_pattern, longest_first)), HIDDEN, text)
    return f"{text} ({', '.join(places)})" if places else text


def _pieces(value: str) -> set[str]:
    """What of a value cannot stand elsewhere by chance; names and lists of them can."""
    return _quoted(value) | (set() if re.fullmatch(r"[\w., ]*", value) else {value})


def _quoted(text: str) -> set[str]:
    """What stands in quotation marks and is no mere punctuation."""
    found = (re.sub(r"\\(['\"])", r"\1", match[2]) for match in _QUOTED.finditer(text))
    return {piece for piece in found if re.search(r"\w", piece)}


def _has(text: str, piece: str) -> bool:
    return re.search(_pattern(piece), text) is not None


def _pattern(piece: str) -> str:
    r"""What finds *piece*, but not within a word; ``/``, ``\`` and ``\\`` of a path are one."""
    slashes = r"[\\/]+"
    found = slashes.join(map(re.escape, re.split(slashes, piece)))
    found = re.sub("(['\"])", r"\\\\?\1", found)  # a mark within text is escaped, or not
    return rf"(?<!\w){found}(?!\w)"


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
