"""A connected stream socket: the stand-in's on POSIX, or one that a listener accepted."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
from collections.abc import Callable

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal

__all__ = ["SocketTransport", "make_waiter"]


def make_waiter(sock: socket.socket, stop: StopSignal) -> Callable[[float | None], bool]:
    """A function of a time-out in seconds that waits until *sock* or *stop* is readable.

    It answers whether *sock* is; None waits without end. The timed-out and the stopped both
    answer False, and *stop* tells the two apart.
    """
    descriptor = sock.fileno()
    if sys.platform == "win32":
        both = [descriptor, stop.fileno()]

        def wait_select(timeout: float | None) -> bool:
            return descriptor in select.select(both, [], [], timeout)[0]

        return wait_select
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.register(stop.fileno(), select.POLLIN)

    def wait_poll(timeout: float | None) -> bool:
        milliseconds = None if timeout is None else int(timeout * 1000)
        ready = poller.poll(milliseconds)
        return bool(ready) and (ready[0][0] == descriptor or len(ready) > 1)

    return wait_poll


class SocketTransport:
    """One connected stream socket.

    :param answers_management: True for accepted connections, see :class:`Transport`.
    :param idle_timeout: seconds that a connection may stay without a request; None for ever.
    :param stall_timeout: seconds that the peer may take over each receive and send within a
        request; None for ever.
    :param patience: seconds that the first request is waited for though a stop is requested.
    """

    def __init__(
        self,
        sock: socket.socket,
        stop: StopSignal,
        name: str,
        *,
        answers_management: bool = False,
        idle_timeout: float | None = None,
        stall_timeout: float | None = None,
        patience: float = 0.0,
    ) -> None:
        self.name = name
        self.answers_management = answers_management
        self._socket = sock
        self._stop = stop
        self._idle_timeout = idle_timeout
        self._patience = patience
        self._wait = make_waiter(sock, stop)
        sock.settimeout(None)
        if stall_timeout is not None:
            _set_kernel_timeouts(sock, stall_timeout)

    def receive(self) -> bytes:
        """See :class:`Transport`; a peer that stalls is gone too."""
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except OSError:
            return b""

    def receive_idle(self) -> bytes:
        """See :class:`Transport`."""
        patience, self._patience = self._patience, 0.0
        try:
            if self._wait(0 if self._stop.requested else self._idle_timeout):
                return self._socket.recv(RECEIVE_SIZE)
            if self._stop.requested:
                # Take what arrived at the same moment, or what a first request still has to send.
                return self._receive_within(patience)
        except OSError:
            pass
        return b""

    def _receive_within(self, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(RECEIVE_SIZE)
        finally:
            self._socket.settimeout(None)

    def send(self, data: bytes) -> None:
        """See :class:`Transport`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ClientDisconnected(
                "P10", f"{self.name} is gone while the response was sent ({error})"
            ) from error

    def close(self) -> None:
        """Half-close, so that the peer gets all that was sent, then close."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()


def _set_kernel_timeouts(sock: socket.socket, seconds: float) -> None:
    """Let the kernel time each call out.

    Python's own time-out would put a poll before every single call.
    """
    if sys.platform == "win32":
        value = struct.pack("@L", max(1, int(seconds * 1000)))
    else:
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, value)
