"""What is wrong with an INI file, in words that hold none of its values: one may be a password."""

from __future__ import annotations

import codecs
import configparser
import locale

__all__ = ["fault"]


def fault(error: Exception) -> str:
    """Say what *error* says of an INI file, and where; not what stands there."""
    if isinstance(error, configparser.InterpolationMissingOptionError):
        return f"{_option(error)} refers to %({error.reference})s, which is not defined"
    if isinstance(error, configparser.InterpolationError):
        return f"{_option(error)} is not usable; in a value a per cent sign is written %%"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return _no_section(error)
    if isinstance(error, configparser.ParsingError):
        lines = ", ".join(str(number) for number, _ in error.errors)
        return f"it cannot be understood in line {lines}"
    return str(error)


def _no_section(error: configparser.MissingSectionHeaderError) -> str:
    """Why a line is no part of a section; an editor may show it as the head of one."""
    # PasteDeploy reads with the encoding of the system, which on Windows makes letters of the mark.
    as_read = error.line.encode(locale.getpreferredencoding(False), "replace")
    if error.lineno == 1 and as_read.startswith(_MARKS):
        return "the file begins with a byte order mark; save it as UTF-8 without BOM"
    if error.line.lstrip().startswith("["):
        return f"line {error.lineno} opens a [section] and has no closing bracket"
    return f"line {error.lineno} stands before the first [section]"


_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _option(error: configparser.InterpolationError) -> str:
    return f"{error.option} in [{error.section}]"
