"""A connected stream socket; the base of the two that are waited for in other ways."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
import weakref
from collections.abc import Callable

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal

__all__ = ["SocketTransport", "close_in_children", "make_waiter", "set_kernel_timeout"]


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


def set_kernel_timeout(sock: socket.socket, option: int, seconds: float) -> None:
    """Let the kernel time each call out, where Python's own time-out puts a poll before each.

    :param option: ``SO_RCVTIMEO`` or ``SO_SNDTIMEO``. The call raises BlockingIOError on POSIX.
    """
    if sys.platform == "win32":
        value = struct.pack("@L", max(1, int(seconds * 1000)))
    else:
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, option, value)


def close_in_children(sock: socket.socket) -> None:
    """Have a child that an application forks let go of *sock*.

    In it one thread goes on where it was, in the middle of a request: it must not speak to the web
    server, and a child that lives on must not keep a conversation, or a port, from ending.
    """
    _not_for_children.add(sock)


_not_for_children: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _let_go() -> None:
    for sock in list(_not_for_children):
        sock.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_let_go)


class SocketTransport:
    """One connected stream socket, whose peer is trusted to end what it begins."""

    answers_management = True
    shows_break = False

    def __init__(self, sock: socket.socket, stop: StopSignal, name: str) -> None:
        self.name = name
        self._socket = sock
        self._stop = stop
        self._wait = make_waiter(sock, stop)
        sock.settimeout(None)
        close_in_children(sock)

    def receive(self) -> bytes:
        """See :class:`Transport`."""
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except OSError:
            return b""

    def receive_idle(self, begun: bool = False) -> bytes:  # noqa: ARG002  # as all have it
        """See :class:`Transport`."""
        try:
            # At a stop, what arrived at the same moment is still taken.
            if self._wait(0 if self._stop.requested else None) or self._wait(0):
                return self._socket.recv(RECEIVE_SIZE)
        except OSError:
            pass
        return b""

    def has_data(self) -> bool:
        """See :class:`Transport`."""
        try:
            return self._wait(0)
        except (OSError, ValueError):  # closed by another thread, which the next call will tell
            return False

    def send(self, data: bytes) -> None:
        """See :class:`Transport`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            # What the kernel's time-out says on POSIX: "Resource temporarily unavailable".
            why = "it took nothing for too long" if isinstance(error, BlockingIOError) else error
            raise ClientDisconnected(
                "P10", f"{self.name} is gone while the response was sent ({why})"
            ) from error

    def close(self, *, unread: bool = False) -> None:
        """Half-close, so that the peer gets all that was sent, then close."""
        del unread  # who has to wait for the peer does so first
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()
