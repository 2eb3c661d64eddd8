"""Our own loggers: what they say is in the log, whatever the application does to :mod:`logging`.

An application may configure its logging at any time, in its first request for example, and that
disables loggers, takes their handlers away and brings handlers of its own that may fail. Ours do
not care; only levels, filters and ``propagate`` mean for them what they mean for all.

Handlers of the application's come after the log, for they may hang, as when a log server is dead. A
request that meets one hangs, as it does at the application's own records; the watchdog, which is to
report that, and the end of the process do not.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from iiswsgi.runtime.logstream import LineBuffer

__all__ = [
    "LOGGED",
    "OURS",
    "PATIENCE",
    "Destination",
    "hurry",
    "impatient",
    "is_ours",
    "keep_ours_out",
    "not_ours",
    "own",
]

OURS = "iiswsgi"

LOGGED = "iiswsgi_logged"
"""The attribute that a record has once it is in the log."""

PATIENCE = 1.0
"""Seconds that the handlers of the application have for a record of somebody who is in a hurry."""

_impatient: set[int] = set()
"""The threads in a hurry."""

_ending = False
"""Whether all threads are."""

_aside: threading.Thread | None = None
"""Where the last record of somebody in a hurry was handed out."""


class Destination(logging.Handler):
    """What takes records to the log, and marks them with :data:`LOGGED`."""

    def foreign_failure(self, error: Exception) -> None:
        """A handler, filter or factory that is not ours has raised *error*."""
        raise NotImplementedError


class OwnLogger(logging.Logger):
    """A logger that cannot be disabled, and whose calls never raise; made by :func:`own`."""

    destination: Destination

    @property
    def disabled(self) -> bool:
        """No; ``fileConfig`` and ``dictConfig`` set it for each logger that they do not name."""
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        pass

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # logging's name
        """Whether the level says so; ``logging.disable`` is for the application's handlers."""
        return level >= self.getEffectiveLevel()

    def makeRecord(self, *args: Any, **options: Any) -> logging.LogRecord:  # noqa: N802  # logging's name
        """Make a record, as an application's factory does if it can."""
        try:
            return super().makeRecord(*args, **options)
        except Exception as error:
            self.destination.foreign_failure(error)
            return _plain_record(*args, **options)

    def handle(self, record: logging.LogRecord) -> None:
        """Hand the record to all handlers; never raises."""
        try:
            super().handle(record)
        except Exception as error:
            self.destination.foreign_failure(error)
            self._into_log(record)

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Hand the record to the log, and then to all handlers."""
        self._into_log(record)
        if record.levelno <= self.manager.disable:
            return
        if _ending or threading.get_ident() in _impatient:
            _call_aside(lambda: self._hand_out_aside(record))
        else:
            self._hand_out(record)

    def _hand_out(self, record: logging.LogRecord) -> None:
        for handler in self._handlers():
            keep_ours_out(handler)
        # Not a loop of our own: services that collect errors replace the method of the base.
        super().callHandlers(record)

    def _hand_out_aside(self, record: logging.LogRecord) -> None:
        try:
            self._hand_out(record)
        except Exception as error:
            self.destination.foreign_failure(error)

    def _into_log(self, record: logging.LogRecord) -> None:
        """Write the record, unless it is there or ``propagate`` keeps it from going there."""
        if LOGGED not in record.__dict__ and any(logger.name == OURS for logger in self._way()):
            self.destination.handle(record)

    def _way(self) -> Iterator[logging.Logger]:
        """The logger itself and those that its records propagate to."""
        logger: logging.Logger | None = self
        while logger is not None:
            yield logger
            logger = logger.parent if logger.propagate else None

    def _handlers(self) -> Iterator[logging.Handler]:
        for logger in self._way():
            yield from logger.handlers
        if logging.lastResort is not None:  # for records that nobody takes
            yield logging.lastResort


def own(logger: logging.Logger, destination: Destination) -> None:
    """Make *logger* one of ours; modules hold it already, so that it must stay the same object."""
    logger.__class__ = OwnLogger
    logger.destination = destination  # type: ignore[attr-defined]  # it has become an OwnLogger


def hurry() -> None:
    """The process ends: from now on no record waits long for the handlers of the application."""
    global _ending
    _ending = True


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Within the block no record of this thread does."""
    thread = threading.get_ident()
    _impatient.add(thread)
    try:
        yield
    finally:
        _impatient.discard(thread)


def _call_aside(call: Callable[[], None]) -> None:
    """Call in a thread of its own, and wait a moment; not at all while an earlier call hangs."""
    global _aside
    if _aside is not None and _aside.is_alive():
        return
    _aside = threading.Thread(target=call, name="iiswsgi-handlers", daemon=True)
    with contextlib.suppress(RuntimeError):  # Python ends, and begins no threads any more
        _aside.start()
        _aside.join(PATIENCE)


def _plain_record(
    name: str,
    level: int,
    fn: str,
    lno: int,
    msg: object,
    args: Any,
    exc_info: Any,
    func: str | None = None,
    extra: Mapping[str, object] | None = None,
    sinfo: str | None = None,
) -> logging.LogRecord:
    """What ``makeRecord`` gives, with the same arguments, where nobody has set a factory."""
    record = logging.LogRecord(name, level, fn, lno, msg, args, exc_info, func, sinfo)
    record.__dict__.update(extra or {})
    return record


def keep_ours_out(handler: logging.Handler) -> None:
    """Keep our records from a handler for STDERR or STDOUT: they would come to the log twice."""
    stream = getattr(handler, "stream", None)
    if isinstance(getattr(stream, "buffer", None), LineBuffer):
        handler.addFilter(not_ours)


def is_ours(name: str) -> bool:
    """Whether *name* is that of a logger of ours."""
    return name == OURS or name.startswith(OURS + ".")


def not_ours(record: logging.LogRecord) -> bool:
    """Let pass what a logger of the application says."""
    return not is_ours(record.name)
