"""The connected socket on STDIN, on POSIX: the read itself waits for the next request.

A poll before each read costs as much as the read. Without one, nothing but the kernel can end the
wait, so it times each read out. POSIX only: on Windows no signal interrupts a read.
"""

from __future__ import annotations

import contextlib
import socket

from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal
from iiswsgi.fastcgi.transport.sockets import SocketTransport, set_kernel_timeout

__all__ = ["BlockingTransport"]

_LOOK = 1.0
"""Seconds between looks whether a stop was requested. A signal interrupts the read and is heeded at
once, unless it comes in the few instructions between Python's last look and the read."""

_LAST_CALL = 0.1
"""Seconds that a read waits once a stop was requested: for what is on its way already."""


class BlockingTransport(SocketTransport):
    """One connected stream socket, served by the thread that handles signals."""

    def __init__(self, sock: socket.socket, stop: StopSignal, name: str) -> None:
        super().__init__(sock, stop, name)
        set_kernel_timeout(sock, socket.SO_RCVTIMEO, _LOOK)
        stop.add_waker(self._hurry)

    _last_call_given = False

    def receive(self) -> bytes:
        """See :class:`Transport`."""
        while (data := self._read()) is None:
            pass
        return data

    def receive_idle(self, begun: bool = False) -> bytes:
        """See :class:`Transport`."""
        if self._stop.requested:
            if self._last_call_given and not begun:  # else a busy peer would keep it for ever
                return b""
            self._last_call_given = True
        while (data := self._read()) is None:
            if self._stop.requested:
                return b""
        return data

    def _read(self) -> bytes | None:
        """What comes; b"" at the end, None when the kernel's time is over."""
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _hurry(self) -> None:
        """Shorten the time, in the signal's handler: the read that it interrupted goes on then."""
        with contextlib.suppress(OSError):  # closed meanwhile
            set_kernel_timeout(self._socket, socket.SO_RCVTIMEO, _LAST_CALL)
