"""Where the log goes under a web server that shows nothing of a process's output.

:func:`start` is the first thing our code does. It opens the first writable of the places in
:mod:`.logplaces`, says who and where the process is, and from then on takes the records of the
``iiswsgi`` loggers, what is printed, warnings and tracebacks nobody caught. Which levels and whose
loggers is :mod:`.logconfig`'s business, the file with its rotation :mod:`.logfile`'s.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from iiswsgi import tracebacks
from iiswsgi.runtime import deadman, fds, identity, logconfig, logentry, logstream, sharedfile
from iiswsgi.runtime.convert import STDERR
from iiswsgi.runtime.logfile import KEPT_FILES, MAX_SIZE, LogFile
from iiswsgi.runtime.logplaces import Place, places
from iiswsgi.runtime.logsink import LogSink, original_stderr
from iiswsgi.runtime.logstream import LineStream
from iiswsgi.runtime.ownlogger import LOGGED, Destination, is_ours
from iiswsgi.runtime.safetynet import Guard

__all__ = ["Log", "start"]

CLOSING_SECONDS = 10.0
"""What the handlers of the application have for being closed, by the end of the process."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
"""No room is left, for a while perhaps."""


class Log(LogSink):
    """The log of this process.

    :param environ: where the places and the identity are looked up.
    :param stderr: a private descriptor of the STDERR that the process was started with, or None.
    """

    def __init__(self, environ: Mapping[str, str], stderr: int | None = None) -> None:
        super().__init__(stderr)
        self._environ = dict(environ)
        self.stdout = LineStream(functools.partial(self._printed, "stdout"), 1, "stdout")
        """Stands in for ``sys.stdout``: what is printed becomes lines of the log."""
        self.stderr = LineStream(functools.partial(self._printed, "stderr"), 2, "stderr")
        """The same for ``sys.stderr``."""
        self._limits = MAX_SIZE, KEPT_FILES
        self._given_up: dict[str, str] = {}
        """Files that could not be written to any more, and why."""
        self._handler = Handler(self)
        self._replaced: tuple[TextIO | None, TextIO | None] = None, None
        self.guard = Guard(self)

    def place(self) -> None:
        """Open the first place that can be written to; say which, and why not the others."""
        passed: list[str] = []
        if not self._find_place(passed):
            self._find_full()
            self._nowhere(passed)

    def move_on(self, error: OSError) -> bool:
        """Go on at the first place that can still be written to, for the file gives *error*.

        A start must not fail without a word because of a full disk. While serving, the lines belong
        where they are expected, and there may be room again.
        """
        before = self.path
        if before is None or (self.guard.serving and error.errno in _FULL):
            return False
        self._given_up[before] = str(error)
        if not self._find_place([]):
            return False
        text = f"IISWSGI-L04: the log {before} cannot be written to, and goes on here: {error}"
        self.tell("ERROR", __name__, text)
        return True

    def _find_place(self, passed: list[str]) -> bool:
        """Go to the first place that can be written to; *passed* gets why not to the others."""
        for place in places(self._environ):
            fault = self._go_to(place)
            if not fault:
                for text in passed:
                    self.record("INFO", __name__, text)
                return True
            passed.append(f"passed over {place.path}: {fault}")
        return False

    def _find_full(self) -> None:
        """Go to the first place where only room is missing, for there may be some again."""
        for place in places(self._environ):
            if not self._go_to(place, even_full=True):
                return

    def move(self, path: str) -> None:
        """Go on at *path*, an absolute one or ``-`` for STDERR; stay when that cannot be."""
        if path == self.path:
            return
        if path == STDERR:
            fault = self._leave_on_stderr()
        else:
            # Where nothing else can be written to either, it may as well be full.
            fault = self._go_to(Place(path), even_full=self._lost > 0)
        if fault:
            self.tell(
                "ERROR",
                __name__,
                f"IISWSGI-L02: the log cannot go to {path!r} as log_file says, and stays in "
                f"{self.path or 'its place'}: {fault}. Let {identity.user()} write there, or "
                "correct log_file.",
            )

    def limit(self, size: int, count: int) -> None:
        """Rotate the file at *size* bytes, and keep *count* rotated ones, from now on."""
        self._limits = size, count
        if self._file is not None:
            self._file.max_size, self._file.kept_files = size, count

    def use_json(self) -> None:
        """Write entries as lines of JSON from now on."""
        from iiswsgi.runtime import logjson  # few want it, and a start need not wait for it

        self.render = logjson.render

    def _go_to(self, place: Place, *, even_full: bool = False) -> str:
        """Go on at *place*; what is wrong with it, or nothing.

        :param even_full: although nothing can be written there now.
        """
        if place.refused:
            return place.refused
        try:
            folder = os.path.dirname(place.path)
            os.makedirs(folder, exist_ok=True)
            shared = place.shared_folder or sharedfile.is_shared(folder)
            file = LogFile(place.path, shared_folder=shared)
        except (OSError, ValueError) as error:
            return str(error)
        file.max_size, file.kept_files = self._limits
        head = self._head(file.path)
        fault = self._given_up.get(file.path) or _write_fault(file, head)
        if fault and not even_full:
            file.close()
            return fault
        if fault:
            self._lost += head.count(b"\n")
        if self.path and self.path not in self._given_up:
            self.record("INFO", __name__, f"the log goes on in {file.path}")
        self.go_to(file, head)
        return ""

    def _leave_on_stderr(self) -> str:
        self.record("INFO", __name__, "log_file says that the log goes on on STDERR")
        return "" if self.go_to_stderr() else "the process was started without STDERR"

    def _nowhere(self, passed: list[str]) -> None:
        """No place can be written to: STDERR is all there is, and often not even that."""
        if self._file is None:
            self.go_to_stderr()
        text = "IISWSGI-L01: no place for the log can be written to; set log_file to one that can."
        self.tell("ERROR", __name__, text, "\n".join(passed))

    def _head(self, path: str) -> bytes:
        texts = [f"log: {path}", *identity.facts(self._environ)]
        return b"".join(self.render(logentry.entry("INFO", __name__, text)) for text in texts)

    def _printed(self, stream: str, lines: list[str], request: int | None) -> None:
        now = time.time()
        self.enter(*[logentry.Entry("INFO", stream, text, "", now, request) for text in lines])

    def install(self) -> None:
        """Take over the output, the hooks and the loggers of this process."""
        self._replaced = sys.stdout, sys.stderr
        for stream in self._replaced:
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        sys.stdout, sys.stderr = self.stdout, self.stderr
        deadman.install(self.fd)
        atexit.register(self._leave)
        self.guard.install()
        logconfig.adopt(self._handler)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self.after_fork)

    def after_fork(self) -> None:
        """See :meth:`.LogSink.after_fork`; what waits for its newline is the parent's."""
        super().after_fork()
        for stream in (self.stdout, self.stderr):
            stream.lines.after_fork()

    def repair(self) -> None:
        """Mend what Paste or the application has done to the loggers."""
        logconfig.repair(self._handler, self._replaced)

    def begun(self) -> None:
        """Serving begins: the application is loaded, and the end of the process needs no reason."""
        self.repair()
        logstream.settle()
        logconfig.adopt_root(Handler(self))
        self.guard.begun()

    def _leave(self) -> None:
        """The process ends; next, logging closes all handlers, and one that hangs would keep it."""
        self._finish()
        deadman.end_within(CLOSING_SECONDS)

    def _finish(self) -> None:
        """Write out lines that still wait for their newline."""
        for stream in (self.stdout, self.stderr):
            stream.lines.finish()


class Handler(Destination):
    """Takes records of :mod:`logging` to the log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._failure_told = False

    def enter(self, entry: logentry.Entry) -> None:
        """Write *entry*."""
        self._log.enter(entry)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless it is one of ours and there already; never raises."""
        if LOGGED in record.__dict__ and is_ours(record.name):
            return
        record.__dict__[LOGGED] = True
        try:
            self._log.enter(logentry.of_record(record))
        except Exception:  # a message that does not fit its arguments
            self.handleError(record)

    def foreign_failure(self, error: Exception) -> None:
        """Say once that a handler of the application's fails; it may fail at every record."""
        if self._failure_told:
            return
        self._failure_told = True
        text = "IISWSGI-L11: a logging handler of the application raised at a record of ours."
        self._log.record("ERROR", __name__, text, tracebacks.as_text(error))


def _write_fault(file: LogFile, head: bytes) -> str:
    """Why *file* does not take the lines *head*; on a full disk one can be made all the same."""
    try:
        file.write(head)
    except OSError as error:
        return str(error)
    return ""


_started: Log | None = None


def start(environ: Mapping[str, str] = os.environ) -> Log:
    """Open the log of this process, and take over its output; once, however often it is called."""
    global _started
    if _started is None:
        stderr = original_stderr()
        fds.plug()
        _started = Log(environ, stderr)
        _started.place()
        _started.install()
    return _started
