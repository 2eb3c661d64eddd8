"""A child whose STDIN is the server end of a named pipe, made and handed over as IIS does it."""

from __future__ import annotations

import _winapi
import contextlib
import ctypes
import os
import subprocess
import uuid
from ctypes import wintypes
from pathlib import Path
from types import TracebackType
from typing import Any

RECEIVE_SIZE = 64 * 1024 + 8
BUFFER_SIZE = 4096
"""The pipe's buffer in each direction; libfcgi's own launcher asks for as much."""

GRACE = 10_000
"""Milliseconds a child has to notice the end of its input."""

BYTE_STREAM = 0
BROKEN_PIPE, PIPE_NOT_CONNECTED = 109, 233
DETACHED_PROCESS = 0x00000008
USE_STD_HANDLES = 0x00000100


one_core = contextlib.nullcontext
"""Left to the command that starts Python: on Wine the server process must be kept there as well."""


class _MemoryCounters(ctypes.Structure):
    _fields_ = (
        ("cb", wintypes.DWORD),
        ("PageFaultCount", wintypes.DWORD),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("others", ctypes.c_size_t * 6),
    )


class Child:
    """Start *command*; the object is the driver's end of the stream.

    :param log: stays empty, since such a child has no STDERR.
    """

    # Windows accounts processor time in steps of 10 to 16 ms, too coarse for a round.
    HAS_CPU_CLOCK = False

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        log.touch()
        name = rf"\\.\pipe\IISFCGI-{uuid.uuid4()}"
        theirs = _winapi.CreateNamedPipe(
            name,
            _winapi.PIPE_ACCESS_DUPLEX
            | _winapi.FILE_FLAG_OVERLAPPED
            | _winapi.FILE_FLAG_FIRST_PIPE_INSTANCE,
            BYTE_STREAM,
            1,
            BUFFER_SIZE,
            BUFFER_SIZE,
            0,
            _winapi.NULL,
        )
        try:
            self._pipe = _winapi.CreateFile(
                name,
                _winapi.GENERIC_READ | _winapi.GENERIC_WRITE,
                0,
                _winapi.NULL,
                _winapi.OPEN_EXISTING,
                _winapi.FILE_FLAG_OVERLAPPED,
                _winapi.NULL,
            )
            self._process = _start(command, {**environment, "_FCGI_X_PIPE_": name}, theirs)
        finally:
            _winapi.CloseHandle(theirs)
        # A read is posted before the request is written, as a server that waits for events does.
        self._reading = self._post_read()
        self._before = 0

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Write all of *data*; that a child has gone shows when its answer is read."""
        with contextlib.suppress(BrokenPipeError):
            operation, _ = _winapi.WriteFile(self._pipe, data, overlapped=True)
            operation.GetOverlappedResult(True)

    def receive(self) -> bytes:
        """Read what is there, at least one byte; b"" at the end of the stream."""
        try:
            self._reading.GetOverlappedResult(True)
            data = bytes(self._reading.getbuffer())
            self._reading = self._post_read()
        except OSError as error:
            if error.winerror in (BROKEN_PIPE, PIPE_NOT_CONNECTED):
                return b""
            raise
        return data

    def _post_read(self) -> Any:
        operation, _ = _winapi.ReadFile(self._pipe, RECEIVE_SIZE, overlapped=True)
        return operation

    def cpu_seconds(self) -> float:
        """Nothing to go by; see HAS_CPU_CLOCK."""
        return 0.0

    def mark_memory(self) -> None:
        """Count growth from what is resident now."""
        self._before = self._memory().WorkingSetSize

    def memory_growth(self) -> int:
        """Bytes between the mark and the highest residence in the child's life."""
        return max(0, int(self._memory().PeakWorkingSetSize) - self._before)

    def _memory(self) -> _MemoryCounters:
        counters = _MemoryCounters(cb=ctypes.sizeof(_MemoryCounters))
        get = ctypes.WinDLL("kernel32", use_last_error=True).K32GetProcessMemoryInfo
        get.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
        if not get(self._process, ctypes.byref(counters), counters.cb):
            raise ctypes.WinError(ctypes.get_last_error())
        return counters

    def close(self) -> None:
        """Close the stream, which ends the child, or else end it."""
        with contextlib.suppress(OSError):  # the child may have left already
            self._reading.cancel()
        _winapi.CloseHandle(self._pipe)
        if _winapi.WaitForSingleObject(self._process, GRACE) != _winapi.WAIT_OBJECT_0:
            _winapi.TerminateProcess(self._process, 1)
        _winapi.CloseHandle(self._process)


def _start(command: list[str], environment: dict[str, str], pipe: int) -> int:
    """The process handle of *command*, which gets *pipe* as STDIN and nothing else."""
    os.set_handle_inheritable(pipe, True)
    startup = subprocess.STARTUPINFO(
        dwFlags=USE_STD_HANDLES,
        hStdInput=pipe,
        hStdOutput=_winapi.INVALID_HANDLE_VALUE,
        hStdError=_winapi.INVALID_HANDLE_VALUE,
        lpAttributeList={"handle_list": [pipe]},
    )
    process, thread, _, _ = _winapi.CreateProcess(
        None,
        subprocess.list2cmdline(command),
        None,
        None,
        True,
        DETACHED_PROCESS,
        environment,
        None,
        startup,
    )
    _winapi.CloseHandle(thread)
    return int(process)
