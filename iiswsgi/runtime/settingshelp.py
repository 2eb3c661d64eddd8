"""The settings explained, for ``iiswsgi serve --help`` and the settings page."""

from __future__ import annotations

import textwrap
from typing import Any

from iiswsgi.runtime.setting import Setting
from iiswsgi.runtime.settings import TABLE

__all__ = ["describe"]


def describe() -> str:
    """The table as text for ``--help``; a definition list to reStructuredText."""
    parts = [f"{textwrap.fill(_UNITS, 96)}\n"]
    for row in TABLE:
        unit = f" {row.unit}" if row.unit and row.default is not None else ""
        text = textwrap.fill(f"{row.sentence} Default: {row.shown}{unit}{_range(row)}.", 92)
        parts.append(f"{row.name}\n{textwrap.indent(text, '    ')}\n")
    return "\n".join(parts)


_UNITS = (
    "Sizes are in bytes; K, M and G stand for 1024 of them, 1024 K and 1024 M. Times are in"
    " seconds, up to a day. Switches are true or false; yes, on and 1 mean the same as true."
)


def _range(row: Setting[Any]) -> str:
    """What a number that cannot be just any must be, in the words that refuse another."""
    if isinstance(row.default, int):
        try:
            row.convert("0")
        except ValueError as error:
            return f"; {error}"
    return ""
