"""Text streams for ``sys.stdout`` and ``sys.stderr`` whose lines become lines of the log."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

from iiswsgi.runtime import running

__all__ = ["MAX_PARTIAL", "LineBuffer", "LineStream"]

MAX_PARTIAL = 64 << 10
"""Bytes that may wait for their newline; a program that never writes one fills no memory."""


class LineBuffer(io.BufferedIOBase):
    """Takes bytes and hands on whole lines; the ``buffer`` of a text stream.

    A line waits for its newline however often it is flushed, for each thread by itself, but not
    beyond the thread's request: ``print`` writes text and newline separately. Closing has no
    effect, for a library that closes "its" stream would silence all others.

    :param emit: gets the lines, without newlines; must not raise.
    :param fd: answer of ``fileno()``, for subprocesses.
    """

    def __init__(self, emit: Callable[[list[str]], object], fd: int, name: str) -> None:
        self._emit = emit
        self._fd = fd
        self._waiting: dict[int, bytearray] = {}
        self.name = f"<{name}>"
        self.mode = "w"

    def write(self, data: object) -> int:
        """Take *data*, any bytes-like object."""
        piece = bytes(memoryview(data).cast("B"))  # type: ignore[arg-type]  # raises TypeError as others do
        thread = threading.get_ident()
        waiting = self._waiting.setdefault(thread, bytearray())
        waiting += piece
        end = waiting.rfind(b"\n", len(waiting) - len(piece)) + 1
        if not end and len(waiting) > MAX_PARTIAL:
            end = len(waiting)
        whole = bytes(waiting[:end])
        del waiting[:end]
        if waiting:
            running.at_end(self._finish_thread)
        else:
            self._waiting.pop(thread, None)
        if whole:
            self._emit_lines(whole)
        return len(piece)

    def finish(self) -> None:
        """Hand on what still waits for a newline; the process ends."""
        while self._waiting:
            self._emit_lines(bytes(self._waiting.popitem()[1]))

    def _finish_thread(self) -> None:
        waiting = self._waiting.pop(threading.get_ident(), None)
        if waiting:
            self._emit_lines(bytes(waiting))

    def _emit_lines(self, whole: bytes) -> None:
        text = whole.decode("utf-8", "backslashreplace").removesuffix("\n")
        self._emit([each.removesuffix("\r") for each in text.split("\n")])

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor that stands for this stream in child processes."""
        return self._fd

    def isatty(self) -> bool:
        """No, even when the lines also appear on a terminal: they carry times."""
        return False

    def close(self) -> None:
        """Do nothing."""


class LineStream(io.TextIOWrapper):
    """A text stream on a :class:`LineBuffer`, which is its ``buffer``."""

    def __init__(self, emit: Callable[[list[str]], object], fd: int, name: str) -> None:
        self.lines = LineBuffer(emit, fd, name)
        super().__init__(
            self.lines,
            encoding="utf-8",
            errors="backslashreplace",
            newline="\n",
            write_through=True,
        )

    def detach(self) -> LineBuffer:  # type: ignore[override]  # a BinaryIO by its methods
        """Give the buffer, for another text stream on it; this one goes on working all the same.

        ``sys.stderr = io.TextIOWrapper(sys.stderr.detach(), encoding="utf-8")`` is a usual line of
        applications; ``wsgi.errors`` and handlers made before it hold the old stream.
        """
        return self.lines
