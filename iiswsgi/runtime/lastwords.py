"""What a process that crashed or was killed could not say, said by one that shares its log.

What it left on the :mod:`.board` has the process, the request and the time, which faulthandler's
stacks of a crash have not.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import Protocol

from iiswsgi.runtime import board, running, sharedfile
from iiswsgi.runtime.board import NAME, Board
from iiswsgi.runtime.boardrows import Ended, Request
from iiswsgi.runtime.logtext import stamp

__all__ = ["LastWords", "Sink", "unsaid"]


class Sink(Protocol):
    """What of the log is used here."""

    def record(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, past all levels and filters."""

    @property
    def path(self) -> str | None:
        """The file; None when the log is in no file."""

    def open_beside(self, name: str) -> int | None:
        """Open a file beside the log's; None when the log is in no file."""


class LastWords:
    """Keeps the board for this process, and speaks for others that had no time to."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._board: Board | None = None

    def begin(self) -> None:
        """Find a row on the board for this process, and say what others left there."""
        try:
            _check_place(self._sink.path)
            fd = self._sink.open_beside(NAME)
            self._board = None if fd is None else Board(fd)
        except OSError as error:
            text = f"no process will say of this one whether it ends without a word: {error}"
            self._sink.record("INFO", __name__, text)
        if self._board is None:
            return
        running.set_witness(self._board)
        atexit.register(self._board.leave)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._forget)
        self.speak()

    def serving(self) -> None:
        """The process begins to serve."""
        if self._board is not None:
            self._board.serving()

    def end(self) -> None:
        """The process has said that it ends, and says no more."""
        if self._board is not None:
            running.set_witness(None)
            self._board.leave()

    def speak(self) -> None:
        """Log who has ended without a word; never raises."""
        if self._board is None:
            return
        try:
            found = self._board.ended()
        except OSError:  # something has closed our descriptors
            return
        for ended in found:
            unanswered = ended.more or not all(each.leaving for each in ended.requests)
            level = "ERROR" if unanswered or not ended.serving else "INFO"
            self._sink.record(level, __name__, f"IISWSGI-L14: {_sentence(ended)}")

    def _forget(self) -> None:
        """A child that was forked off serves nothing; the row is its parent's."""
        running.set_witness(None)
        left, self._board = self._board, None
        if left is not None:
            left.forsake()


def _check_place(path: str | None) -> None:
    """Refuse what must not be mapped: when the other machine is gone, to write there is a crash."""
    if sys.platform == "win32" and path:
        from iiswsgi import win32

        if win32.is_remote(path):
            raise OSError("the log lies on another machine")


def unsaid(path: str) -> list[str]:
    """What the next process will say in the log at *path*, for who looks at it before.

    :raises OSError: it cannot be seen.
    """
    folder, own = os.path.split(path)
    _check_place(path)
    try:
        fd = sharedfile.open_locking(os.path.join(folder, NAME.format(own)), os.stat(path))
    except FileNotFoundError:
        return []
    try:
        return [_sentence(ended) for ended in board.look(fd)]
    finally:
        os.close(fd)


def _sentence(ended: Ended) -> str:
    return f"process {ended.process} ended without a word {_when(ended)}"


def _when(ended: Ended) -> str:
    names = [*map(_request, ended.requests), *([f"{ended.more} more"] if ended.more else [])]
    if names:
        return "while it served " + " and ".join(names)
    return "between two requests" if ended.serving else "before it began to serve"


def _request(request: Request) -> str:
    try:
        begun = stamp(request.begun)
    except (OSError, OverflowError, ValueError):  # no moment that a clock would show
        begun = "an unknown time"
    text = f"request {request.number}, {ascii(request.name)[1:-1]}, since {begun} in thread "
    text += f"0x{request.thread:x}"
    return f"{text}, whose last bytes were on their way" if request.leaving else text
