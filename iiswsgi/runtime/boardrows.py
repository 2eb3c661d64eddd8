"""The file behind the board: rows of processes, cells of requests, and how they are read.

It is mapped into the memory of every process that has a row, and written without a system call. So
nothing in it is believed: whoever reads may find half of what is being written, or rubbish.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Mapping
from typing import NamedTuple

from iiswsgi.masking import without_user
from iiswsgi.runtime import sharedfile

__all__ = ["CELL", "LEAVING", "OVER", "ROWS", "SIZE", "Ended", "Request", "Rows", "name_of"]

ROWS = 64
"""Processes that find a row; IIS has four of an application unless told otherwise."""

_CELLS = 8
"""Requests of one process that are noted at once: as many as there are threads by default."""

CELL = struct.Struct("=qqd?223p")
"""Of a request: its number, 0 once it is over; its thread; its begin by ``time.perf_counter``;
whether its last bytes are on their way; its name, cut off where it is longer."""
LEAVING = 24
"""Where in a cell it stands whether the last bytes are on their way."""
OVER = bytes(8)
"""What a cell begins with when its request is over."""

_HEAD = struct.Struct("=qqddq")
"""Of a process: its id, 0 in a free row; whether it serves; one moment by ``time.time`` and by
``time.perf_counter``; how many requests found no cell."""
_MORE = 32
_COUNT = struct.Struct("=q")

_PATIENCE = 1.0
"""Seconds to wait for another process that makes the file; it takes less than a millisecond."""

_ROW_SIZE = _HEAD.size + _CELLS * CELL.size
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


class Rows:
    """The file of *fd*, mapped; a row is known by its number, a cell by where it stands.

    :param fd: open for reading and writing.
    :raises OSError: it cannot be made large enough, or not be mapped.
    """

    def __init__(self, fd: int) -> None:
        if os.fstat(fd).st_size < SIZE:
            _grow(fd)
        try:
            self.memory = mmap.mmap(fd, SIZE)
            """All of it. What every request notes is written there by the board itself."""
        except ValueError as error:  # another process has made it shorter meanwhile
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Unmap the file."""
        self.memory.close()

    def process(self, row: int) -> int:
        """The process of a row, 0 if it has none."""
        process: int = _HEAD.unpack_from(self.memory, row * _ROW_SIZE)[0]
        return process

    def clear(self, row: int) -> list[int]:
        """Make a row empty; its cells."""
        start = row * _ROW_SIZE
        self.memory[start : start + _ROW_SIZE] = bytes(_ROW_SIZE)
        return list(range(start + _HEAD.size, start + _ROW_SIZE, CELL.size))

    def introduce(self, row: int, process: int, *, serving: bool) -> None:
        """Write whose row it is."""
        now = time.time(), time.perf_counter()
        _HEAD.pack_into(self.memory, row * _ROW_SIZE, process, serving, *now, 0)

    def count(self, row: int, more: int) -> None:
        """Write how many requests found no cell."""
        _COUNT.pack_into(self.memory, row * _ROW_SIZE + _MORE, more)

    def read(self, row: int) -> Ended:
        """What stands in a row."""
        start = row * _ROW_SIZE
        process, serving, wall, clock, more = _HEAD.unpack_from(self.memory, start)
        requests = []
        for cell in range(start + _HEAD.size, start + _ROW_SIZE, CELL.size):
            number, thread, begun, leaving, name = CELL.unpack_from(self.memory, cell)
            if number:
                moment = wall + begun - clock
                requests.append(Request(number, thread, moment, leaving, name.decode("latin-1")))
        return Ended(process, bool(serving), sorted(requests), more)


def name_of(variables: Mapping[str, str]) -> bytes:
    """Method and path; neither the query nor, in a whole URL, name and password."""
    get = variables.get
    path = get("REQUEST_URI") or get("SCRIPT_NAME", "") + get("PATH_INFO", "") or "-"
    if path[0] != "/":
        path = without_user(path)
    name = f"{get('REQUEST_METHOD', '-')} {path}".partition("?")[0]
    return name.encode("latin-1", "replace")


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
