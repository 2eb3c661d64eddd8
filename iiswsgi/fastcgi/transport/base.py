"""What every transport offers, and what it needs to know of the process's end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["RECEIVE_SIZE", "StopSignal", "Transport"]

RECEIVE_SIZE = 65536
"""Bytes asked for in one receive.

A small request fits whole; IIS hands over bodies in records of about 10 KB, other servers in up to
64 KiB. More would leave malloc's cheap sizes without saving calls.
"""


class StopSignal(Protocol):
    """The part of :class:`iiswsgi.runtime.shutdown.Shutdown` that a transport needs."""

    requested: bool

    def fileno(self) -> int:
        """A socket that becomes readable, for good, once a stop is requested."""

    def add_waker(self, waker: Callable[[], None]) -> None:
        """Call *waker* when a stop is requested."""


class Transport(Protocol):
    """A connected stream of bytes to one web server. System errors do not leave it."""

    name: str
    """For the log: what it is and who is at the other end."""

    answers_management: bool
    """Whether management records are answered: not on IIS's pipe, which never sends them."""

    shows_break: bool
    """Whether a response that is broken off is ended by a record that belongs in none. IIS learns
    it from the exit status, and so does what plays it on a socket."""

    def receive(self) -> bytes:
        """The next bytes, at least one; b"" when the peer is gone."""

    def receive_idle(self, begun: bool = False) -> bytes:
        """The same between requests: also b"" once a stop is requested and nothing has come.

        What the peer sent before it asked for the end is still given out.

        :param begun: a part of a record has come, so that the peer is not idle.
        """

    def has_data(self) -> bool:
        """Whether receive() would return at once, be it with b""."""

    def send(self, data: bytes) -> None:
        """All of *data*, which may not be empty.

        :raises ClientDisconnected: the peer is gone.
        """

    def close(self, *, unread: bool = False) -> None:
        """Let go of the stream; further calls of this method do nothing.

        :param unread: the peer has its answer, but may still be sending.
        """
