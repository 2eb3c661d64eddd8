"""What hangs is reported with the stacks of all threads, before IIS kills the process.

IIS ends a process whose request exceeds ``activityTimeout`` or ``requestTimeout``, without notice
and without a word of what it was doing; the application's loading counts as part of the first
request. A thread looks now and then how long those that are running have run.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping

from iiswsgi.runtime import running

__all__ = ["Watchdog"]

log = logging.getLogger(__name__)

_NAME_LENGTH = 200
"""Characters of method and path in a report."""

_USER = re.compile(r"//[^/]*@")

_LOOKS = 12
"""Looks within the limit: a report comes at most a twelfth of it late, 5 of 60 seconds."""

_Run = tuple[float, int | None, Mapping[str, str] | None]
"""When it began, and the request's number and variables; neither while the application loads."""


class Watchdog:
    """Watches the running requests of this process, or the loading of its application.

    :param limit: seconds after which a request is reported, once; 0 for never.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._loading: dict[int, _Run] = {}
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
        self._loading[threading.get_ident()] = (time.perf_counter(), None, None)

    def _watch(self) -> None:
        reported: set[tuple[int, float]] = set()
        while not self._stop.wait(self._limit / _LOOKS):
            now = time.perf_counter()
            runs = {(ident, run[0]): run for ident, run in self._runs().items()}
            # What has ended need not be remembered.
            reported &= runs.keys()
            for ident, start in runs.keys() - reported:
                if now - start >= self._limit:
                    reported.add((ident, start))
                    _report(ident, now - start, runs[ident, start])

    def _runs(self) -> dict[int, _Run]:
        return {**self._loading, **running.snapshot()}


def _report(ident: int, seconds: float, run: _Run) -> None:
    _, number, variables = run
    if variables is None:
        what = "IISWSGI-S17: the application has been loading"
    else:
        # Neither the query nor, in a whole URL, name and password.
        path = _USER.sub("//", variables.get("REQUEST_URI", "-").partition("?")[0], count=1)
        name = f"{variables.get('REQUEST_METHOD', '-')} {path}"
        what = f"IISWSGI-W30: {ascii(name[:_NAME_LENGTH])[1:-1]} has run"
    record = log.makeRecord(
        log.name,
        logging.WARNING,
        __file__,
        0,
        "%s for %.0f seconds and may hang; the stacks of all threads:",
        (what, seconds),
        None,
        extra={"iiswsgi_request": number},
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
