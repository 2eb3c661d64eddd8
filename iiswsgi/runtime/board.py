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
import threading
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from iiswsgi.masking import without_user
from iiswsgi.runtime import sharedfile

__all__ = ["ROWS", "SIZE", "SUFFIX", "Board", "Ended", "Request"]

SUFFIX = ".running"

ROWS = 64
"""Processes that find a row; IIS has four of an application unless told otherwise."""

_CELLS = 8
"""Requests of one process that are noted at once: as many as there are threads by default."""

_CELL = struct.Struct("=qqd?223p")
"""Of a request: its number, 0 once it is over; its thread; its begin by ``time.perf_counter``;
whether its last bytes are on their way; its name, cut off where it is longer."""
_LEAVING = 24
_OVER = bytes(8)

_HEAD = struct.Struct("=qqddq")
"""Of a process: its id, 0 in a free row; whether it serves; one moment by ``time.time`` and by
``time.perf_counter``; how many requests found no cell."""
_MORE = 32
_COUNT = struct.Struct("=q")

_PATIENCE = 1.0
"""Seconds to wait for another process that makes the file; it takes less than a millisecond."""

_ROW_SIZE = _HEAD.size + _CELLS * _CELL.size
SIZE = ROWS * _ROW_SIZE


class Request(NamedTuple):
    """A request that was not over."""

    number: int
    thread: int
    begun: float
    """Seconds since the epoch."""
    leaving: bool
    """Whether its last bytes were on their way."""
    name: str
    """Method and path, each byte one latin-1 character; cut off where it is long."""


class Ended(NamedTuple):
    """A process that ended without a word, and what it was doing."""

    process: int
    serving: bool
    """Whether it had begun to serve."""
    requests: list[Request]
    more: int
    """Requests that were not over either; nothing else is known of them."""


class Board:
    """The file of *fd*, and the row that this process has in it.

    :param fd: open for reading and writing; the board's own from now on.
    :raises OSError: it cannot be made large enough and mapped, or all rows are taken.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._process = os.getpid()
        self._map = _mapped(fd)
        self._row = -1
        self._ended = list(self._take_ended())
        self._row = self._claim()
        start = self._start = self._row * _ROW_SIZE
        self._free = [start + _HEAD.size + number * _CELL.size for number in range(_CELLS)]
        self._cells: dict[int, int] = {}
        self._waiting: dict[int, tuple[int, float, Mapping[str, str]]] = {}
        """Requests that found no cell, by their threads; under the lock."""
        self._lock = threading.Lock()
        self._map[start : start + _ROW_SIZE] = bytes(_ROW_SIZE)
        self._introduce(serving=False)

    def serving(self) -> None:
        """Note that this process begins to serve."""
        self._introduce(serving=True)

    def begin(self, thread: int, number: int, begun: float, variables: Mapping[str, str]) -> None:
        """Note a request; that there is one more, if all cells are taken.

        :param begun: by ``time.perf_counter``.
        :param variables: what the web server said of it.
        """
        try:
            cell = self._cells[thread] = self._free.pop()
        except IndexError:
            with self._lock:
                self._waiting[thread] = number, begun, variables
                self._count_waiting()
            return
        _CELL.pack_into(self._map, cell, number, thread, begun, False, _name(variables))

    def ending(self, thread: int) -> None:
        """The last bytes of the thread's request are about to leave.

        Whoever gets them may end the process before it has come to :meth:`end`, as IIS does after
        ``instanceMaxRequests``; then nothing was lost.
        """
        cell = self._cells.get(thread)
        if cell is not None:
            self._map[cell + _LEAVING] = 1

    def end(self, thread: int) -> None:
        """Take the thread's request off."""
        if not self._release(thread) or self._waiting:
            self._move_up(thread)

    def ended(self) -> list[Ended]:
        """The processes that ended without a word since anybody asked; they are taken off."""
        before, self._ended = self._ended, []
        return [*before, *self._take_ended()]

    def leave(self) -> None:
        """Empty the row: this process ends in order, and there will be nothing to say of it."""
        if os.getpid() == self._process:  # not a child that was forked off
            _HEAD.pack_into(self._map, self._start, *_HEAD.unpack(bytes(_HEAD.size)))

    def _introduce(self, *, serving: bool) -> None:
        now = time.time(), time.perf_counter()
        _HEAD.pack_into(self._map, self._start, self._process, serving, *now, len(self._waiting))

    def _release(self, thread: int) -> bool:
        """Empty the thread's cell, if it has one."""
        cell = self._cells.pop(thread, None)
        if cell is None:
            return False
        self._map[cell : cell + len(_OVER)] = _OVER
        self._free.append(cell)
        return True

    def _move_up(self, thread: int) -> None:
        """Give a cell to a request that waits for one; the thread's own waits no more."""
        with self._lock:
            self._waiting.pop(thread, None)
            self._release(thread)  # it may have got one this very moment
            if self._waiting and self._free:
                other = next(iter(self._waiting))
                number, begun, variables = self._waiting.pop(other)
                cell = self._cells[other] = self._free.pop()
                name = _name(variables)
                _CELL.pack_into(self._map, cell, number, other, begun, False, name)
            self._count_waiting()

    def _count_waiting(self) -> None:
        _COUNT.pack_into(self._map, self._start + _MORE, len(self._waiting))

    def _claim(self) -> int:
        """Lock a row for as long as this process lives."""
        for row in range(ROWS):
            if sharedfile.try_claim(self._fd, row):
                self._ended += self._taken_off(row)  # it may have ended this very moment
                return row
        raise OSError(f"all {ROWS} rows are taken")

    def _take_ended(self) -> Iterator[Ended]:
        for row in range(ROWS):
            if row != self._row and self._process_of(row) and sharedfile.try_claim(self._fd, row):
                yield from self._taken_off(row)
                sharedfile.unclaim(self._fd, row)

    def _taken_off(self, row: int) -> list[Ended]:
        """What stands in a row that is locked; nothing if another process was faster."""
        start = row * _ROW_SIZE
        process, serving, wall, clock, more = _HEAD.unpack_from(self._map, start)
        if not process:
            return []
        requests = []
        for cell in range(start + _HEAD.size, start + _ROW_SIZE, _CELL.size):
            number, thread, begun, leaving, name = _CELL.unpack_from(self._map, cell)
            if number:
                moment = wall + begun - clock
                requests.append(Request(number, thread, moment, leaving, name.decode("latin-1")))
        _HEAD.pack_into(self._map, start, *_HEAD.unpack(bytes(_HEAD.size)))
        return [Ended(process, bool(serving), sorted(requests), more)]

    def _process_of(self, row: int) -> int:
        process: int = _HEAD.unpack_from(self._map, row * _ROW_SIZE)[0]
        return process


def _name(variables: Mapping[str, str]) -> bytes:
    """Method and path; neither the query nor, in a whole URL, name and password."""
    get = variables.get
    path = get("REQUEST_URI") or get("SCRIPT_NAME", "") + get("PATH_INFO", "") or "-"
    if path[0] != "/":
        path = without_user(path)
    name = f"{get('REQUEST_METHOD', '-')} {path}".partition("?")[0]
    return name.encode("latin-1", "replace")


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
