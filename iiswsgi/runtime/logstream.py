"""Text streams for ``sys.stdout`` and ``sys.stderr`` whose lines become lines of the log."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable

from iiswsgi.runtime import running

__all__ = ["MAX_PARTIAL", "LineBuffer", "LineStream", "settle"]

MAX_PARTIAL = 64 << 10
"""Bytes that may wait for their newline; a program that never writes one fills no memory."""

Emit = Callable[[list[str], "int | None"], object]


class LineBuffer(io.BufferedIOBase):
    """Takes bytes and hands on whole lines; the ``buffer`` of a text stream.

    ``print`` writes text and newline separately, so a line waits for its newline, for each thread
    by itself, though not beyond its request, nor once it is flushed: what a program flushes it
    wants to have said, whatever happens to it next. Closing has no effect, for a library that
    closes "its" stream would silence all others.

    :param emit: gets the lines, without newlines, and the number of the request that was served
        when they were begun; must not raise.
    :param fd: answer of ``fileno()``, for subprocesses.
    """

    def __init__(self, emit: Emit, fd: int, name: str) -> None:
        self._emit = emit
        self._fd = fd
        self._waiting: dict[int, _Line] = {}
        self.name = f"<{name}>"
        self.mode = "w"

    def write(self, data: object) -> int:
        """Take *data*, any bytes-like object."""
        piece = bytes(memoryview(data).cast("B"))  # type: ignore[arg-type]  # raises TypeError as others do
        ident, thread = threading.get_ident(), threading.current_thread()
        request = running.number()
        line = self._waiting.get(ident)
        if line is None or line.thread is not thread or line.request != request:
            # What is there is another request's, or an ended thread's whose number is given away.
            self._finish_thread()
            line = _Line(thread, request)
        whole = line.add(piece)
        if line.is_open():
            self._waiting[ident] = line
            running.at_end(self._finish_thread)
        else:
            self._waiting.pop(ident, None)
        self._emit_lines(whole, line)
        return len(piece)

    def flush(self) -> None:
        """Hand on what this thread has written; what follows on the same line is a line too."""
        if line := self._waiting.get(threading.get_ident()):
            self._emit_lines(line.take(), line)

    def after_fork(self) -> None:
        """Leave to the parent what it has written."""
        self._waiting = {}

    def finish(self) -> None:
        """Hand on what still waits for a newline; the process ends."""
        while self._waiting:
            line = self._waiting.popitem()[1]
            self._emit_lines(line.take(), line)

    def _finish_thread(self) -> None:
        if line := self._waiting.pop(threading.get_ident(), None):
            self._emit_lines(line.take(), line)

    def _emit_lines(self, whole: bytes, line: _Line) -> None:
        if not whole:
            return
        text = whole.decode("utf-8", "backslashreplace").removesuffix("\n")
        self._emit([each.removesuffix("\r") for each in text.split("\n")], line.request)

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


class _Line:
    """What *thread* has written since its last newline, in the *request* of that number."""

    def __init__(self, thread: threading.Thread, request: int | None) -> None:
        self.thread = thread
        self.request = request
        self.text = bytearray()
        self._cut = False
        """Whether it was handed on without its newline, which may still come."""

    def is_open(self) -> bool:
        """Whether a newline would belong to what was written before it."""
        return bool(self.text) or self._cut

    def add(self, piece: bytes) -> bytes:
        """Take *piece*; what is to be handed on: whole lines, or what is too long to wait.

        The newline of what was handed on before, if that is what comes, is no line of its own.
        """
        text, was_cut = self.text, self._cut
        text += piece
        end = text.rfind(b"\n", len(text) - len(piece)) + 1
        if not end and len(text) > MAX_PARTIAL:
            whole = self.take()
        else:
            whole = bytes(text[:end])
            del text[:end]
            self._cut = was_cut and not end
        if was_cut and whole.startswith((b"\n", b"\r\n")):
            whole = whole[whole.index(b"\n") + 1 :]
        return whole

    def take(self) -> bytes:
        """Take away what waits, although its newline has not come."""
        whole = bytes(self.text)
        self.text.clear()
        self._cut = self._cut or bool(whole)
        return whole


class LineStream(io.TextIOWrapper):
    """A text stream on a :class:`LineBuffer`, which is its ``buffer``."""

    def __init__(self, emit: Emit, fd: int, name: str) -> None:
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


def settle() -> None:
    """Let what was printed come to the log by now, though the application prints its own way.

    ``sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")`` is another usual line; of
    such a stream the text would come when there are 8 KiB, in whatever request that is.
    """
    if type(sys.stdout) is not LineStream:
        _hasten(sys.stdout)
    if type(sys.stderr) is not LineStream:
        _hasten(sys.stderr)


def _hasten(stream: object) -> None:
    with contextlib.suppress(ValueError):  # it is closed, or detached
        if isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, LineBuffer):
            stream.reconfigure(line_buffering=True)  # which flushes it, too
