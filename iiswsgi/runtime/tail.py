"""The end of a log that others write, and what comes: through rotation, and in nobody's way.

Files are opened so that they can be renamed meanwhile; on Windows a viewer that does not do so
keeps the log from being rotated.
"""

from __future__ import annotations

import contextlib
import io
import os

from iiswsgi.runtime import sharedfile
from iiswsgi.runtime.rotation import rotated

__all__ = ["Tail"]

_BLOCK = 64 << 10
"""Bytes that are read at once, looking backwards for the last lines: some hundred lines."""

_LONGEST = 1 << 20
"""Bytes of a line that are shown; a program that writes no newlines makes a file one line."""


class Tail:
    """Reads the log at *path*, from its end on.

    :raises OSError: it is not there, or cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self.unreadable: dict[str, OSError] = {}
        """Rotated files that :meth:`last` left out, and why."""
        self._file = _opened(self.path)
        self._identity = _identity(self._file)
        self._file.seek(0, io.SEEK_END)
        try:
            self._known = set(self._rotated_before())
        except OSError:
            self._file.close()
            raise

    def last(self, count: int) -> bytes:
        """The last *count* lines before those that :meth:`new` gives, of rotated files too.

        :raises OSError: the log, or the folder, cannot be read any more.
        """
        files = [_last_lines(self._file, self._file.tell(), count)]
        wanted = count - len(files[0])
        for path in reversed(self._rotated_before()):
            if not wanted:
                break
            files.append(self._last_of(path, wanted))
            wanted -= len(files[-1])
        return b"".join(line for lines in reversed(files) for line in lines)

    def _last_of(self, path: str, count: int) -> list[bytes]:
        """The last lines of a rotated file, unless it is the one that is being read."""
        try:
            with _opened(path) as file:
                if _identity(file) == self._identity:
                    return []
                return _last_lines(file, file.seek(0, io.SEEK_END), count)
        except FileNotFoundError:  # deleted since it was listed, as the oldest are
            return []
        except OSError as error:
            self.unreadable[path] = error
            return []

    def new(self) -> bytes:
        """What was written since the last call; nothing if nothing was.

        :raises OSError: the log cannot be read any more.
        """
        while not (data := self._more()):
            following = self._following()
            if following is None:
                return b""
            data = self._more()  # written between the last look and the rotation
            self._file.close()
            self._file, self._identity = following, _identity(following)
            if data:
                break
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _more(self) -> bytes:
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # somebody has emptied it
        return self._file.read()

    def _rotated_before(self) -> list[str]:
        """The rotated files without those that were begun after the one being read.

        That was rotated too, if there are such.
        """
        paths = rotated(self.path)
        for number, path in enumerate(paths, 1):
            with contextlib.suppress(OSError):  # deleted since it was listed
                if sharedfile.identity(os.stat(path)) == self._identity:
                    return paths[:number]
        return paths

    def _following(self) -> io.FileIO | None:
        """The file that was begun after the one being read, if there is one."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            if sharedfile.identity(os.stat(self.path)) == self._identity:
                return None
            # Before the rotated ones are listed: should it become one now, it is among them.
            newest = opened.enter_context(_opened(self.path))
            if earlier := self._next_rotated():
                return earlier
            opened.pop_all()
            return newest
        return None  # in the middle of a rotation; soon, then

    def _next_rotated(self) -> io.FileIO | None:
        """The oldest rotated file that is neither known nor being read, if there is one."""
        for path in rotated(self.path):
            if path not in self._known:
                self._known.add(path)
                file = _opened(path)
                if _identity(file) != self._identity:
                    return file
                file.close()
        return None


def _opened(path: str) -> io.FileIO:
    return io.FileIO(sharedfile.open_reading(path), "rb")


def _identity(file: io.FileIO) -> tuple[int, int]:
    return sharedfile.identity(os.fstat(file.fileno()))


def _last_lines(file: io.FileIO, end: int, count: int) -> list[bytes]:
    """The last lines of *file* before *end*; it stands at *end* afterwards."""
    if not count:
        return []
    blocks: list[bytes] = []
    start, newlines = end, 0
    while start and newlines <= count:
        size = min(_BLOCK, start)
        start -= size
        file.seek(start)
        blocks.append(file.read(size))
        newlines += blocks[-1].count(b"\n")
    file.seek(end)
    # The bytes' own splitlines would part at \r too.
    *lines, rest = b"".join(reversed(blocks)).split(b"\n")
    shown = [*(_shortened(line) + b"\n" for line in lines), *([_shortened(rest)] if rest else [])]
    return shown[-count:]


def _shortened(line: bytes) -> bytes:
    if len(line) <= _LONGEST:
        return line
    return line[:_LONGEST] + b" ... and %d bytes more in this line" % (len(line) - _LONGEST)
