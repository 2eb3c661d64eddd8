"""What the processes of one log are doing, kept where the others find it when one is gone.

A process that crashes or is killed cannot say what it was doing; faulthandler's stacks have neither
time nor request, as no Python runs any more. So each process has a row in a file beside the log,
mapped into its memory: noting a request there costs no system call, and the system keeps what was
noted last. It also gives up the lock of the row when the process ends, however it ends: a row with
a process in it that nobody locks is that of one which ended without a word.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from iiswsgi.runtime import sharedfile

__all__ = ["ROWS", "SIZE", "SUFFIX", "Board", "Ended", "Request"]

SUFFIX = ".running"

ROWS = 64
"""Processes that find a row; IIS has four of an application unless told otherwise."""

_CELLS = 8
"""Requests of one process that are noted at once: as many as there are threads by default."""

_CELL = struct.Struct("=qqd224p")
"""Of a request: its number, 0 once it is over; its thread; its begin by ``time.perf_counter``; its
name, cut off where it is longer."""
_OVER = bytes(8)

_HEAD = struct.Struct("=qqdd")
"""Of a process: its id, 0 in a free row; whether it serves; one moment by ``time.time`` and by
``time.perf_counter``."""
_FREE = 0, 0, 0.0, 0.0

_PATIENCE = 1.0
"""Seconds to wait for another process that makes the file; it takes less than a millisecond."""

_ROW_SIZE = _HEAD.size + _CELLS * _CELL.size
SIZE = ROWS * _ROW_SIZE


_own: set[tuple[int, int, int]] = set()
"""Rows of this process, each by its file and number: POSIX lets it lock those again and again."""


class Request(NamedTuple):
    """A request that was not over."""

    number: int
    thread: int
    begun: float
    """Seconds since the epoch."""
    name: str
    """Method and path, each byte one latin-1 character; cut off where it is long."""


class Ended(NamedTuple):
    """A process that ended without a word, and what it was doing."""

    process: int
    serving: bool
    """Whether it had begun to serve."""
    requests: list[Request]


class Board:
    """The file of *fd*, and the row that this process has in it.

    :param fd: open for reading and writing; the board's own from now on.
    :raises OSError: it cannot be made large enough and mapped, or all rows are taken.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._process = os.getpid()
        self._file = sharedfile.identity(os.fstat(fd))
        self._map = _mapped(fd)
        self._ended = list(self._take_ended())
        start = self._start = self._claim() * _ROW_SIZE
        self._free = [start + _HEAD.size + number * _CELL.size for number in range(_CELLS)]
        self._cells: dict[int, int] = {}
        self._map[start : start + _ROW_SIZE] = bytes(_ROW_SIZE)
        self._introduce(serving=False)

    def serving(self) -> None:
        """Note that this process begins to serve."""
        self._introduce(serving=True)

    def begin(self, thread: int, number: int, begun: float, variables: Mapping[str, str]) -> None:
        """Note a request, if there is room.

        :param begun: by ``time.perf_counter``.
        :param variables: what the web server said of it.
        """
        try:
            cell = self._cells[thread] = self._free.pop()
        except IndexError:
            return
        get = variables.get
        name = f"{get('REQUEST_METHOD', '-')} {get('REQUEST_URI', '-')}".partition("?")[0]
        _CELL.pack_into(self._map, cell, number, thread, begun, name.encode("latin-1", "replace"))

    def over(self, thread: int) -> None:
        """Take the thread's request off, if there is one."""
        cell = self._cells.pop(thread, None)
        if cell is not None:
            self._map[cell : cell + len(_OVER)] = _OVER
            self._free.append(cell)

    def ended(self) -> list[Ended]:
        """The processes that ended without a word since anybody asked; they are taken off."""
        before, self._ended = self._ended, []
        return [*before, *self._take_ended()]

    def leave(self) -> None:
        """Give the row up: this process ends in order, and there will be nothing to say of it."""
        if os.getpid() == self._process:  # not a child that was forked off
            _HEAD.pack_into(self._map, self._start, *_FREE)

    def _introduce(self, *, serving: bool) -> None:
        now = time.time(), time.perf_counter()
        _HEAD.pack_into(self._map, self._start, self._process, serving, *now)

    def _claim(self) -> int:
        """Lock a row for as long as this process lives."""
        for row in range(ROWS):
            if (*self._file, row) not in _own and sharedfile.try_claim(self._fd, row):
                _own.add((*self._file, row))
                return row
        raise OSError(f"all {ROWS} rows are taken")

    def _take_ended(self) -> Iterator[Ended]:
        for row in range(ROWS):
            if not self._process_of(row) or (*self._file, row) in _own:
                continue
            if sharedfile.try_claim(self._fd, row):
                if self._process_of(row):  # else another process was faster
                    yield self._read(row)
                    _HEAD.pack_into(self._map, row * _ROW_SIZE, *_FREE)
                sharedfile.unclaim(self._fd, row)

    def _process_of(self, row: int) -> int:
        process: int = _HEAD.unpack_from(self._map, row * _ROW_SIZE)[0]
        return process

    def _read(self, row: int) -> Ended:
        start = row * _ROW_SIZE
        process, serving, wall, clock = _HEAD.unpack_from(self._map, start)
        requests = []
        for cell in range(start + _HEAD.size, start + _ROW_SIZE, _CELL.size):
            number, thread, begun, name = _CELL.unpack_from(self._map, cell)
            if number:
                requests.append(
                    Request(number, thread, wall + begun - clock, name.decode("latin-1"))
                )
        return Ended(process, bool(serving), sorted(requests))


def _mapped(fd: int) -> mmap.mmap:
    if os.fstat(fd).st_size < SIZE:
        _grow(fd)
    try:
        return mmap.mmap(fd, SIZE)
    except ValueError as error:  # another process has made it shorter meanwhile
        raise OSError(str(error)) from error


def _grow(fd: int) -> None:
    """Make the file as large as it has to be.

    All of it is written: a page that found no room on the disk later would be a crash.
    """
    deadline = time.monotonic() + _PATIENCE
    while not sharedfile.try_claim(fd, ROWS):
        if time.monotonic() > deadline:
            raise OSError("another process does not come to an end with making it")
        time.sleep(0.001)
    try:
        missing = SIZE - os.lseek(fd, 0, os.SEEK_END)
        if missing > 0 and os.write(fd, bytes(missing)) < missing:
            raise OSError("the disk has no room for it")
    finally:
        sharedfile.unclaim(fd, ROWS)
