"""What an entry of the log looks like, and that nobody can forge one.

An entry begins at the left margin with its time; what follows in further lines, such as a
traceback, is indented. In everything that comes from outside, control characters are written as
escapes.
"""

from __future__ import annotations

import functools
import os
import time

from iiswsgi.runtime.logentry import Entry

__all__ = ["NO_REQUEST", "escape", "render", "stamp"]

NO_REQUEST = "-"
"""Stands where the number of a request would."""

_INDENT = "    "


def _escapes() -> dict[int, str]:
    codes = [*range(0x20), *range(0x7F, 0xA0)]
    # Line and paragraph separators, and the marks that make text run the other way.
    codes += [0x2028, 0x2029, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    codes.remove(ord("\t"))
    named = {ord("\n"): "\\n", ord("\r"): "\\r"}
    return {
        code: named.get(code, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
        for code in codes
    }


_ESCAPES = _escapes()


def escape(text: str) -> str:
    """*text* as one line that shows every control character instead of obeying it."""
    return text.translate(_ESCAPES)


def stamp(created: float) -> str:
    """The time in UTC, as IIS writes it, to the millisecond.

    :param created: seconds since the epoch.
    """
    whole = int(created // 1)
    return f"{_second(whole)}.{int((created - whole) * 1000):03}Z"


@functools.lru_cache(maxsize=1)
def _second(created: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))


def render(entry: Entry) -> bytes:
    """*entry* as text: time, process, request, level, logger, and what it says."""
    request = NO_REQUEST if entry.request is None else entry.request
    said = escape(f"{entry.level} {entry.name}: {entry.text.rstrip()}")
    text = f"{stamp(entry.created)} {os.getpid()} {request} {said}\n"
    if entry.details:
        more = entry.details.rstrip().split("\n")
        text += "".join(f"{_INDENT}{escape(each)}\n" for each in more)
    return text.encode("utf-8", "backslashreplace")
