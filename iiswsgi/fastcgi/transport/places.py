"""Room for so many connections, and who leaves when a place is needed more by another."""

from __future__ import annotations

import logging
import math
import threading
import time

from iiswsgi.fastcgi.transport.accepted import AcceptedTransport

__all__ = ["Places"]

log = logging.getLogger(__name__)

_IDLE = 1.0
"""Seconds after which a connection without a request may be ended for one that has none yet. A web
server that just connected sends its request at once."""

_STALLED = 10.0
"""Seconds after which a request whose peer sends or takes nothing may be ended for a connection
that waits, when no idle one is left. Web servers give up waiting for a connection after 60."""

_PAUSE = 0.5
"""Seconds to wait for a connection to end before looking whether to stop instead."""

_EPISODE = 2.0
"""Seconds in which another shortage belongs to the one before. How many wait, the system does not
tell; each time in an episode twice as many connections are asked to leave, so that many who come
at once need not wait for one after the other."""


class Places:
    """Room for *limit* connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.BoundedSemaphore(limit)
        self._holders: set[AcceptedTransport] = set()
        self._leaving: set[AcceptedTransport] = set()
        self._at_once = 1
        self._asked = -math.inf

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
        """End connections that do nothing with their places, so that the next ones get them.

        :param why: what is scarce, for the log.
        """
        now = time.monotonic()
        # Who was asked may get a request before he leaves, and then keeps his place.
        self._leaving = {each for each in self._leaving & self._holders if each.leaves}
        in_the_way = self._in_the_way(now)
        if self._leaving or not in_the_way:
            return
        self._at_once = 2 * self._at_once if now - self._asked < _EPISODE else 1
        self._asked = now
        for idle, seconds, transport in in_the_way[: self._at_once]:
            if not transport.give_up(_STALLED):
                continue
            self._leaving.add(transport)
            # Told afterwards: the log can take its time, and the request may go on meanwhile.
            log.warning(
                "IISWSGI-P15: %s, and another connection waits: %s, %s for %.0f seconds, is ended.",
                why,
                transport.name,
                "idle" if idle else "in the middle of a request, but silent",
                seconds,
            )

    def _in_the_way(self, now: float) -> list[tuple[bool, float, AcceptedTransport]]:
        """Who is idle, the longest first; if nobody is, the one request that has stalled longest.

        Each with whether it is idle, and for how many seconds its peer has been waited for.
        """
        waited = [(*each.waited(now), each) for each in self._holders.copy()]
        waited.sort(key=lambda each: each[1], reverse=True)
        idle = [each for each in waited if each[0] and each[1] >= _IDLE]
        stalled = [each for each in waited if not each[0] and each[1] >= _STALLED]
        return idle or stalled[:1]
