"""The log as a place to write to: a file, STDERR or nothing, and a terminal besides.

Nothing here raises because of a full disk or a closed terminal: the application does not care.
Where the file is and what is written is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import threading
from collections.abc import Callable

from iiswsgi.runtime import fds, logtext
from iiswsgi.runtime.logentry import Entry, Render, entry
from iiswsgi.runtime.logfile import LogFile

__all__ = ["LogSink", "original_stderr"]


class LogSink:
    """Takes whole lines in one piece, from any thread.

    :param stderr: a private descriptor of the STDERR that the process was started with, or None.
    """

    def __init__(self, stderr: int | None = None) -> None:
        self._lock = threading.RLock()
        self._stderr = stderr
        self._terminal = None if stderr is None else _terminal(stderr)
        self._attached: list[int] = []
        self._lost = 0
        self._rotation_told = False
        self._file: LogFile | None = None
        self.fd = fds.open_null()
        """Where raw output goes, for children and for :mod:`faulthandler`; never changes."""
        self.render: Render = logtext.render
        """What entries look like."""
        self.listener: Callable[[Entry], object] | None = None
        """Gets each entry too; must not raise."""

    @property
    def path(self) -> str | None:
        """The file; None when the log is on STDERR or, for want of a place, nowhere."""
        return self._file.path if self._file else None

    def open_beside(self, name: str) -> int | None:
        """See :meth:`.LogFile.open_beside`; None when the log is in no file."""
        return self._file.open_beside(name) if self._file else None

    def record(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, past all levels and filters; *details* are more lines."""
        self.enter(entry(level, name, text, details))

    def enter(self, *entries: Entry) -> None:
        """Write *entries*, in one piece."""
        self.write(b"".join(map(self.render, entries)))
        if self.listener is not None:
            for each in entries:
                self.listener(each)

    def tell(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, and put it on the STDERR that the process was started with.

        For what ends a start: whoever started us by hand or by a service manager looks there.
        """
        self.record(level, name, text, details)
        if self._file and not self._terminal:
            self._to_stderr("\n".join(filter(None, (text, details.rstrip()))) + "\n")

    def write(self, data: bytes) -> None:
        """Append whole lines in one piece."""
        with self._lock:
            self._append(data)
            self._show(data)

    def attach(self, fd: int) -> None:
        """Lead *fd*, which children inherit, to where the log is and will be."""
        with self._lock:
            os.dup2(self.fd, fd)
            self._attached.append(fd)

    def follow(self) -> None:
        """Lead raw output to the new file, when another process has rotated the log.

        Children and :mod:`faulthandler` would write to the rotated one until our next record.
        """
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None and self._file.follow():
                self._lead(self._file.fd)

    def go_to(self, file: LogFile, head: bytes = b"") -> None:
        """Go on in *file*, which has the lines *head* already."""
        with self._lock:
            before, self._file = self._file, file
            self._lead(file.fd)
            self._show(head)
        if before:
            before.close()

    def go_to_stderr(self) -> bool:
        """Go on on STDERR; not if the process was started without."""
        if self._stderr is None:
            return False
        with self._lock:
            before, self._file = self._file, None
            self._lead(self._stderr)
        if before:
            before.close()
        return True

    def move_on(self, error: OSError) -> bool:
        """Go on in another file, for this one gives *error*; whether there is one.

        Here there is none; whoever knows of others says which.
        """
        del error
        return False

    def after_fork(self) -> None:
        """Another thread may have held the locks when this process was forked off."""
        self._lock = threading.RLock()
        if self._file is not None:
            self._file.after_fork()

    def _lead(self, fd: int) -> None:
        """Make our own descriptor and the attached ones lead where *fd* does."""
        os.dup2(fd, self.fd, inheritable=False)
        for attached in self._attached:
            os.dup2(fd, attached)

    def _show(self, data: bytes) -> None:
        """Show lines of the file on the terminal, if there is one."""
        if self._terminal and self._file:
            with contextlib.suppress(OSError):
                self._terminal.write(data)

    def _append(self, data: bytes) -> None:
        before = b""
        if self._lost:
            text = f"IISWSGI-L04: {self._lost} records before this one could not be written."
            before = self.render(entry("ERROR", __name__, text))
            if self._file is None:  # what could be written of the last record may end anywhere
                before = b"\n" + before
        try:
            if self._file is None:
                _write_all(self.fd, before + data)
            elif self._file.write(before + data):
                self._lead(self._file.fd)
        except OSError as error:
            if self._file and self.move_on(error):
                self._append(data)
                return
            self._lost += 1
            if self._lost == 1 and self._file:
                text = f"IISWSGI-L04: the log {self.path} cannot be written to: {error}\n"
                self._to_stderr(text)
            return
        self._lost = 0
        self._check_rotation()

    def _check_rotation(self) -> None:
        error = self._file.rotation_error if self._file else None
        if error is None:
            self._rotation_told = False
        elif not self._rotation_told:
            self._rotation_told = True
            text = f"IISWSGI-L03: the log grows on, for its rotation fails: {error}."
            self._append(self.render(entry("WARNING", __name__, text)))

    def _to_stderr(self, text: str) -> None:
        if self._stderr is not None:
            with contextlib.suppress(OSError):
                _write_all(self._stderr, text.encode("utf-8", "backslashreplace"))


def original_stderr() -> int | None:
    """A private duplicate of STDERR, unless there is none, or it is the wire.

    Python knows better than the descriptor whether there is one: under IIS with a virtual
    environment a process handle stands there. inetd and its like put one socket on 0, 1 and 2.
    """
    if sys.__stderr__ is None or not fds.is_open(2):
        return None
    status = os.fstat(2)
    if stat.S_ISSOCK(status.st_mode) and fds.is_open(0) and os.path.sameopenfile(0, 2):
        return None
    return fds.private(2)


def _terminal(fd: int) -> io.RawIOBase | None:
    """*fd* to write UTF-8 to, if it is a terminal or a Windows console; NUL is neither."""
    stream: io.RawIOBase = open(fd, "wb", buffering=0, closefd=False)  # noqa: SIM115 - as long as the process
    if sys.platform == "win32":
        return stream if type(stream).__name__ == "_WindowsConsoleIO" else None
    return stream if stream.isatty() else None


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
