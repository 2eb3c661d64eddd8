"""How fast a peer sends and takes, by the time that it is waited for."""

from __future__ import annotations

import math
import time

__all__ = ["Pace"]

_CREDIT = 20.0
"""Seconds that a peer may be waited for in vain; what it sends or takes at *rate* earns them again.
A phone between two cells is silent for that long. (Apache's mod_reqtimeout: 20 and 500 too.)"""


class Pace:
    """Tells a slow peer from a fast one, whatever the application's share of the time is.

    One thread waits for the peer; any may ask. Each request begins with the whole credit.

    :param rate: bytes a second that it is to send or take at least; 0 finds nobody slow.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._since = math.inf
        """When the wait began; infinite while nobody waits."""
        self.begin()

    def begin(self) -> None:
        """A request begins."""
        self._credit = _CREDIT

    def wait(self) -> None:
        """The peer is waited for from now on."""
        self._since = time.monotonic()

    def go_on(self, size: int) -> None:
        """The wait is over; *size* bytes have been sent or taken."""
        if self._rate:
            left = max(0.0, self._credit - (time.monotonic() - self._since))
            self._credit = min(_CREDIT, left + size / self._rate)
        self._since = math.inf

    def is_slow(self, now: float) -> bool:
        """Whether the peer has used its credit up, and is waited for."""
        return bool(self._rate) and now - self._since > self._credit
