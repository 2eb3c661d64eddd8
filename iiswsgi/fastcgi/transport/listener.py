"""A listening socket, inherited or opened by :mod:`.address`: each connection has a thread.

Threads wait cheaply for the next request on their connection; how many requests *run* at once is
another number (:class:`Listener`'s user sees to it), so that web servers which keep idle
connections open starve nobody.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable

from iiswsgi.fastcgi.transport.accepted import AcceptedTransport
from iiswsgi.fastcgi.transport.base import StopSignal
from iiswsgi.fastcgi.transport.peers import may_connect
from iiswsgi.fastcgi.transport.places import Places
from iiswsgi.fastcgi.transport.sockets import close_in_children, make_waiter

__all__ = ["Listener"]

log = logging.getLogger(__name__)

_ACCEPT_PAUSE = 0.1
"""Seconds before accepting is tried again when the process has no descriptors left."""


_LAST_CALL = 0.5
"""Seconds of accepting after the stop, without those of waiting for a place. In a queue that never
is empty nobody can tell who came before it."""


class Listener:
    """Accepts connections until a stop is requested and gives each to *serve* in a thread.

    :param connection_limit: connections held at once; further ones wait, and :class:`Places` sees
        to it that they need not wait long.
    :param timeout: seconds a peer may be silent or take nothing; 0 for ever.
    :param min_rate: bytes a second below which a peer is slow; 0 for never.
    :param graceful_timeout: seconds that requests may still take once a stop is requested.
    :param allowed: the addresses that may connect, None for any.
    """

    def __init__(
        self,
        sock: socket.socket,
        stop: StopSignal,
        serve: Callable[[AcceptedTransport], object],
        *,
        connection_limit: int,
        timeout: float,
        min_rate: int = 0,
        graceful_timeout: float,
        allowed: frozenset[str] | None = None,
    ) -> None:
        self._socket = sock
        self._stop = stop
        self._serve = serve
        self._timeout = timeout or None
        self._min_rate = min_rate
        self._graceful_timeout = graceful_timeout
        self._allowed = allowed
        self._places = Places(connection_limit)
        self._threads: set[threading.Thread] = set()
        self._exhausted = False
        self._end: float | None = None
        """When the graceful time is over, once somebody has seen the stop."""

    def run(self) -> None:
        """Accept until the stop; connections already queued at that moment are still accepted.

        Then the socket is closed: who comes later is refused and can turn elsewhere, where the
        system would let him wait for running requests, only to be dropped.
        """
        # A listener is shared between processes: who loses the race for a connection must not
        # block in accept().
        self._socket.settimeout(0)
        close_in_children(self._socket)
        wait = make_waiter(self._socket, self._stop)
        with self._socket:
            while not self._stop.requested:
                if wait(None):
                    self._admit()
            self._admit_queued(wait)

    def _admit_queued(self, wait: Callable[[float | None], bool]) -> None:
        """Admit who was in the queue at the stop, and who waits there for a place."""
        until = time.monotonic() + _LAST_CALL
        while time.monotonic() < until and self._time_left() and wait(0):
            began = time.monotonic()
            if not self._admit():  # as long as it has waited for a place, in vain
                until += time.monotonic() - began

    def _admit(self) -> bool:
        """Accept a connection, unless there is no place; whether there was one."""
        if not self._places.take():
            return False
        if not self._accept():
            self._places.give_back()
        return True

    def join(self) -> int:
        """Wait for the running connections; how many are still there when the time is over."""
        for thread in list(self._threads):
            thread.join(self._time_left())
        return len(self._threads)

    def _time_left(self) -> float:
        """Seconds of the graceful time, which begins when this is first asked."""
        now = time.monotonic()
        if self._end is None:
            self._end = now + self._graceful_timeout
        return max(0.0, self._end - now)

    def _accept(self) -> bool:
        try:
            sock, address = self._socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._exhaust(f"accepted for now: {error}")
            return False
        if not may_connect(address, self._allowed):
            sock.close()
            return False
        name = f"the connection from {address or 'a local peer'}"
        thread = threading.Thread(target=self._run, args=(sock, name), name=name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            self._threads.discard(thread)
            sock.close()
            self._exhaust(f"served for now: {error}")
            return False
        self._exhausted = False
        return True

    def _exhaust(self, why: str) -> None:
        """The system has no more to give: say so, once, and let idle connections give theirs."""
        if not self._exhausted:
            self._exhausted = True
            log.error("IISWSGI-P14: no connection can be %s", why)
        self._places.make_room("the system has no descriptors or threads left")
        time.sleep(_ACCEPT_PAUSE)

    def _run(self, sock: socket.socket, name: str) -> None:
        transport = None
        try:
            transport = AcceptedTransport(sock, self._stop, name, self._timeout, self._min_rate)
            self._places.add(transport)
            self._serve(transport)
        finally:
            sock.close()
            self._threads.discard(threading.current_thread())
            self._places.give_back(transport)
