"""The start-up safety net: what nobody catches ends up in the log, whatever ends the process.

Most installations fail before the first request: a missing package, a typing error, a folder that
the application pool may not read. IIS then only says that the process ended.
"""

from __future__ import annotations

import atexit
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn, Protocol, TextIO

from iiswsgi import tracebacks

__all__ = ["Guard", "Sink"]


class Sink(Protocol):
    """What of the log is used here."""

    def record(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, past all levels and filters."""

    def tell(self, level: str, name: str, text: str, details: str = "") -> None:
        """Write a record, and put it on the STDERR that the process was started with."""


class Guard:
    """Knows whether serving has begun, and catches what would leave without a word.

    It writes past :mod:`logging`: an application may disable every logger, ours too.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.serving = False
        """Whether :meth:`begun` was called."""
        self.failed = False
        """Whether an exception nobody caught has been logged."""
        self.on_failure: Callable[[BaseException], object] | None = None
        """Called once with an uncaught exception from before serving began, after it was logged.

        It may serve pages that say so, and return or raise SystemExit when the process is to end.
        """
        self._exit = sys.exit
        self._exit_called = ""

    def install(self) -> None:
        """Take over the interpreter's hooks for the rest of the process."""
        sys.excepthook = self._uncaught
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._thread_died
        warnings.showwarning = self._warned
        atexit.register(self._leaving)
        # Nothing else tells who did it: SystemExit reaches no hook, and is gone at the exit.
        self._exit, sys.exit = sys.exit, self._exiting

    def begun(self) -> None:
        """Serving begins: from now on an end of the process is nothing to be explained."""
        self.serving = True
        if sys.exit == self._exiting:
            sys.exit = self._exit

    def _exiting(self, status: object = None, /) -> NoReturn:
        """Note who calls ``sys.exit`` before serving begins."""
        if not self.serving:
            stack = traceback.format_stack(sys._getframe(1))
            self._exit_called = "".join(["Traceback (most recent call last):\n", *stack])
            self._exit_called += f"SystemExit: {status}"
        raise SystemExit(status)

    def _uncaught(
        self, kind: type[BaseException], value: BaseException, trace: TracebackType | None
    ) -> None:
        details = _traceback(kind, value, trace)
        if issubclass(kind, KeyboardInterrupt):
            self.failed = True
            self._sink.tell("INFO", __name__, "interrupted", details)
            return
        when = "while serving" if self.serving else "before the process began to serve"
        first, self.failed = not self.failed, True
        serve = self.on_failure if first and not self.serving else None
        then = "requests get a page that says where to look" if serve else "the process ends"
        text = f"IISWSGI-L05: nobody caught {kind.__name__}, raised {when}; {then}."
        self._sink.tell("CRITICAL", __name__, text, details)
        if serve is not None:
            serve(value)

    def _thread_died(self, args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, SystemExit):
            return  # the documented way for a thread to end itself
        details = _traceback(args.exc_type, args.exc_value, args.exc_traceback)
        name = args.thread.name if args.thread else "unknown"
        text = f"IISWSGI-L06: the thread {name!r} ended with {args.exc_type.__name__}."
        self._sink.record("ERROR", __name__, text, details)

    def _unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        value = unraisable.exc_value
        details = _traceback(unraisable.exc_type, value, unraisable.exc_traceback)
        where = unraisable.err_msg or "Exception ignored in"
        if unraisable.object is not None:  # from Python 3.14 on the message names it instead
            where += f": {type(unraisable.object).__name__}"
        text = f"IISWSGI-L07: {where}"
        self._sink.record("ERROR", __name__, text, details)

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if file is not None:
            file.write(warnings.formatwarning(message, category, filename, lineno, line))
            return
        text = f"{category.__name__}: {message} ({filename}:{lineno})"
        self._sink.record("WARNING", "py.warnings", text)

    def _leaving(self) -> None:
        if not self.serving and not self.failed:
            self._sink.record(
                "ERROR",
                __name__,
                "IISWSGI-L08: the process ends before it began to serve, and no exception says why:"
                " something called sys.exit, or the command line was refused.",
                self._exit_called,
            )


def _traceback(
    kind: type[BaseException], value: BaseException | None, trace: TracebackType | None
) -> str:
    """As Python prints it, except for values of INI files."""
    from iiswsgi.runtime import inifault  # a process that ends in order need not wait for it

    if value is None:
        return "".join(traceback.format_exception(kind, value, trace))
    inifault.withhold(value)
    return tracebacks.as_text(value)
