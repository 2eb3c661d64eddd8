"""What hangs is reported with the stacks of all threads, before IIS kills the process.

IIS ends a process whose request exceeds ``activityTimeout`` or ``requestTimeout``, without notice
and without a word of what it was doing; the application's loading counts as part of the first
request. A thread looks now and then how long those that are running have run.
"""

from __future__ import annotations

import itertools
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType
from typing import NamedTuple

from iiswsgi.masking import without_user
from iiswsgi.runtime import running

__all__ = ["Watchdog"]

log = logging.getLogger(__name__)

_NAME_LENGTH = 200
"""Characters of method and path in a report."""

_LOOKS = 12
"""Looks within the limit: a report comes at most a twelfth of it late, 5 of 60 seconds."""

_OTHER_THREADS = 30
"""Threads shown besides those that hang: more than a pool that is not the cause needs to be known
by, and a bound for what one stalled client after the other can make of the log."""

_Run = tuple[float, int | None, Mapping[str, str] | None]
"""When it began, and the request's number and variables; neither while the application loads."""


class Watchdog:
    """Watches the running requests of this process, or the loading of its application.

    :param limit: seconds after which a request is reported, once; 0 for never.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.on_look: Callable[[], object] | None = None
        """Called with each look, for what else is to be done now and then; must not raise."""
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
            if self.on_look is not None:
                self.on_look()
            now = time.perf_counter()
            runs = {(ident, run[0]): run for ident, run in self._runs().items()}
            # What has ended need not be remembered.
            reported &= runs.keys()
            late = [key for key in runs.keys() - reported if now - key[1] >= self._limit]
            if late:
                late.sort(key=lambda key: key[1])
                reported.update(late)
                _report([_Hang(key[0], now - key[1], *runs[key][1:]) for key in late])

    def _runs(self) -> dict[int, _Run]:
        return {**self._loading, **running.snapshot()}


class _Hang(NamedTuple):
    """What is to be reported."""

    ident: int
    """The thread's."""
    seconds: float
    """How long it has run."""
    number: int | None
    variables: Mapping[str, str] | None

    def name(self) -> str:
        if self.variables is None:
            return "IISWSGI-S17: the application has been loading"
        # Neither the query nor, in a whole URL, name and password.
        path = without_user(self.variables.get("REQUEST_URI", "-").partition("?")[0])
        name = f"{self.variables.get('REQUEST_METHOD', '-')} {path}"
        return f"IISWSGI-W30: {ascii(name[:_NAME_LENGTH])[1:-1]} has run"


def _report(hanging: list[_Hang]) -> None:
    """Write a record for each; together they have the stack of each thread once.

    Where many hang, all stacks in each record would fill the log, and rotation erase the rest.
    """
    own, others = _stacks(hanging)
    for hang in hanging[:-1]:
        _write(hang, "its stack:", own[hang.ident])
    last = hanging[-1]
    what = "its stack and those of the rest:" if hanging[1:] else "the stacks of all threads:"
    _write(last, what, "\n".join([own[last.ident], *others]))


def _write(hang: _Hang, what: str, stacks: str) -> None:
    record = log.makeRecord(
        log.name,
        logging.WARNING,
        __file__,
        0,
        "%s for %.0f seconds and may hang; %s",
        (hang.name(), hang.seconds, what),
        None,
        extra={"iiswsgi_request": hang.number},
        # Here formatters expect several lines; in a message those could be forged.
        sinfo=stacks,
    )
    log.handle(record)


def _stacks(hanging: list[_Hang]) -> tuple[dict[int, str], list[str]]:
    """The stacks of the threads that hang, and of others."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    own: dict[int, str] = {}
    for hang in hanging:
        name = f"{names.get(hang.ident, hang.ident)!r} "
        name += "(loading)" if hang.variables is None else "(the request)"
        own[hang.ident] = _stack(name, frames.pop(hang.ident, None))
    others = [
        _stack(repr(names.get(ident, ident)), frame)
        for ident, frame in itertools.islice(frames.items(), _OTHER_THREADS)
    ]
    if len(frames) > _OTHER_THREADS:
        others.append(f"and {len(frames) - _OTHER_THREADS} more threads")
    return own, others


def _stack(name: str, frame: FrameType | None) -> str:
    """The stack of one thread, or that it has ended meanwhile."""
    lines = ["  (ended)"] if frame is None else traceback.format_stack(frame)
    return f"thread {name}:\n" + "".join(lines).rstrip()
