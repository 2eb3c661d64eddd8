"""How many connections leave the application its files: each takes a descriptor of the process."""

from __future__ import annotations

import logging
import os

__all__ = ["connections_within"]

log = logging.getLogger(__name__)

_OWN = 32
"""Descriptors for the process itself: the log, modules, what libraries keep open."""

_EACH = 4
"""For each request that runs: a file or two, a database, a temporary file for its body."""


def connections_within(limit: int, threads: int) -> int:
    """Of *limit* connections as many as leave *threads* requests what they need.

    An application whose files cannot be opened fails, again and again, while connections without a
    request hold the descriptors. Windows has no such limit.
    """
    # Not the module resource, which may be one of the application's by now.
    files = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1
    if files < 0:
        return limit
    room = max(files - _OWN - _EACH * threads, files // 2, 1)
    if room >= limit:
        return limit
    log.warning(
        "IISWSGI-P17: connection_limit = %d would leave requests too few of the %d files that the "
        "process may have open at once; %d connections are held",
        limit,
        files,
        room,
    )
    return room
