"""Rapid-fail protection: how many processes may end unexpectedly before no more are started."""

from __future__ import annotations

import collections
import time

from iiswsgi.host.failure import WorkerFailure

__all__ = ["RapidFail"]

_MINUTE = 60.0


class RapidFail:
    """Counts the ends that nobody asked for within the last minute.

    :param limit: ``rapidFailsPerMinute``. What IIS counts, and for how long its protection holds,
        is not established; this is the assumption that the setting's name makes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: collections.deque[float] = collections.deque()

    def count(self) -> None:
        """A process ended unexpectedly."""
        self._times.append(time.monotonic())

    def check(self) -> None:
        """Refuse while there were too many.

        :raises WorkerFailure: ``rapid_fail``.
        """
        now = time.monotonic()
        while self._times and now - self._times[0] > _MINUTE:
            self._times.popleft()
        if len(self._times) > self._limit:
            raise WorkerFailure(
                "rapid_fail",
                f"{len(self._times)} processes ended unexpectedly within a minute, more than "
                f"rapidFailsPerMinute ({self._limit}); none is started until the minute is over. "
                "The first failures say why",
            )
