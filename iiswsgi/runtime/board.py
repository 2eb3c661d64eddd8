"""What the processes of one log are doing, kept where the others find it when one is gone.

A process that crashes or is killed cannot say what it was doing; faulthandler's stacks have neither
time nor request, as no Python runs any more. So each process has a row in a file beside the log,
mapped into its memory: noting a request there costs no system call, and the system keeps what was
noted last (:mod:`.boardrows`). It also gives up the lock of the row when the process ends, however
it ends: a row with a process in it that nobody locks is that of one which ended without a word.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping

from iiswsgi.runtime import sharedfile
from iiswsgi.runtime.boardrows import CELL, LEAVING, OVER, ROWS, SIZE, Ended, Rows, name_of

__all__ = ["NAME", "Board", "look"]

NAME = ".{}.running"
"""Its file beside the log. To make it shorter is to crash those who have it mapped, on POSIX; with
the dot whoever empties all files of a folder, as a rotation of logs may, passes it over."""


class Board:
    """The file of *fd*, and the row that this process has in it.

    :param fd: open for reading and writing; the board's own from now on.
    :raises OSError: it cannot be made large enough and mapped, or all rows are taken.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._process = os.getpid()
        self._rows = Rows(fd)
        self._memory = self._rows.memory
        self._row = -1
        self._ended = list(self._take_ended())
        self._row = self._claim()
        self._free = self._rows.clear(self._row)
        self._cells: dict[int, int] = {}
        self._waiting: dict[int, tuple[int, float, Mapping[str, str]]] = {}
        """Requests that found no cell, by their threads; under the lock."""
        self._lock = threading.Lock()
        self._rows.introduce(self._row, self._process, serving=False)

    def serving(self) -> None:
        """Note that this process begins to serve."""
        self._rows.introduce(self._row, self._process, serving=True)

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
                self._rows.count(self._row, len(self._waiting))
            return
        CELL.pack_into(self._memory, cell, number, thread, begun, False, name_of(variables))

    def ending(self, thread: int) -> None:
        """The last bytes of the thread's request are about to leave.

        Whoever gets them may end the process before it has come to :meth:`end`, as IIS does after
        ``instanceMaxRequests``; then nothing was lost.
        """
        cell = self._cells.get(thread)
        if cell is not None:
            self._memory[cell + LEAVING] = 1

    def end(self, thread: int) -> None:
        """Take the thread's request off."""
        cell = self._cells.pop(thread, None)
        if cell is not None:
            self._empty(cell)
        if cell is None or self._waiting:
            self._move_up(thread)

    def ended(self) -> list[Ended]:
        """The processes that ended without a word since anybody asked; they are taken off."""
        before, self._ended = self._ended, []
        return [*before, *self._take_ended()]

    def leave(self) -> None:
        """Empty the row: this process ends in order, and there will be nothing to say of it."""
        if os.getpid() == self._process:  # not a child that was forked off
            self._rows.clear(self._row)

    def forsake(self) -> None:
        """In a child that was forked off: let the row's lock end with the parent.

        The lock belongs to the open file, which both have.
        """
        self._rows.close()
        os.close(self._fd)

    def _move_up(self, thread: int) -> None:
        """Give a cell to a request that waits for one; the thread's own waits no more."""
        with self._lock:
            self._waiting.pop(thread, None)
            cell = self._cells.pop(thread, None)  # it may have got one this very moment
            if cell is not None:
                self._empty(cell)
            if self._waiting and self._free:
                other = next(iter(self._waiting))
                number, begun, variables = self._waiting.pop(other)
                cell = self._cells[other] = self._free.pop()
                CELL.pack_into(self._memory, cell, number, other, begun, False, name_of(variables))
            self._rows.count(self._row, len(self._waiting))

    def _empty(self, cell: int) -> None:
        self._memory[cell : cell + len(OVER)] = OVER
        self._free.append(cell)

    def _claim(self) -> int:
        """Lock a row for as long as this process lives."""
        for row in range(ROWS):
            if sharedfile.try_claim(self._fd, row):
                self._ended += self._taken_off(row)  # it may have ended this very moment
                return row
        raise OSError(f"all {ROWS} rows are taken")

    def _take_ended(self) -> Iterator[Ended]:
        for row in range(ROWS):
            if row != self._row and self._rows.process(row) and sharedfile.try_claim(self._fd, row):
                yield from self._taken_off(row)
                sharedfile.unclaim(self._fd, row)

    def _taken_off(self, row: int) -> list[Ended]:
        """What stands in a row that is locked; nothing if another process was faster."""
        if not self._rows.process(row):
            return []
        ended = self._rows.read(row)
        self._rows.clear(row)
        return [ended]


def look(fd: int) -> list[Ended]:
    """The processes that ended without a word, which nobody has asked about; nothing is taken off.

    :param fd: the board's file, open for reading and writing; stays open.
    :raises OSError: it cannot be mapped or locked.
    """
    if os.fstat(fd).st_size < SIZE:  # it is being made
        return []
    rows = Rows(fd)
    found = []
    try:
        for row in range(ROWS):
            if rows.process(row) and sharedfile.try_claim(fd, row):
                found.append(rows.read(row))
                sharedfile.unclaim(fd, row)
    finally:
        rows.close()
    return [ended for ended in found if ended.process]
