"""The host's end of a named pipe, overlapped: one read and one write in flight; Windows only."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from typing import Any

from iiswsgi import win32
from iiswsgi.host import kernel32
from iiswsgi.host.channel import ChannelBroken, Progress

if sys.platform != "win32":
    raise ImportError("iiswsgi.host.pipe needs Windows")

import _winapi

__all__ = ["PipeChannel", "create_server_end", "open_client_end"]

_FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000
_BUFFER = 4096
# Bytes of each direction's buffer, as libfcgi's own launcher has them.

_READ_SIZE = 8192
_MAX_READ_SIZE = 65536
# A read asks for more once it was filled.

_GONE = frozenset((win32.ERROR_BROKEN_PIPE, win32.ERROR_NO_DATA, win32.ERROR_PIPE_NOT_CONNECTED))


def create_server_end(name: str, *, overlapped: bool) -> int:
    """The end that the worker gets: duplex, bytes, one instance; not inheritable yet."""
    flags = _winapi.PIPE_ACCESS_DUPLEX | _FILE_FLAG_FIRST_PIPE_INSTANCE
    if overlapped:
        flags |= _winapi.FILE_FLAG_OVERLAPPED
    return _winapi.CreateNamedPipe(name, flags, _winapi.PIPE_WAIT, 1, _BUFFER, _BUFFER, 0, 0)


def open_client_end(name: str) -> int:
    """The host's end; it connects at once, whether or not the worker waits for it."""
    access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
    opening, flags = _winapi.OPEN_EXISTING, _winapi.FILE_FLAG_OVERLAPPED
    return _winapi.CreateFile(name, access, 0, _winapi.NULL, opening, flags, _winapi.NULL)


class PipeChannel:
    """See :class:`iiswsgi.host.channel.Channel`."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        # _winapi.Overlapped, a name that a checker knows on Windows only.
        self._reading: Any = None
        self._writing: Any = None
        self._read_size = _READ_SIZE
        self.ended = False

    def pump(self, outgoing: bytes, read: bool, timeout: float) -> Progress:
        """See :class:`iiswsgi.host.channel.Channel`; the read is posted before the write."""
        if read and self._reading is None and not self.ended:
            self._start_read()
        if outgoing and self._writing is None:
            self._start_write(outgoing)
        reading = self._reading if read else None
        events = [each.event for each in (reading, self._writing) if each is not None]
        if not self._wait(events, timeout):
            return Progress(0, None)
        received = self._finish_read() if reading is not None else None
        # What has come is handed over before a failing write is found: it may explain it.
        written = self._finish_write() if received is None else 0
        return Progress(written, received)

    def _wait(self, events: list[int], timeout: float) -> bool:
        if self.ended and not events:
            return False
        if not events:
            time.sleep(timeout)
            return False
        milliseconds = math.ceil(timeout * 1000)
        return _winapi.WaitForMultipleObjects(events, False, milliseconds) != _winapi.WAIT_TIMEOUT

    def _start_read(self) -> None:
        try:
            self._reading, _ = _winapi.ReadFile(self._handle, self._read_size, overlapped=True)
        except OSError as error:
            self._read_failed(error)

    def _start_write(self, data: bytes) -> None:
        try:
            self._writing, _ = _winapi.WriteFile(self._handle, data, overlapped=True)
        except OSError as error:
            raise _write_failed(error) from error

    def _finish_read(self) -> bytes | None:
        reading = self._reading
        if reading is None or not _is_set(reading.event):
            return None
        self._reading = None
        try:
            count, error_code = reading.GetOverlappedResult(True)
        except OSError as error:
            self._read_failed(error)
            return None
        if error_code == win32.ERROR_OPERATION_ABORTED:
            # The thread that posted it has ended; the next call posts another.
            return None
        if count == self._read_size:
            self._read_size = min(2 * self._read_size, _MAX_READ_SIZE)
        return bytes(reading.getbuffer() or b"")

    def _finish_write(self) -> int:
        writing = self._writing
        if writing is None or not _is_set(writing.event):
            return 0
        self._writing = None
        try:
            count, _ = writing.GetOverlappedResult(True)
        except OSError as error:
            raise _write_failed(error) from error
        return int(count)

    def _read_failed(self, error: OSError) -> None:
        if error.winerror not in _GONE:
            raise error
        self.ended = True

    def drained(self, timeout: float) -> bool:
        """See :class:`iiswsgi.host.channel.Channel`: FlushFileBuffers, in a thread of its own."""

        def flush() -> None:
            with contextlib.suppress(OSError):
                kernel32.flush_file_buffers(self._handle)

        thread = threading.Thread(target=flush, name="iiswsgi-flush", daemon=True)
        thread.start()
        thread.join(timeout)
        return not thread.is_alive()

    def close(self) -> None:
        """See :class:`iiswsgi.host.channel.Channel`."""
        if self._handle == -1:
            return
        for each in (self._reading, self._writing):
            if each is not None:
                # The buffer belongs to the system until the operation is over.
                each.cancel()
                with contextlib.suppress(OSError):
                    each.GetOverlappedResult(True)
        self._reading = self._writing = None
        _winapi.CloseHandle(self._handle)
        self._handle = -1


def _is_set(event: int) -> bool:
    return _winapi.WaitForSingleObject(event, 0) == _winapi.WAIT_OBJECT_0


def _write_failed(error: OSError) -> Exception:
    return ChannelBroken(str(error)) if error.winerror in _GONE else error
