"""Our own loggers: what they say is in the log, whatever the application does to :mod:`logging`.

An application may configure its logging at any time, in its first request for example, and that
disables loggers, takes their handlers away and brings handlers of its own that may fail. Ours do
not care; only levels, filters and ``propagate`` mean for them what they mean for all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from iiswsgi.runtime.logstream import LineBuffer

__all__ = ["LOGGED", "OURS", "Destination", "is_ours", "keep_ours_out", "not_ours", "own"]

OURS = "iiswsgi"

LOGGED = "iiswsgi_logged"
"""The attribute that a record has once it is in the log."""


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
        """Hand the record to all handlers, and to the log if it was not among them."""
        if record.levelno > self.manager.disable:
            for handler in self._handlers():
                keep_ours_out(handler)
            # Not a loop of our own: services that collect errors replace the method of the base.
            super().callHandlers(record)
        self._into_log(record)

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
