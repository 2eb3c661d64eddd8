"""Where the log goes under a web server that shows nothing of a process's output.

:func:`start` is the first thing our code does. It opens the first writable of the places in
:mod:`.logplaces`, says who and where the process is, and from then on takes the records of the
``iiswsgi`` loggers, what is printed, warnings and tracebacks nobody caught. Which levels and whose
loggers is :mod:`.logconfig`'s business, the file with its rotation :mod:`.logfile`'s.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import io
import logging
import os
import stat
import sys
import threading
from collections.abc import Mapping
from typing import TextIO

from iiswsgi.runtime import fds, identity, logconfig, logtext
from iiswsgi.runtime.convert import STDERR
from iiswsgi.runtime.logfile import LogFile
from iiswsgi.runtime.logplaces import Place, places
from iiswsgi.runtime.logstream import LineStream
from iiswsgi.runtime.safetynet import Guard

__all__ = ["Log", "start"]


class Log:
    """The log of this process; no method raises because of a full disk or a closed terminal.

    :param environ: where the places and the identity are looked up.
    :param stderr: a private descriptor of the STDERR that the process was started with, or None.
    """

    def __init__(self, environ: Mapping[str, str], stderr: int | None = None) -> None:
        self._lock = threading.RLock()
        self._environ = dict(environ)
        self._stderr = stderr
        self._terminal = None if stderr is None else _terminal(stderr)
        self._attached: list[int] = []
        self._lost = 0
        self._rotation_told = False
        self._file: LogFile | None = None
        self.fd = fds.open_null()
        """Where raw output goes, for children and for :mod:`faulthandler`; never changes."""
        self.stdout = LineStream(lambda lines: self._printed("stdout", lines), 1, "stdout")
        """Stands in for ``sys.stdout``: what is printed becomes lines of the log."""
        self.stderr = LineStream(lambda lines: self._printed("stderr", lines), 2, "stderr")
        """The same for ``sys.stderr``."""
        self._handler = Handler(self)
        self._replaced: tuple[TextIO | None, TextIO | None] = None, None
        self.guard = Guard(self)

    @property
    def path(self) -> str | None:
        """The file; None when the log is on STDERR or, for want of a place, nowhere."""
        return self._file.path if self._file else None

    def record(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, past all levels and filters; *details* are more lines."""
        self.write(logtext.line(level, name, text, details))

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
            if self._terminal and self._file:
                with contextlib.suppress(OSError):
                    self._terminal.write(data)

    def attach(self, fd: int) -> None:
        """Lead *fd*, which children inherit, to where the log is and will be."""
        with self._lock:
            os.dup2(self.fd, fd)
            self._attached.append(fd)

    def place(self) -> None:
        """Open the first place that can be written to; say which, and why not the others."""
        passed = []
        for place in places(self._environ):
            fault = self._try(place)
            if not fault:
                break
            passed.append(f"passed over {place.path}: {fault}")
        else:
            self._nowhere(passed)
            return
        self._head()
        for text in passed:
            self.record("INFO", __name__, text)

    def move(self, path: str) -> None:
        """Go on at *path*, an absolute one or ``-`` for STDERR; stay when that cannot be."""
        before = self.path
        if path == before:
            return
        fault = self._leave_on_stderr() if path == STDERR else self._try(Place(path))
        if fault:
            self.tell(
                "ERROR",
                __name__,
                f"IISWSGI-L02: the log cannot go to {path!r} as log_file says, and stays in "
                f"{before}: {fault}. Let {identity.user()} write there, or correct log_file.",
            )

    def _try(self, place: Place) -> str:
        """Go on at *place*; what is wrong with it, or nothing."""
        if place.refused:
            return place.refused
        try:
            os.makedirs(os.path.dirname(place.path), exist_ok=True)
            file = LogFile(place.path, shared_folder=place.shared_folder)
        except (OSError, ValueError) as error:
            return str(error)
        before = self._file
        if before:
            self.record("INFO", __name__, f"the log goes on in {file.path}")
        with self._lock:
            self._file = file
            self._lead(file.fd)
        if before:
            before.close()
            self._head()
        return ""

    def _leave_on_stderr(self) -> str:
        if self._stderr is None:
            return "the process was started without STDERR"
        self.record("INFO", __name__, "the log goes on on STDERR, as log_file says")
        with self._lock:
            file, self._file = self._file, None
            self._lead(self._stderr)
        if file:
            file.close()
        return ""

    def _nowhere(self, passed: list[str]) -> None:
        """No place can be written to: STDERR is all there is, and often not even that."""
        if self._stderr is not None:
            self._lead(self._stderr)
        text = "IISWSGI-L01: no place for the log can be written to; set log_file to one that can."
        self.record("ERROR", __name__, text, "\n".join(passed))

    def _head(self) -> None:
        self.record("INFO", __name__, f"log: {self.path}")
        for fact in identity.facts(self._environ):
            self.record("INFO", __name__, fact)

    def _lead(self, fd: int) -> None:
        """Make our own descriptor and the attached ones lead where *fd* does."""
        os.dup2(fd, self.fd, inheritable=False)
        for attached in self._attached:
            os.dup2(fd, attached)

    def _append(self, data: bytes) -> None:
        if self._lost:
            # What could be written of the last record may end anywhere.
            text = f"IISWSGI-L04: {self._lost} records before this one could not be written."
            data = b"\n" + logtext.line("ERROR", __name__, text) + data
        try:
            if self._file is None:
                _write_all(self.fd, data)
            elif self._file.write(data):
                self._lead(self._file.fd)
        except OSError as error:
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
            self._append(logtext.line("WARNING", __name__, text))

    def _to_stderr(self, text: str) -> None:
        if self._stderr is not None:
            with contextlib.suppress(OSError):
                _write_all(self._stderr, text.encode("utf-8", "backslashreplace"))

    def _printed(self, stream: str, lines: list[str]) -> None:
        self.write(b"".join(logtext.line("INFO", stream, text) for text in lines))

    def install(self) -> None:
        """Take over the output, the hooks and the loggers of this process."""
        self._replaced = sys.stdout, sys.stderr
        for stream in self._replaced:
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        sys.stdout, sys.stderr = self.stdout, self.stderr
        faulthandler.enable(self.fd)
        atexit.register(self._finish)
        self.guard.install()
        logconfig.adopt(self._handler)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._after_fork)

    def repair(self) -> None:
        """Mend what Paste or the application has done to the loggers."""
        logconfig.repair(self._handler, self._replaced)

    def begun(self) -> None:
        """Serving begins: the application is loaded, and the end of the process needs no reason."""
        self.repair()
        logconfig.adopt_root(Handler(self))
        self.guard.begun()

    def _finish(self) -> None:
        """Write out lines that still wait for their newline."""
        for stream in (self.stdout, self.stderr):
            stream.lines.finish()

    def _after_fork(self) -> None:
        """Another thread may have held the lock when this process was forked off."""
        self._lock = threading.RLock()


class Handler(logging.Handler):
    """Takes records of :mod:`logging` to the log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._format = logtext.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; never raises."""
        try:
            self._log.write(self._format.to_bytes(record))
        except Exception:  # a message that does not fit its arguments
            self.handleError(record)


_started: Log | None = None


def start(environ: Mapping[str, str] = os.environ) -> Log:
    """Open the log of this process, and take over its output; once, however often it is called."""
    global _started
    if _started is None:
        stderr = _original_stderr()
        fds.plug()
        _started = Log(environ, stderr)
        _started.place()
        _started.install()
    return _started


def _original_stderr() -> int | None:
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
