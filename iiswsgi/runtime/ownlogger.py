"""Our own loggers: what they say is in the log, whatever the application does to :mod:`logging`.

An application may configure its logging at any time, in its first request for example, and that
disables loggers, takes their handlers away and brings handlers of its own that may fail. Ours do
not care; only levels, filters and ``propagate`` mean for them what they mean for all.

Handlers of the application's come after the log, for they may hang. A request that meets one hangs,
as it does at the application's own records; who cannot wait is in :mod:`.haste`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from iiswsgi.runtime import haste, logentry
from iiswsgi.runtime.logstream import LineBuffer

__all__ = [
    "LOGGED",
    "OURS",
    "Destination",
    "is_ours",
    "keep_ours_out",
    "not_ours",
    "own",
]

OURS = "iiswsgi"

LOGGED = "iiswsgi_logged"
"""The attribute that a record has once it is in the log."""


def _steps() -> tuple[Any, ...]:
    """The way of a record; services that collect errors and traces replace one or the other."""
    base = logging.Logger
    return base._log, base.makeRecord, base.handle, base.callHandlers


def _is_python_s(step: Any) -> bool:
    return isinstance(step, FunctionType) and step.__globals__ is vars(logging)


_PYTHON_S = _steps() if all(map(_is_python_s, _steps())) else ()
"""As they are while nobody has replaced any; nothing, if somebody has before we were imported."""


class Destination(logging.Handler):
    """What takes records to the log, and marks them with :data:`LOGGED`."""

    def enter(self, entry: logentry.Entry) -> None:
        """Take *entry* to the log, which no record was made for; must not raise."""
        raise NotImplementedError

    def handle(self, record: logging.LogRecord) -> bool:
        """Take *record* if the filters let it pass; under no lock, since the log has its own.

        What the record is about may take for ever to say so, which nobody else must wait for.
        """
        passed: Any = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

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

    def _log(self, level: int, msg: object, args: Any, **options: Any) -> None:  # type: ignore[override]  # nobody gives more by place
        """Write what nobody but the log takes without a record, which costs more than all else."""
        if type(msg) is str and options.keys() <= {"extra"} and self._is_private():
            # What does not fit its arguments logging tells, at the record.
            with contextlib.suppress(Exception):
                extra = options.get("extra") or {}
                entry = logentry.of_call(self.name, level, msg, args, extra)
                self.destination.enter(entry)
                return
        options["stacklevel"] = options.get("stacklevel", 1) + 1  # this method is nobody's source
        super()._log(level, msg, args, **options)

    def _is_private(self) -> bool:
        """Whether what it says goes to the log, as it is said, and to nobody besides."""
        destination = self.destination
        if self.filters or destination.filters or _is_watched():
            return False
        reaches_log = False
        for logger in self._way():
            reaches_log = reaches_log or logger.name == OURS
            for handler in logger.handlers:
                if handler is not destination and not_ours not in getattr(handler, "filters", ()):
                    return False
        return reaches_log

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
        if haste.in_haste():
            haste.call_aside(lambda: self._hand_out_aside(record))
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


def _is_watched() -> bool:
    """Whether somebody takes records on their way, or makes them in a way of his own."""
    return _steps() != _PYTHON_S or logging.getLogRecordFactory() is not logging.LogRecord


def own(logger: logging.Logger, destination: Destination) -> None:
    """Make *logger* one of ours; modules hold it already, so that it must stay the same object."""
    logger.__class__ = OwnLogger
    logger.destination = destination  # type: ignore[attr-defined]  # it has become an OwnLogger


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
