"""What is wrong with an INI file, in words that hold none of its values: one may be a password."""

from __future__ import annotations

import configparser

__all__ = ["fault"]


def fault(error: Exception) -> str:
    """Say what *error* says of an INI file, and where; not what stands there."""
    if isinstance(error, configparser.InterpolationMissingOptionError):
        return f"{_option(error)} refers to %({error.reference})s, which is not defined"
    if isinstance(error, configparser.InterpolationError):
        return f"{_option(error)} is not usable; in a value a per cent sign is written %%"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} stands before the first [section]"
    if isinstance(error, configparser.ParsingError):
        lines = ", ".join(str(number) for number, _ in error.errors)
        return f"it cannot be understood in line {lines}"
    return str(error)


def _option(error: configparser.InterpolationError) -> str:
    return f"{error.option} in [{error.section}]"
