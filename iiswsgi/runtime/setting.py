"""What one row of the table of settings is: how its text becomes a value, and what it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from iiswsgi.runtime import convert

__all__ = ["Setting"]

_T = TypeVar("_T")


def _shown(value: Any) -> str:
    """A default as one would write it in the INI file."""
    if isinstance(value, bool):
        return str(value).lower()
    for suffix, unit in (("G", convert.GIB), ("M", convert.MIB), ("K", convert.KIB)):
        if value >= unit and value % unit == 0:
            return f"{value // unit:.0f}{suffix}"
    return f"{value:g}"


class Setting(Generic[_T]):
    """One row: what a setting is. Its name is that of the attribute it is assigned to.

    :param convert: makes the value of the text; raises ValueError with the end of "must be ...".
    :param shown: the default as a user would write it, or words for what its absence means.
    """

    name = ""

    def __init__(
        self,
        convert: Callable[[str], _T],
        default: _T,
        unit: str,
        sentence: str,
        shown: str = "",
    ) -> None:
        self.convert = convert
        self.default = default
        self.unit = unit
        self.sentence = sentence
        self.shown = shown or _shown(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[_T]: ...

    @overload
    def __get__(self, settings: object, owner: type) -> _T: ...

    def __get__(self, settings: object | None, owner: type) -> Setting[_T] | _T:
        """The row itself: on an instance the value, in its dictionary, comes first."""
        return self
