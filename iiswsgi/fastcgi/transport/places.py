"""Room for so many connections, and who leaves when a place is needed more by another."""

from __future__ import annotations

import logging
import math
import threading
import time

from iiswsgi.fastcgi.transport.accepted import AcceptedTransport, Phase

__all__ = ["Places"]

log = logging.getLogger(__name__)

_NEW = 1.0
"""Seconds after which a connection without any request may be ended for another. A web server that
just connected sends its request at once."""

_PAUSE = 0.5
"""Seconds to wait for a connection to end before looking whether to stop instead."""

_EPISODE = 2.0
"""Seconds in which another shortage belongs to the one before. How many wait, the system does not
tell; each time in an episode twice as many connections are asked to leave, so that many who come
at once need not wait for one after the other."""

_TELL_AGAIN = 60.0
"""Seconds after which a shortage is told again: one that lasts would fill the log."""


class Places:
    """Room for *limit* connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.BoundedSemaphore(limit)
        self._holders: set[AcceptedTransport] = set()
        self._leaving: set[AcceptedTransport] = set()
        self._at_once = 1
        self._asked = self._told = -math.inf

    def take(self) -> bool:
        """Take a place, or ask for one and wait a moment; whether there was one."""
        if self._free.acquire(blocking=False):
            return True
        self.make_room(f"connection_limit = {self._limit} is reached")
        return self._free.acquire(timeout=_PAUSE)

    def add(self, transport: AcceptedTransport) -> None:
        """Know who has taken a place."""
        self._holders.add(transport)

    def give_back(self, transport: AcceptedTransport | None = None) -> None:
        """Give a place back, and forget who had it, if anybody knew."""
        # In this order: while one is on his way out, nobody else is asked.
        self._free.release()
        if transport is not None:
            self._holders.discard(transport)

    def make_room(self, why: str) -> None:
        """Have connections end that need their places least, so that others get them.

        Those between two requests, the longest idle first; else those whose peers are too slow,
        which is the one thing that ends a request; else all that are in a request, the oldest
        first, after it.

        :param why: what is scarce, for the log.
        """
        now = time.monotonic()
        holders = [(each, *each.phase(now)) for each in self._holders.copy()]
        holders.sort(key=lambda holder: holder[2], reverse=True)
        self._leaving.intersection_update(each for each, _, _ in holders)
        idle = [holder for holder in holders if _is_idle(*holder[1:])]
        if any(each in self._leaving for each, _, _ in idle):
            return  # within a second there is a place
        slow = [holder for holder in holders if holder[1] is Phase.SLOW]
        busy = [holder for holder in holders if holder[1] is Phase.BUSY]
        asked = idle or slow or [holder for holder in busy if holder[0] not in self._leaving]
        if asked:
            self._at_once = 2 * self._at_once if now - self._asked < _EPISODE else 1
            self._asked = now
            for holder in asked[: self._at_once]:
                self._ask(why, *holder)

    def _ask(self, why: str, transport: AcceptedTransport, phase: Phase, seconds: float) -> None:
        if phase is not Phase.SLOW:
            transport.leave()
            then = f"idle for {seconds:.0f} seconds, is ended"
            if phase is Phase.BUSY:
                then = f"in a request for {seconds:.0f} seconds, ends after it"
        elif transport.cut_off():
            then = "whose peer is slower than min_rate, is ended in the middle of a request"
        else:  # it has become faster
            return
        self._leaving.add(transport)
        # Told afterwards: the log can take its time, and a request may go on meanwhile.
        self._tell(
            "IISWSGI-P15: %s, and another connection waits: %s, %s.",
            (why, transport.name, then),
            always=phase is Phase.SLOW,
        )

    def _tell(self, text: str, arguments: tuple[str, ...], *, always: bool) -> None:
        now = time.monotonic()
        level = logging.DEBUG
        if always or now - self._told >= _TELL_AGAIN:
            level = logging.WARNING
            self._told = now
        log.log(level, text, *arguments)


def _is_idle(phase: Phase, seconds: float) -> bool:
    return phase is Phase.IDLE or (phase is Phase.NEW and seconds >= _NEW)
