"""Requests that wait for a worker, first come, first served."""

from __future__ import annotations

import collections
import threading

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.worker import Worker

__all__ = ["Queue", "Ticket"]


class Ticket:
    """A request's place in the queue."""

    def __init__(self) -> None:
        self.turn = threading.Event()
        self.worker: Worker | None = None
        """The worker that it got; None: it may start one."""
        self.refused = False
        """The pool was closed first."""


class Queue:
    """The waiting requests of one pool, to be used under the pool's lock.

    :param length: ``queueLength``.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._tickets: collections.deque[Ticket] = collections.deque()

    def __bool__(self) -> bool:
        return bool(self._tickets)

    def join(self) -> Ticket:
        """Stand at the end.

        :raises WorkerFailure: ``queue_full``.
        """
        if len(self._tickets) >= self._length:
            raise WorkerFailure(
                "queue_full",
                f"all processes are busy and queueLength ({self._length}) requests wait already; "
                "IIS answers 503.4",
            )
        ticket = Ticket()
        self._tickets.append(ticket)
        return ticket

    def serve(self, worker: Worker | None) -> None:
        """Give the first a worker, or with None the right to start one."""
        ticket = self._tickets.popleft()
        ticket.worker = worker
        ticket.turn.set()

    def refuse(self) -> None:
        """Send everybody away."""
        while self._tickets:
            ticket = self._tickets.popleft()
            ticket.refused = True
            ticket.turn.set()
