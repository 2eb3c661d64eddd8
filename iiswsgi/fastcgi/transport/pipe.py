"""The named pipe that IIS puts on STDIN, opened twice: a receiving end and a sending end.

Strictly one thread reads, runs the application and writes; two operations at once are wrong on a
handle opened for overlapped I/O and deadlock on one that was not (iis-fastcgi.md, section 1).
The pipe is never disconnected and never connected again: one conversation, then the process ends.
"""

from __future__ import annotations

import _winapi
import sys
import threading
import time

from iiswsgi import win32
from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.base import RECEIVE_SIZE, StopSignal

if sys.platform != "win32":
    raise ImportError("named pipes need Windows")

__all__ = ["PipeTransport"]

_GONE = frozenset((win32.ERROR_BROKEN_PIPE, win32.ERROR_NO_DATA, win32.ERROR_PIPE_NOT_CONNECTED))
"""What a read or write answers once the other side has closed."""

_CANCEL_INTERVAL = 0.01
"""Seconds between two attempts to wake the idle reader, which may not have started to wait."""


class PipeTransport:
    """The pipe behind *handle*, which the transport owns from now on.

    Works on handles with and without FILE_FLAG_OVERLAPPED, on a pipe whose client is there and on
    one whose client is yet to come.
    """

    answers_management = False
    shows_break = False

    def __init__(self, handle: int, stop: StopSignal, name: str) -> None:
        self.name = name
        self._stop = stop
        self._receiver = win32.PipeEnd(handle, RECEIVE_SIZE)
        self._sender = win32.PipeEnd(_duplicate(handle))
        self._idle = 0
        """The thread that waits for the next request, or 0."""
        self._idle_lock = threading.Lock()
        stop.add_waker(self._wake)

    def receive(self) -> bytes:
        """See :class:`Transport`."""
        try:
            return self._read()
        except OSError:
            return b""

    def receive_idle(self, begun: bool = False) -> bytes:  # noqa: ARG002  # as all have it
        """See :class:`Transport`."""
        self._idle = threading.get_ident()
        try:
            if self._stop.requested and not self.has_data():
                return b""
            return self._read()
        except OSError:
            return b""
        finally:
            with self._idle_lock:
                self._idle = 0

    def has_data(self) -> bool:
        """See :class:`Transport`; but a pipe without a peer has none."""
        try:
            return bool(_winapi.PeekNamedPipe(self._receiver.handle, 0)[0])
        except OSError:
            return False

    def send(self, data: bytes) -> None:
        """See :class:`Transport`."""
        try:
            sent = self._sender.write(data)
            while sent < len(data):
                data = data[sent:]
                sent = self._sender.write(data)
        except OSError as error:
            raise ClientDisconnected(
                "P10", f"{self.name} is gone while the response was sent ({error})"
            ) from error

    def close(self, *, unread: bool = False) -> None:
        """Close both ends; what was written stays readable for the peer."""
        del unread  # nothing is left unread here
        if self._receiver.handle != -1:
            self._receiver.close()
            self._sender.close()

    def _read(self) -> bytes:
        while True:
            try:
                data = self._receiver.read()
            except OSError as error:
                if error.winerror == win32.ERROR_PIPE_LISTENING:
                    self._receiver.connect()
                    continue
                raise
            if data:
                return data
            # The peer wrote zero bytes, which ends nothing on a byte pipe.

    def _wake(self) -> None:
        """Cancel the idle read, from another thread, until its thread is not idle any more.

        A read that completed with data in the same moment keeps its data. The lock makes sure
        that nothing but the idle read can be hit.
        """
        if self._idle == threading.get_ident():
            # In a signal's handler, before the read: that comes only when the handler is through.
            threading.Thread(target=self._wake, name="iiswsgi-waker", daemon=True).start()
            return
        while True:
            with self._idle_lock:
                if not self._idle:
                    return
                self._receiver.cancel()
            time.sleep(_CANCEL_INTERVAL)


def _duplicate(handle: int) -> int:
    process = _winapi.GetCurrentProcess()
    return _winapi.DuplicateHandle(
        process, handle, process, 0, False, _winapi.DUPLICATE_SAME_ACCESS
    )
