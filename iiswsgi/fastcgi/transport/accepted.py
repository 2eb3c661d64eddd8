"""A connection that a listener accepted: one of many, whose peer may stall or say nothing.

It knows what it is at and how fast its peer is, so that the listener can end the one that needs its
place least when all are taken.
"""

from __future__ import annotations

import contextlib
import enum
import math
import socket
import sys
import time

from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal
from iiswsgi.fastcgi.transport.pace import Pace
from iiswsgi.fastcgi.transport.sockets import SocketTransport, set_kernel_timeout

if sys.platform == "win32":
    from iiswsgi import win32

__all__ = ["AcceptedTransport", "Phase"]

_FIRST_REQUEST = 1.0
"""Seconds for a connection's first request though a stop is requested: a web server connects to
send one at once, and takes a close before it for a failure. As many for the rest of a record."""

_LOOK = 1.0
"""Seconds between an idle connection's looks whether it is to end. It looks itself: closed by
another thread, it could lose a request that arrives at that moment."""

_PIECE = 128 << 10
"""Bytes that are handed to the system at once, and that it is to keep: not more often than after so
many does it tell that the peer takes them."""

_LINGER = 5.0
"""Seconds for a peer to take the last response. On TCP a close with unread bytes, or before more
come, makes the system throw away what it has not sent yet; on a Unix socket, who still sends a body
fails then, and may not look whether there is an answer."""


class Phase(enum.Enum):
    """What a connection is at, as far as it matters to one that waits for its place."""

    NEW = enum.auto()
    """No request has come yet."""
    IDLE = enum.auto()
    """The next request may come, or none."""
    BUSY = enum.auto()
    """In the middle of a request."""
    SLOW = enum.auto()
    """In the middle of a request whose peer sends or takes too little."""


class AcceptedTransport(SocketTransport):
    """One accepted connection.

    :param timeout: seconds that the peer may be silent, or take nothing; None for ever.
    :param min_rate: bytes a second below which its peer is slow; 0 for never.
    """

    shows_break = True

    def __init__(
        self, sock: socket.socket, stop: StopSignal, name: str, timeout: float | None, min_rate: int
    ) -> None:
        super().__init__(sock, stop, name)
        self._timeout = math.inf if timeout is None else timeout
        self._patience = _FIRST_REQUEST
        self._pace = Pace(min_rate)
        self._leaves = self._is_cut_off = False
        """Whether it will end, since it was asked to, when no request runs; and whether at once."""
        self._answered = False
        self._enter(Phase.NEW)
        if timeout is not None:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                set_kernel_timeout(sock, option, timeout)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)

    def phase(self, now: float) -> tuple[Phase, float]:
        """What it is at, and for how many seconds it has been."""
        slow = self._phase is Phase.BUSY and self._pace.is_slow(now)
        return Phase.SLOW if slow else self._phase, now - self._since

    def leave(self) -> None:
        """Have it end after the request that runs or, when idle, within a second; in any thread."""
        self._leaves = True

    def cut_off(self) -> bool:
        """End it at once if its peer is slow, from another thread; whether it does."""
        if not self._pace.is_slow(time.monotonic()):
            return False
        self._is_cut_off = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
            if sys.platform == "win32":
                # There the shutdown fails the next call, and wakes nobody who is in one. (Nor does
                # this wake who waits for the rest of a record, but he looks up now and then.)
                win32.cancel(self._socket.fileno())
        return True

    def receive(self) -> bytes:
        """See :class:`Transport`; a peer that stalls is gone too."""
        self._answered = False
        data = b""
        self._pace.wait()
        try:
            data = super().receive()
        finally:
            self._pace.go_on(len(data))
        return data

    def send(self, data: bytes) -> None:
        """See :class:`Transport`; a peer that takes nothing is gone too."""
        self._answered = True
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE] if len(data) > _PIECE else data
            self._pace.wait()
            try:
                super().send(piece)
            finally:
                self._pace.go_on(len(piece))

    def receive_idle(self, begun: bool = False) -> bytes:
        """See :class:`Transport`; also b"" when the time is over or the connection is to end."""
        patience, self._patience = _FIRST_REQUEST if begun else self._patience, 0.0
        if begun:
            self._pace.wait()
        elif self._phase is Phase.BUSY:
            self._enter(Phase.IDLE)
        data = b""
        try:
            if self._arrives(begun):
                data = self._socket.recv(RECEIVE_SIZE)
            elif self._stop.requested:
                # Take what arrived at the same moment, or what a first request still has to send.
                data = self._receive_within(patience)
        except OSError:
            pass
        if begun:
            self._pace.go_on(len(data))
        elif data:
            self._pace.begin()
            self._enter(Phase.BUSY)
        self._answered = self._answered and not data
        return data

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, time.monotonic()

    def close(self, *, unread: bool = False) -> None:
        """See :class:`Transport`; behind a response, once the peer has it."""
        is_unix = self._socket.family == getattr(socket, "AF_UNIX", None)
        if unread or (self._answered and not is_unix):
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
                self._take_what_comes(time.monotonic() + _LINGER)
        super().close()

    def _take_what_comes(self, until: float) -> None:
        """Read, for nobody, until the peer closes too or the time is over."""
        while (left := until - time.monotonic()) > 0 and self._receive_within(left):
            pass

    def _arrives(self, begun: bool) -> bool:
        """Wait for bytes, until the stop, the time-out, or, between requests, it is to end."""
        left = self._timeout
        while not self._hurries(begun):
            if self._wait(min(left, _LOOK)):
                return True
            if self._stop.requested:
                break
            self._answered = False  # a while ago, by now
            left -= _LOOK
            if left <= 0:
                return False
        return self._wait(0)

    def _hurries(self, begun: bool) -> bool:
        return self._stop.requested or self._is_cut_off or (self._leaves and not begun)

    def _receive_within(self, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(RECEIVE_SIZE)
        finally:
            self._socket.settimeout(None)
