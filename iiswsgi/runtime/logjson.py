"""An entry of the log as a line of JSON, for programs that collect logs."""

from __future__ import annotations

import json
import os

from iiswsgi.runtime.logentry import Entry
from iiswsgi.runtime.logtext import stamp

__all__ = ["render"]


def render(entry: Entry) -> bytes:
    """*entry* as one JSON object on one line, in ASCII.

    ``time``, ``pid``, ``request`` (null between requests), ``level``, ``logger``, ``message``; then
    ``details``, a text of several lines, and the entry's fields where there are any.
    """
    members: dict[str, object] = {
        "time": stamp(entry.created),
        "pid": os.getpid(),
        "request": entry.request,
        "level": entry.level,
        "logger": _text(entry.name),
        "message": _text(entry.text.rstrip()),
    }
    if entry.details:
        members["details"] = _text(entry.details.rstrip())
    members |= {name: value for name, value in entry.fields.items() if name not in members}
    return json.dumps(members).encode("ascii") + b"\n"


def _text(text: str) -> str:
    """*text* without what is none: half a surrogate pair is no JSON to many readers."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
