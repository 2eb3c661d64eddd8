"""What hangs is reported with the stacks of all threads, before IIS kills the process.

IIS ends a process whose request exceeds ``activityTimeout`` or ``requestTimeout``, without notice
and without a word of what it was doing; the application's loading counts as part of the first
request. A thread looks now and then how long requests have run; for the requests themselves that
costs an entry in a dictionary.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping

__all__ = ["Watchdog"]

log = logging.getLogger(__name__)

_NAME_LENGTH = 200
"""Characters of method and path in a report."""

_LOOKS = 12
"""Looks within the limit: a report comes at most a twelfth of it late, 5 of 60 seconds."""


class Watchdog:
    """Watches the running requests of this process, or the loading of its application.

    :param limit: seconds after which a request is reported, once; 0 for never.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._running: dict[int, tuple[float, Mapping[str, str] | None]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watchdog:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to look."""
        if self._limit:
            self._thread = threading.Thread(
                target=self._watch, name="iiswsgi-watchdog", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def begin_loading(self) -> None:
        """The application begins to load, in this thread."""
        self._running[threading.get_ident()] = (time.monotonic(), None)

    def begin(self, variables: Mapping[str, str]) -> None:
        """A request begins in this thread; *variables* are looked at only for a report."""
        self._running[threading.get_ident()] = (time.monotonic(), variables)

    def end(self) -> None:
        """The request of this thread has ended."""
        self._running.pop(threading.get_ident(), None)

    def _watch(self) -> None:
        reported: set[tuple[int, float]] = set()
        while not self._stop.wait(self._limit / _LOOKS):
            now = time.monotonic()
            running = {(ident, start): v for ident, (start, v) in self._running.copy().items()}
            # What has ended need not be remembered.
            reported &= running.keys()
            for ident, start in running.keys() - reported:
                if now - start >= self._limit:
                    reported.add((ident, start))
                    _report(ident, now - start, running[ident, start])


def _report(ident: int, seconds: float, variables: Mapping[str, str] | None) -> None:
    if variables is None:
        what = "IISWSGI-S17: the application has been loading"
    else:
        name = f"{variables.get('REQUEST_METHOD', '-')} {variables.get('REQUEST_URI', '-')}"
        what = f"IISWSGI-W30: {ascii(name.partition('?')[0][:_NAME_LENGTH])[1:-1]} has run"
    record = log.makeRecord(
        log.name,
        logging.WARNING,
        __file__,
        0,
        "%s for %.0f seconds and may hang; the stacks of all threads:",
        (what, seconds),
        None,
        # Here formatters expect several lines; in a message those could be forged.
        sinfo="\n".join(_stacks(ident, "loading" if variables is None else "the request")),
    )
    log.handle(record)


def _stacks(first: int, what: str) -> list[str]:
    """Every thread's stack, that of the thread which is at *what* first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != first)
    return [
        f"thread {names.get(ident, ident)!r}{f' ({what})' if ident == first else ''}:\n"
        + "".join(traceback.format_stack(frame)).rstrip()
        for ident, frame in frames
        if ident != threading.get_ident()
    ]
