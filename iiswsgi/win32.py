"""The gateway's door to kernel32: typed functions that raise OSError, and nothing else.

What ``_winapi`` offers is used where it is enough. Names and meanings are those of the Win32
reference; each function says what it is for here. Imported from Windows-only code alone. What only
the stand-in needs is in :mod:`iiswsgi.host.kernel32`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from ctypes import wintypes
from typing import Any

if sys.platform != "win32":
    raise ImportError("iiswsgi.win32 needs Windows")

__all__ = [
    "ERROR_BROKEN_PIPE",
    "ERROR_IO_PENDING",
    "ERROR_NOT_FOUND",
    "ERROR_NO_DATA",
    "ERROR_OPERATION_ABORTED",
    "ERROR_PIPE_CONNECTED",
    "ERROR_PIPE_LISTENING",
    "ERROR_PIPE_NOT_CONNECTED",
    "PipeEnd",
    "cancel",
    "close_handle",
    "create_event",
    "declare",
    "disinherit",
    "is_remote",
    "last_error",
    "pipe_is_duplex",
    "set_std_handle",
    "user_name",
]

ERROR_BROKEN_PIPE = 109
ERROR_NO_DATA = 232
ERROR_PIPE_NOT_CONNECTED = 233
ERROR_PIPE_CONNECTED = 535
ERROR_PIPE_LISTENING = 536
ERROR_OPERATION_ABORTED = 995
ERROR_IO_PENDING = 997
ERROR_NOT_FOUND = 1168

_FILE_PIPE_LOCAL_INFORMATION = 24
_PIPE_FULL_DUPLEX = 2

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_ntdll = ctypes.WinDLL("ntdll")


class _Overlapped(ctypes.Structure):
    _fields_ = (
        ("Internal", ctypes.c_size_t),
        ("InternalHigh", ctypes.c_size_t),
        ("Offset", wintypes.DWORD),
        ("OffsetHigh", wintypes.DWORD),
        ("hEvent", wintypes.HANDLE),
    )


class _PipeLocalInformation(ctypes.Structure):
    """FILE_PIPE_LOCAL_INFORMATION of the Windows driver reference."""

    _fields_ = tuple(
        (name, wintypes.ULONG)
        for name in (
            "NamedPipeType",
            "NamedPipeConfiguration",
            "MaximumInstances",
            "CurrentInstances",
            "InboundQuota",
            "ReadDataAvailable",
            "OutboundQuota",
            "WriteQuotaAvailable",
            "NamedPipeState",
            "NamedPipeEnd",
        )
    )


def declare(name: str, *argtypes: Any) -> Callable[..., int]:
    """A function of kernel32 that answers 0 for a failure, which :func:`last_error` tells."""
    function = _kernel32[name]
    function.argtypes = argtypes
    function.restype = wintypes.BOOL
    return function


_LP_OVERLAPPED = ctypes.POINTER(_Overlapped)
_LP_DWORD = ctypes.POINTER(wintypes.DWORD)
_read_file = declare(
    "ReadFile", wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p, _LP_OVERLAPPED
)
_write_file = declare(
    "WriteFile", wintypes.HANDLE, ctypes.c_char_p, wintypes.DWORD, ctypes.c_void_p, _LP_OVERLAPPED
)
_get_result = declare(
    "GetOverlappedResult", wintypes.HANDLE, _LP_OVERLAPPED, _LP_DWORD, wintypes.BOOL
)
_connect = declare("ConnectNamedPipe", wintypes.HANDLE, _LP_OVERLAPPED)
_cancel = declare("CancelIoEx", wintypes.HANDLE, ctypes.c_void_p)
close_handle = declare("CloseHandle", wintypes.HANDLE)
_drive_type = declare("GetDriveTypeW", wintypes.LPCWSTR)
_DRIVE_REMOTE = 4
_create_event = _kernel32.CreateEventW
_create_event.argtypes = (ctypes.c_void_p, wintypes.BOOL, wintypes.BOOL, wintypes.LPCWSTR)
_create_event.restype = wintypes.HANDLE
_query_information = _ntdll.NtQueryInformationFile
_query_information.argtypes = (
    wintypes.HANDLE,
    ctypes.c_void_p,
    ctypes.c_void_p,
    wintypes.ULONG,
    ctypes.c_int,
)
_query_information.restype = ctypes.c_long


def last_error() -> OSError:
    """The error of this thread's last call."""
    return ctypes.WinError(ctypes.get_last_error())


def pipe_is_duplex(handle: int) -> bool:
    """Whether *handle* is a pipe that can be both read and written.

    An anonymous pipe is a named pipe too, but goes one way only; this is what tells a shell's
    ``program | python`` from the pipe that IIS hands over.
    """
    status = (ctypes.c_void_p * 2)()
    information = _PipeLocalInformation()
    result = _query_information(
        handle,
        ctypes.byref(status),
        ctypes.byref(information),
        ctypes.sizeof(information),
        _FILE_PIPE_LOCAL_INFORMATION,
    )
    return result == 0 and int(information.NamedPipeConfiguration) == _PIPE_FULL_DUPLEX


def create_event() -> int:
    """A manual-reset event that is not set; to be closed with CloseHandle."""
    handle = _create_event(None, True, False, None)
    if not handle:
        raise last_error()
    return int(handle)


def cancel(handle: int) -> None:
    """Make what other threads wait for on *handle* fail with ERROR_OPERATION_ABORTED.

    That is what ends a socket's receive or send as well; its shutdown does not.
    """
    if not _cancel(handle, None) and ctypes.get_last_error() != ERROR_NOT_FOUND:
        raise last_error()


class PipeEnd:
    """One end of a pipe, for one operation at a time.

    Each operation carries an OVERLAPPED and waits for it, which is the documented way on a handle
    that was opened for overlapped I/O and harmless on one that was not: there the call itself
    blocks. Errors are OSError with ``winerror`` set.
    """

    def __init__(self, handle: int, buffer_size: int = 0) -> None:
        self.handle = handle
        # What each call takes is made once, not for each call.
        self._handle = wintypes.HANDLE(handle)
        self._overlapped = _Overlapped(hEvent=create_event())
        self._reference = ctypes.byref(self._overlapped)
        self._count = wintypes.DWORD()
        self._count_reference = ctypes.byref(self._count)
        self._buffer = ctypes.create_string_buffer(buffer_size)
        self._pointer = ctypes.c_void_p(ctypes.addressof(self._buffer))
        self._size = wintypes.DWORD(buffer_size)
        self._view = memoryview(self._buffer).cast("B") if buffer_size else memoryview(b"")

    def read(self) -> bytes:
        """What is there, up to the buffer's size; b"" when the peer wrote zero bytes."""
        started = _read_file(self._handle, self._pointer, self._size, None, self._reference)
        return self._view[: self._finish(started)].tobytes()

    def write(self, data: bytes) -> int:
        """Write *data*; how many bytes went out."""
        return self._finish(_write_file(self._handle, data, len(data), None, self._reference))

    def connect(self) -> None:
        """Wait for the client of a pipe that nobody has opened yet; having one is success."""
        if not _connect(self.handle, self._reference):
            if ctypes.get_last_error() == ERROR_PIPE_CONNECTED:
                return
            self._finish(False)

    def cancel(self) -> None:
        """Make the operation that another thread waits for fail with ERROR_OPERATION_ABORTED."""
        cancel(self.handle)

    def close(self) -> None:
        """Close the handle and the event; the end must not be used any more."""
        close_handle(self.handle)
        close_handle(self._overlapped.hEvent)
        self.handle = -1

    def _finish(self, started: int) -> int:
        if started:  # it has ended already, as small writes do
            return int(self._overlapped.InternalHigh)
        if ctypes.get_last_error() != ERROR_IO_PENDING:
            raise last_error()
        if not _get_result(self._handle, self._reference, self._count_reference, True):
            raise last_error()
        return self._count.value


_STD_HANDLES = (-10, -11, -12)
_NAME_SAM_COMPATIBLE = 2
_HANDLE_STEP = 4
"""Numbers of handles are multiples of it, the smallest free one first."""
_MAX_HANDLE = 0x10000
"""Where the search for a handle ends: 16384 handles are more than a web server's process has."""

_set_std_handle = declare("SetStdHandle", wintypes.DWORD, wintypes.HANDLE)


def set_std_handle(fd: int, handle: int) -> None:
    """Make *handle* the process's standard handle number *fd*: 0, 1 or 2."""
    if not _set_std_handle(_STD_HANDLES[fd] & 0xFFFFFFFF, handle):
        raise last_error()


def is_remote(path: str) -> bool:
    """Whether a file lies on another machine: on a share, or a drive that stands for one."""
    drive = os.path.splitdrive(path)[0]
    return drive.startswith("\\\\") or _drive_type(drive + "\\") == _DRIVE_REMOTE


def user_name() -> str:
    """The account of the process with its domain; that is IIS APPPOOL for a pool's own."""
    get_name = ctypes.WinDLL("secur32").GetUserNameExW
    get_name.argtypes = (ctypes.c_int, wintypes.LPWSTR, ctypes.POINTER(wintypes.ULONG))
    get_name.restype = ctypes.c_ubyte
    buffer = ctypes.create_unicode_buffer(512)
    if get_name(_NAME_SAM_COMPATIBLE, buffer, wintypes.ULONG(len(buffer))):
        return buffer.value
    return "an account without a name"


def disinherit(handle: int) -> None:
    """Let no child inherit *handle*, nor the other handle to the same object, if there is one.

    The python.exe of a virtual environment hands its own inheritable handles on, and a duplicate of
    STDIN besides, so that the original is there too, under a number that nobody tells us. Before
    Windows 10 handles cannot be compared; there the original is left as it is.
    """
    os.set_handle_inheritable(handle, False)
    if sys.prefix == sys.base_prefix:
        return
    try:
        same = ctypes.WinDLL("kernelbase").CompareObjectHandles
    except AttributeError:
        return
    same.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    same.restype = wintypes.BOOL
    for other in range(_HANDLE_STEP, _MAX_HANDLE, _HANDLE_STEP):
        if other != handle and same(handle, other):
            os.set_handle_inheritable(other, False)
            return
