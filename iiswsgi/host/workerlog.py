"""What workers wrote to their log, read by the host that shows it to a person.

They begin in the file that the host chose for them, and go on in another where ``log_file`` says
so. That is read from what they say of it, not from their settings: it holds for every application.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from iiswsgi.host import logline

__all__ = ["MAX_LENGTH", "MAX_LINE", "MAX_LINES", "Position", "WorkerLog"]

MAX_LINES = 2000
"""Lines that are given out, the last ones: more nobody reads on a page."""

MAX_LENGTH = 256 << 10
"""Characters that are given out, all in all: an application may log whole uploads."""

MAX_LINE = 16 << 10
"""Characters of one line; a record as JSON has its traceback in it."""

Position = Mapping[Path, int]
"""A moment, as the size of each file that there was."""


class WorkerLog:
    """The log of one application's workers; it need not exist yet. For any thread.

    :param path: where they begin.
    :param on_move: called with each further file in which they go on.
    """

    def __init__(self, path: Path, on_move: Callable[[Path], object] = lambda _path: None) -> None:
        self._path = path
        self._on_move = on_move
        self._lock = threading.Lock()
        self._searched = 0
        self._begins: dict[Path, int] = {path: 0}
        # Where in each file its first line of these workers is: log_file may be years old.

    @property
    def paths(self) -> list[Path]:
        """The files as far as they are known."""
        return list(self._begins)

    def position(self) -> Position:
        """Where the next line will be written."""
        self._follow()
        return {path: _size(path) for path in self.paths}

    def lines(self, pid: int | None = None, since: Position | None = None) -> list[str]:
        """The lines from *since* on, of one process only if *pid* is given.

        With it come those that nobody has signed, such as the stacks of a crash, and what others
        say of its end. If it never signed any line, they are everybody's: behind a venv's
        python.exe on Windows the process that logs is another one.
        """
        self._follow()
        since = since or {}
        if pid is None:
            return _last(self._read(since))
        wanted = {pid} if self._knows(pid, since) else set(_signers(self._read(since)))
        return _last(_of(self._read(since), wanted))

    def _knows(self, pid: int, since: Position) -> bool:
        """Whether a process has signed any line; mostly it has done so lately."""
        return pid in _signers(itertools.chain(self._read(since), self._read({})))

    def _read(self, since: Position) -> Iterator[str]:
        for path, begin in list(self._begins.items()):
            for _, line in _lines(path, since.get(path, begin)):
                yield line.rstrip("\r\n")

    def _follow(self) -> None:
        """Look for further files in what has been written since the last look."""
        with self._lock:
            size = _size(self._path)
            if size == self._searched:
                return
            for end, line in _lines(self._path, self._searched):
                if not line.endswith("\n"):
                    break  # the rest of it is still to come
                self._searched = end
                record = logline.parse(line.rstrip()) if logline.GOES_ON in line else None
                if record is not None and record.moved_to:
                    self._add(Path(record.moved_to), record.time)

    def _add(self, path: Path, time: str) -> None:
        if path not in self._begins:
            self._begins[path] = _first_since(path, time)
            self._on_move(path)


def _of(lines: Iterable[str], pids: set[int]) -> Iterator[str]:
    """What is of or about *pids*, or nobody's."""
    keeping = False
    for line in lines:
        record = logline.parse(line)
        if record is not None:
            keeping = record.about in pids
        elif not logline.continues(line):
            keeping = True
        if keeping:
            yield line


def _last(lines: Iterable[str]) -> list[str]:
    """The end of them, as much as a page can show."""
    kept: deque[str] = deque()
    length = 0
    for line in lines:
        kept.append(_shortened(line))
        length += len(kept[-1])
        while length > MAX_LENGTH or len(kept) > MAX_LINES:
            length -= len(kept.popleft())
    return list(kept)


def _shortened(line: str) -> str:
    more = len(line) - MAX_LINE
    return line if more <= 0 else f"{line[:MAX_LINE]} (and {more} characters more)"


def _signers(lines: Iterable[str]) -> Iterator[int]:
    return (record.pid for record in map(logline.parse, lines) if record is not None)


def _first_since(path: Path, time: str) -> int:
    """Where the first record from *time* on begins; the file's end if there is none."""
    begin = 0
    for end, line in _lines(path, 0):
        record = logline.parse(line)
        if record is not None and record.time >= time:
            return begin
        begin = end
    return begin


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _lines(path: Path, since: int) -> Iterator[tuple[int, str]]:
    """Each line from *since* on, and where it ends.

    A log is rotated before it grows too large to look through.
    """
    try:
        with path.open("rb") as file:
            # A smaller file is a new one: the old was renamed away.
            position = file.seek(since if since <= file.seek(0, 2) else 0)
            for line in file:
                position += len(line)
                yield position, line.decode("utf-8", "replace")
    except OSError:
        return
