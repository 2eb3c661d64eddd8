"""What hangs is reported with the stacks of all threads, before IIS kills the process.

IIS ends a process whose request exceeds ``activityTimeout`` or ``requestTimeout``, without notice
and without a word of what it was doing; the application's loading counts as part of the first
request. A thread looks now and then how long those that are running have run. When it cannot, since
C code keeps the interpreter's lock, :mod:`.deadman` writes the stacks.
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
from iiswsgi.runtime import deadman, haste, running

__all__ = ["Watchdog"]

log = logging.getLogger(__name__)

_NAME_LENGTH = 200
"""Characters of method and path in a report."""

_LOOKS = 12
"""Looks within the limit: a report comes at most a twelfth of it late, 5 of 60 seconds."""

_OTHER_THREADS = 30
"""Threads shown besides those that hang: more than a pool that is not the cause needs to be known
by, and a bound for what one stalled client after the other can make of the log."""

_AT_ONCE = 1.0
"""Seconds within which a request begins that has waited for the application to be loaded."""

_Begun = tuple[float, int | None, Mapping[str, str] | None]
"""When it began, and the request's number and variables; neither while the application loads."""

_loading = 0.0, 0.0
"""When the loading of the application began, and when it ended."""


class Watchdog:
    """Watches the running requests of this process, or the loading of its application.

    :param limit: seconds after which a request is reported, once; 0 for never.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.on_look: Callable[[], object] | None = None
        """Called with each look, for what else is to be done now and then; must not raise."""
        self._loading: dict[int, _Begun] = {}
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
        global _loading
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            deadman.relax()
        for begun, _, _ in self._loading.values():
            _loading = begun, time.perf_counter()

    def begin_loading(self) -> None:
        """The application begins to load, in this thread."""
        self._loading[threading.get_ident()] = (time.perf_counter(), None, None)

    def _watch(self) -> None:
        with haste.impatient():
            self._look_on()

    def _look_on(self) -> None:
        reported: set[tuple[int, float]] = set()
        deadman.expect(self._limit)
        while not self._stop.wait(self._limit / _LOOKS):
            deadman.expect(self._limit)
            if self.on_look is not None:
                self.on_look()
            now = time.perf_counter()
            runs = {
                (ident, begun): _Run(ident, now - begun, _loaded_before(begun), number, variables)
                for ident, (begun, number, variables) in self._runs().items()
            }
            # What has ended need not be remembered.
            reported &= runs.keys()
            late = [key for key in runs.keys() - reported if runs[key].waited >= self._limit]
            if late:
                late.sort(key=lambda key: key[1])
                reported.update(late)
                _report([runs[key] for key in late])

    def _runs(self) -> dict[int, _Begun]:
        return {**self._loading, **running.snapshot()}


class _Run(NamedTuple):
    """What is to be reported if it takes too long."""

    ident: int
    """The thread's."""
    seconds: float
    """How long it has run."""
    loading: float
    """How long the application had been loading while it waited for that."""
    number: int | None
    variables: Mapping[str, str] | None

    @property
    def waited(self) -> float:
        """How long the web server has waited for it, by whose clock it must be in time."""
        return self.loading + self.seconds

    def name(self) -> str:
        if self.variables is None:
            return "IISWSGI-S17: the application has been loading"
        # Neither the query nor, in a whole URL, name and password.
        path = without_user(self.variables.get("REQUEST_URI", "-").partition("?")[0])
        name = f"{self.variables.get('REQUEST_METHOD', '-')} {path}"
        return f"IISWSGI-W30: {ascii(name[:_NAME_LENGTH])[1:-1]} has run"

    def duration(self) -> str:
        duration = f"{self.seconds:.0f} seconds"
        return duration if self.loading < 1 else f"{duration}, after {self.loading:.0f} of loading,"


def _loaded_before(begun: float) -> float:
    """How long the application was loaded just before, when a request began; 0 if it was not."""
    first, last = _loading
    return last - first if last <= begun < last + _AT_ONCE else 0.0


def _report(hanging: list[_Run]) -> None:
    """Write a record for each; together they have the stack of each thread once.

    Where many hang, all stacks in each record would fill the log, and rotation erase the rest.
    """
    own, others = _stacks(hanging)
    for run in hanging[:-1]:
        _write(run, "its stack:", own[run.ident])
    last = hanging[-1]
    what = "its stack and those of the rest:" if hanging[1:] else "the stacks of all threads:"
    _write(last, what, "\n".join([own[last.ident], *others]))


def _write(run: _Run, what: str, stacks: str) -> None:
    record = log.makeRecord(
        log.name,
        logging.WARNING,
        __file__,
        0,
        "%s for %s and may hang; %s",
        (run.name(), run.duration(), what),
        None,
        extra={"iiswsgi_request": run.number},
        # Here formatters expect several lines; in a message those could be forged.
        sinfo=stacks,
    )
    log.handle(record)


def _stacks(hanging: list[_Run]) -> tuple[dict[int, str], list[str]]:
    """The stacks of the threads that hang, and of others."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    own: dict[int, str] = {}
    for run in hanging:
        name = f"{names.get(run.ident, run.ident)!r} "
        name += "(loading)" if run.variables is None else "(the request)"
        own[run.ident] = _stack(name, frames.pop(run.ident, None))
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
