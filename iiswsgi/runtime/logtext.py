"""What a line of the log looks like, and that nobody can forge one.

A record begins at the left margin with its time; what follows in further lines, such as a
traceback, is indented. In everything that comes from outside, control characters are written as
escapes.
"""

from __future__ import annotations

import logging
import os
import time

__all__ = ["Formatter", "escape", "line"]

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


def line(
    level: str, name: str, text: str, details: str = "", created: float | None = None
) -> bytes:
    """One record as the bytes of whole lines.

    :param details: more lines, such as a traceback; they are indented.
    :param created: seconds since the epoch; absent, now. The time is written in UTC, as IIS does.
    """
    created = time.time() if created is None else created
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    milliseconds = int(created % 1 * 1000)
    lines = [f"{stamp}.{milliseconds:03}Z {os.getpid()} {level} {name}: {escape(text.rstrip())}"]
    lines += [_INDENT + escape(more) for more in details.rstrip().split("\n") if details]
    return "".join(f"{each}\n" for each in lines).encode("utf-8", "backslashreplace")


class Formatter(logging.Formatter):
    """Formats records of :mod:`logging` as :func:`line` does."""

    def to_bytes(self, record: logging.LogRecord) -> bytes:
        """The record as the bytes of whole lines."""
        details = []
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            details.append(record.exc_text)
        if record.stack_info:
            details.append(self.formatStack(record.stack_info))
        return line(
            record.levelname, record.name, record.getMessage(), "\n".join(details), record.created
        )
