"""One entry of the log, whatever it will look like there: who says what, when, in which request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from iiswsgi import tracebacks
from iiswsgi.runtime import running

__all__ = ["Entry", "Render", "entry", "of_call", "of_record"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Entry(NamedTuple):
    """What an entry says."""

    level: str
    name: str
    """The logger's, or ``stdout`` or ``stderr``."""
    text: str
    details: str
    """More lines, such as a traceback; or empty."""
    created: float
    """Seconds since the epoch."""
    request: int | None
    """The number of the request that it belongs to."""
    fields: Mapping[str, object] = _NOTHING
    """What the text says, by name, for programs that read the log."""


Render = Callable[[Entry], bytes]
"""Makes an entry the bytes of whole lines."""


def entry(level: str, name: str, text: str, details: str = "") -> Entry:
    """An entry of now, by this thread."""
    return Entry(level, name, text, details, time.time(), running.number())


def of_call(
    name: str, level: int, message: str, args: Sequence[object], extra: Mapping[str, Any]
) -> Entry:
    """The entry of a call such as ``logger.info(message, *args, extra=extra)``, now.

    :param extra: attributes, of which those count that :func:`of_record` knows.
    :raises Exception: the message does not fit its arguments.
    """
    return Entry(
        logging.getLevelName(level),
        name,
        message % tuple(args) if args else message,
        "",
        time.time(),
        extra.get("iiswsgi_request") or running.number(),
        extra.get("iiswsgi_fields", _NOTHING),
    )


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's own name
        try:
            return super().formatException(ei)
        except BaseException:  # of an exception that cannot be shown as Python shows others
            return tracebacks.as_text(ei[1]).removesuffix("\n")


_FORMAT = _Formatter()


def of_record(record: logging.LogRecord) -> Entry:
    """The entry that a record of :mod:`logging` makes.

    A record about another thread's request has its number as the attribute ``iiswsgi_request``; one
    with the attribute ``iiswsgi_fields`` has fields.

    :raises Exception: the message does not fit its arguments.
    """
    details = []
    if record.exc_info and not record.exc_text:
        record.exc_text = _FORMAT.formatException(record.exc_info)
    if record.exc_text:
        details.append(record.exc_text)
    if record.stack_info:
        details.append(_FORMAT.formatStack(record.stack_info))
    request: int | None = getattr(record, "iiswsgi_request", None)
    # What came by way of a queue is of another thread, which may be at another request by now.
    if request is None and record.thread in (None, threading.get_ident()):
        request = running.number()
    return Entry(
        record.levelname,
        record.name,
        record.getMessage(),
        "\n".join(details),
        record.created,
        request,
        getattr(record, "iiswsgi_fields", _NOTHING),
    )
