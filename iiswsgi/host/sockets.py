"""A stream socket as a worker's connection: the pair on POSIX, and protocol="Tcp" everywhere."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time

from iiswsgi.host.channel import ChannelBroken, Progress

__all__ = ["READ_SIZE", "SocketChannel", "connect", "listen"]

READ_SIZE = 65536
"""Bytes asked for at once."""


class SocketChannel:
    """The host's end of a connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._closed = False
        self.ended = False
        sock.setblocking(False)
        # poll() keeps no descriptor of its own and has no limit of 1024; Windows has select only.
        selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
        self._selector: selectors.BaseSelector = selector()
        self._mask = 0

    def pump(self, outgoing: bytes, read: bool, timeout: float) -> Progress:
        """See :class:`iiswsgi.host.channel.Channel`."""
        progress = self._turn(outgoing, read)
        if progress.written or progress.received is not None or self.ended:
            return progress
        if not self._wait(bool(outgoing), read, timeout):
            return progress
        return self._turn(outgoing, read)

    def _turn(self, outgoing: bytes, read: bool) -> Progress:
        received = self._receive() if read and not self.ended else None
        # What has come is handed over before a failing write is found: it may explain the failure.
        written = self._send(outgoing) if outgoing and received is None else 0
        return Progress(written, received)

    def _receive(self) -> bytes | None:
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return None
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return None
        return data

    def _send(self, outgoing: bytes) -> int:
        try:
            return self._socket.send(outgoing)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ChannelBroken(str(error)) from error

    def _wait(self, write: bool, read: bool, timeout: float) -> bool:
        mask = (selectors.EVENT_WRITE if write else 0) | (selectors.EVENT_READ if read else 0)
        if mask != self._mask:
            if self._mask:
                self._selector.unregister(self._socket)
            if mask:
                self._selector.register(self._socket, mask)
            self._mask = mask
        if not mask:
            time.sleep(timeout)
            return False
        return bool(self._selector.select(timeout))

    def drained(self, timeout: float) -> bool:
        """See :class:`iiswsgi.host.channel.Channel`; where the system cannot tell, True."""
        deadline = time.monotonic() + timeout
        while _unread(self._socket):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def close(self) -> None:
        """See :class:`iiswsgi.host.channel.Channel`."""
        if not self._closed:
            self._closed = True
            self._selector.close()
            # An orderly end for a worker that is still reading, though others may hold the socket.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()


def _unread(sock: socket.socket) -> int:
    """Bytes sent that the peer has not read yet, as far as the system says."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import struct
    import termios

    # SIOCOUTQ of unix(7) has the number of TIOCOUTQ.
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])


def listen() -> socket.socket:
    """The socket that a worker with protocol="Tcp" gets as STDIN."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    return listener


def connect(listener: socket.socket) -> SocketChannel:
    """The host's end of the connection to a worker that has, or will have, *listener*."""
    sock = socket.create_connection(listener.getsockname(), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SocketChannel(sock)
