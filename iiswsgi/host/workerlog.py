"""What workers wrote to their log, read by the host that shows it to a person."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

__all__ = ["MAX_LINES", "WorkerLog"]

MAX_LINES = 2000
"""Lines that are given out, the last ones: more nobody reads on a page."""

_PID = re.compile(r'\d\S+ (\d+) |.*?"(?:pid|process)": ?(\d+)')
"""The process in a record's first line: the word behind the time, or JSON's."""


class WorkerLog:
    """The log file of one application's workers; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def position(self) -> int:
        """Where the next line will be written."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def lines(self, pid: int | None = None, since: int = 0) -> list[str]:
        """The lines from *since* on, those of one process only if *pid* is given.

        A line that begins with a blank belongs to the record above it, as a traceback's do.
        """
        kept: deque[str] = deque(maxlen=MAX_LINES)
        keeping = pid is None
        for line in self._read(since):
            if pid is not None and line[:1] not in ("", " ", "\t"):
                match = _PID.match(line)
                keeping = match is not None and str(pid) in match.groups()
            if keeping:
                kept.append(line)
        return list(kept)

    def _read(self, since: int) -> Iterator[str]:
        """Each line from *since* on; a log is rotated before it grows too large to look through."""
        try:
            with self.path.open("rb") as file:
                # A smaller file is a new one: the old was renamed away.
                file.seek(since if since <= file.seek(0, 2) else 0)
                for line in file:
                    yield line.decode("utf-8", "replace").rstrip("\r\n")
        except OSError:
            return
