"""Entries of the log as events for Failed Request Tracing, where IIS shows them with the request.

FCGI_STDERR is an error to IIS, save text between ``IIS_TRACE_INFO:`` (or ``_WARNING:``,
``_ERROR:``) and ``:IIS_TRACE_END``, which IIS 7.5 and later take for an event.
"""

from __future__ import annotations

from iiswsgi.runtime import running
from iiswsgi.runtime.logentry import Entry
from iiswsgi.runtime.logtext import escape

__all__ = ["MAX_EVENTS", "MAX_TEXT", "Tracing", "frame"]

MAX_TEXT = 4000
"""Characters of one event: a long traceback's worth, and with its frame less than the 8 KiB that
IIS reads at once, unless most of it is not Latin."""

MAX_EVENTS = 100
"""Events of one request: more are left out, for they wait in memory until its end."""

_LEVELS = {"WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "ERROR"}


class Tracing:
    """Gathers the events of each running request until it ends.

    They are not sent before, for the web server may still be sending the request's body, and then
    neither side would listen.
    """

    def __init__(self) -> None:
        self._events: dict[int, list[bytes]] = {}

    def begin(self) -> None:
        """The request of this thread has begun."""
        number = running.number()
        if number is not None:
            self._events[number] = []
            running.at_end(self.take)

    def add(self, entry: Entry) -> None:
        """Take an entry of the log; one that belongs to no request is left out."""
        events = self._events.get(entry.request) if entry.request else None
        if events is not None and len(events) <= MAX_EVENTS:
            left_out = entry._replace(level="WARNING", text="more events are left out", details="")
            events.append(frame(entry if len(events) < MAX_EVENTS else left_out))

    def take(self) -> list[bytes]:
        """The events of this thread's request so far; no more are gathered."""
        number = running.number()
        return self._events.pop(number, []) if number is not None else []


def frame(entry: Entry) -> bytes:
    """One event, which nothing in the text can end early or begin anew."""
    lines = f"{entry.name}: {entry.text}", *entry.details.rstrip().split("\n")
    text = "\n".join(map(escape, lines)).rstrip().replace("IIS_TRACE", "IIS-TRACE")
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + " ..."
    level = _LEVELS.get(entry.level, "INFO")
    return f"IIS_TRACE_{level}:{text}:IIS_TRACE_END".encode("utf-8", "backslashreplace")
