"""A connection that a listener accepted: one of many, whose peer may stall or say nothing.

It knows how long it has waited for its peer, so that the listener can end the one that needs its
place least when all are taken.
"""

from __future__ import annotations

import contextlib
import math
import socket
import sys
import time

from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal
from iiswsgi.fastcgi.transport.sockets import SocketTransport, set_kernel_timeout

if sys.platform == "win32":
    from iiswsgi import win32

__all__ = ["AcceptedTransport"]

_FIRST_REQUEST = 1.0
"""Seconds for a connection's first request though a stop is requested: a web server connects to
send one at once, and takes a close before it for a failure. As many for the rest of a record."""

_LOOK = 1.0
"""Seconds between an idle connection's looks whether it is still wanted. It looks itself: closed
by another thread, it could lose a request that arrives at that moment."""

_LINGER = 5.0
"""Seconds for a peer to take the last response. On TCP a close with unread bytes, or before more
come, makes the system throw away what it has not sent yet."""


class AcceptedTransport(SocketTransport):
    """One accepted connection.

    :param timeout: seconds that the peer may be silent, or take nothing; None for ever.
    """

    shows_break = True

    def __init__(
        self, sock: socket.socket, stop: StopSignal, name: str, timeout: float | None
    ) -> None:
        super().__init__(sock, stop, name)
        self._timeout = math.inf if timeout is None else timeout
        self._patience = _FIRST_REQUEST
        self.leaves = False
        """Whether it will end, since it was given up, unless a request comes first."""
        self._answered = False
        self._idle = True
        self._since = time.monotonic()
        if timeout is not None:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                set_kernel_timeout(sock, option, timeout)

    def waited(self, now: float) -> tuple[bool, float]:
        """Whether no request has begun, and for how many seconds the peer has been waited for."""
        return self._idle, now - self._since

    def give_up(self, stalled: float) -> bool:
        """Have the connection end, from another thread; whether it will.

        What is idle ends within a second, unless a request arrives meanwhile. A request whose peer
        is waited for since *stalled* seconds ends at once; any other is left alone.
        """
        if self._idle:
            self.leaves = True
        elif time.monotonic() - self._since < stalled:
            return False
        else:
            self.leaves = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
                if sys.platform == "win32":
                    # There the shutdown fails the next call, and wakes nobody who is in one.
                    win32.cancel(self._socket.fileno())
        return True

    def receive(self) -> bytes:
        """See :class:`Transport`; a peer that stalls is gone too."""
        self._since, self._answered = time.monotonic(), False
        try:
            return super().receive()
        finally:
            self._since = math.inf

    def send(self, data: bytes) -> None:
        """See :class:`Transport`; a peer that takes nothing is gone too."""
        self._since, self._answered = time.monotonic(), True
        try:
            super().send(data)
        finally:
            self._since = math.inf

    def receive_idle(self, begun: bool = False) -> bytes:
        """See :class:`Transport`; also b"" when the time is over or the connection is given up."""
        patience, self._patience = _FIRST_REQUEST if begun else self._patience, 0.0
        self._since, self._idle, self._answered = time.monotonic(), not begun, False
        try:
            if self._arrives():
                self.leaves = False
                return self._socket.recv(RECEIVE_SIZE)
            if self._stop.requested:
                # Take what arrived at the same moment, or what a first request still has to send.
                return self._receive_within(patience)
        except OSError:
            pass
        finally:
            self._since, self._idle = math.inf, False
        return b""

    def close(self) -> None:
        """See :class:`Transport`; behind a response, once the peer has it."""
        if self._answered and self._socket.family != getattr(socket, "AF_UNIX", None):
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
                self._take_what_comes(time.monotonic() + _LINGER)
        super().close()

    def _take_what_comes(self, until: float) -> None:
        """Read, for nobody, until the peer closes too or the time is over."""
        while (left := until - time.monotonic()) > 0 and self._receive_within(left):
            pass

    def _arrives(self) -> bool:
        """Wait for bytes, until the stop, the time-out, or nobody wants the connection."""
        left = self._timeout
        while not self._wait(0 if self._stop.requested else min(left, _LOOK)):
            left -= _LOOK
            if self._stop.requested or left <= 0 or self.leaves:
                return False
        return True

    def _receive_within(self, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(RECEIVE_SIZE)
        finally:
            self._socket.settimeout(None)
