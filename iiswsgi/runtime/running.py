"""Which request each thread is serving; asked by the log, the watchdog and whoever times requests.

One thread serves a request from its begin to its end. For a request that nobody asks about, all of
this costs an entry in a dictionary.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping
from threading import get_ident
from typing import Protocol

__all__ = ["Witness", "at_end", "begin", "end", "ending", "number", "set_witness", "snapshot"]


class Witness(Protocol):
    """Who is told of each request; must not raise."""

    def begin(self, thread: int, number: int, begun: float, variables: Mapping[str, str]) -> None:
        """A request begins in a thread; *begun* is by ``time.perf_counter``."""

    def ending(self, thread: int) -> None:
        """The last bytes of the thread's request, if there is one, are about to leave."""

    def end(self, thread: int) -> None:
        """The thread's request is over."""


_numbers = itertools.count(1)
_running: dict[int, tuple[float, int, Mapping[str, str]]] = {}
_callbacks: dict[int, list[Callable[[], object]]] = {}
_witness: Witness | None = None


def set_witness(witness: Witness | None) -> None:
    """Let *witness* know of all requests that begin from now on; None for nobody any more."""
    global _witness
    _witness = witness


def begin(variables: Mapping[str, str]) -> int:
    """A request begins in this thread; its number, which no other of this process has.

    :param variables: what the web server said of it; looked at only for a report.
    """
    own, thread, now = next(_numbers), get_ident(), time.perf_counter()
    _running[thread] = (now, own, variables)
    if _witness is not None:
        _witness.begin(thread, own, now, variables)
    return own


def end() -> None:
    """The request of this thread is over, if there is one."""
    thread = get_ident()
    if _callbacks:
        _call_back(thread)
    if _running.pop(thread, None) and _witness is not None:
        _witness.end(thread)


def ending() -> None:
    """The last bytes of this thread's request are about to leave.

    What is to be done at its end is done now: IIS may end the process as soon as it has them.
    """
    if _callbacks:
        _call_back(get_ident())
    if _witness is not None:
        _witness.ending(get_ident())


def _call_back(thread: int) -> None:
    for callback in _callbacks.pop(thread, ()):
        callback()


def number() -> int | None:
    """The number of the request that this thread serves; None between requests."""
    entry = _running.get(get_ident())
    return entry[1] if entry else None


def at_end(callback: Callable[[], object]) -> None:
    """Call back once, in this thread, before its request ends; without a request, never.

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


def _forget_callbacks() -> None:
    """What is to be done at the end of a request is the business of the process that began it."""
    _callbacks.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_callbacks)
