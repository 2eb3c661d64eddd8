"""Who cannot wait for the application's logging handlers: the watchdog, and the end of the process.

A handler of the application's may hang, as when a log server is dead. The watchdog is to report
just that, and the process is to end all the same.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["PATIENCE", "call_aside", "hurry", "impatient", "in_haste"]

PATIENCE = 1.0
"""Seconds that the handlers of the application have for a record of somebody who is in a hurry."""

_impatient: set[int] = set()
"""The threads in a hurry."""

_ending = False
"""Whether all threads are."""

_aside: threading.Thread | None = None
"""Where the last call of somebody in a hurry is made."""


def hurry() -> None:
    """The process ends: from now on nobody waits long."""
    global _ending
    _ending = True


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Within the block this thread does not."""
    thread = threading.get_ident()
    _impatient.add(thread)
    try:
        yield
    finally:
        _impatient.discard(thread)


def in_haste() -> bool:
    """Whether this thread is in a hurry."""
    return _ending or threading.get_ident() in _impatient


def call_aside(call: Callable[[], None]) -> None:
    """Call in a thread of its own, and wait a moment; not at all while an earlier call hangs."""
    global _aside
    if _aside is not None and _aside.is_alive():
        return
    _aside = threading.Thread(target=call, name="iiswsgi-handlers", daemon=True)
    with contextlib.suppress(RuntimeError):  # Python ends, and begins no threads any more
        _aside.start()
        _aside.join(PATIENCE)
