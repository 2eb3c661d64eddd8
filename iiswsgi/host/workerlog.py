"""What workers wrote to their log, read by the host that shows it to a person."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["MAX_BYTES", "WorkerLog"]

MAX_BYTES = 256 << 10
"""Bytes read from the log's end at once; more is not shown to anybody."""

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
        text = self._read(since)
        if pid is None:
            return text
        kept: list[str] = []
        keeping = False
        for line in text:
            if line[:1] not in ("", " ", "\t"):
                match = _PID.match(line)
                keeping = match is not None and str(pid) in match.groups()
            if keeping:
                kept.append(line)
        return kept

    def _read(self, since: int) -> list[str]:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                # A smaller file is a new one: the old was renamed away.
                start = max(since if since <= size else 0, size - MAX_BYTES)
                file.seek(start)
                data = file.read(MAX_BYTES)
        except OSError:
            return []
        return data.decode("utf-8", "replace").splitlines()
