"""Which request each thread is serving; asked by the log, the watchdog and whoever times requests.

One thread serves a request from its begin to its end. For a request that nobody asks about, all of
this costs an entry in a dictionary.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from threading import get_ident

__all__ = ["at_end", "begin", "end", "number", "snapshot"]

_numbers = itertools.count(1)
_running: dict[int, tuple[float, int, Mapping[str, str]]] = {}
_callbacks: dict[int, list[Callable[[], object]]] = {}


def begin(variables: Mapping[str, str]) -> int:
    """A request begins in this thread; its number, which no other of this process has.

    :param variables: what the web server said of it; looked at only for a report.
    """
    own = next(_numbers)
    _running[get_ident()] = (time.perf_counter(), own, variables)
    return own


def end() -> None:
    """The request of this thread is over, if there is one."""
    thread = get_ident()
    if _callbacks:
        # Before the request is forgotten: what they log belongs to it.
        for callback in _callbacks.pop(thread, ()):
            callback()
    _running.pop(thread, None)


def number() -> int | None:
    """The number of the request that this thread serves; None between requests."""
    entry = _running.get(get_ident())
    return entry[1] if entry else None


def at_end(callback: Callable[[], object]) -> None:
    """Call back once, in this thread, when its request ends; without a request, never.

    :param callback: must not raise.
    """
    thread = get_ident()
    if thread in _running:
        wanted = _callbacks.setdefault(thread, [])
        if callback not in wanted:
            wanted.append(callback)


def snapshot() -> dict[int, tuple[float, int, Mapping[str, str]]]:
    """For each thread with a request: its begin by ``time.perf_counter``, number and variables."""
    return _running.copy()
