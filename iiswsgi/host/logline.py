"""What a line of the workers' log says of itself: whose it is, and whom it is about."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

__all__ = ["GOES_ON", "Record", "continues", "parse"]

GOES_ON = "the log goes on in "
"""What the gateway says, before the path, when ``log_file`` moves its log."""

_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (\d+) (?:-|\d+) \w+ (.+?): (.*)")
_ENDED = re.compile(r"IISWSGI-L14: process (\d+) ")


class Record(NamedTuple):
    """The first line of a record, or the only one."""

    time: str
    """UTC, in a form that sorts."""
    pid: int
    logger: str
    message: str

    @property
    def moved_to(self) -> str:
        """The file in which the process goes on, as ``log_file`` says; "" if it stays."""
        if self.logger == "iiswsgi.runtime.log" and self.message.startswith(GOES_ON):
            return self.message[len(GOES_ON) :]
        return ""

    @property
    def about(self) -> int:
        """The process that it tells of: its own, or one that ended without a word (L14)."""
        if self.logger == "iiswsgi.runtime.lastwords" and (ended := _ENDED.match(self.message)):
            return int(ended[1])
        return self.pid


def parse(line: str) -> Record | None:
    """The record that begins with *line*; None if that is more of one, or nobody's.

    Nobody's are the output of programs that the application starts, and faulthandler's stacks.
    """
    if line.startswith('{"time"'):
        return _from_json(line)
    match = _TEXT.match(line)
    return Record(match[1], int(match[2]), match[3], match[4]) if match else None


def _from_json(line: str) -> Record | None:
    try:
        entry = json.loads(line)
        return Record(entry["time"], int(entry["pid"]), entry["logger"], entry["message"])
    except (ValueError, KeyError, TypeError):  # cut off, or a program's own
        return None


def continues(line: str) -> bool:
    """Whether *line*, which begins no record, belongs to what is above it.

    Further lines of a record are indented by four blanks, those of faulthandler by two: what
    another process logs in the middle of a stack must not get the rest of that.
    """
    return not line or line.startswith(("    ", "\t"))
