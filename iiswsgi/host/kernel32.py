"""What the stand-in needs of kernel32, as a host that starts processes and signals to them."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

from iiswsgi import win32

if sys.platform != "win32":
    raise ImportError("iiswsgi.host.kernel32 needs Windows")

__all__ = ["Job", "flush_file_buffers", "resume_thread", "set_event"]

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

_KILL_ON_JOB_CLOSE = 0x2000
_EXTENDED_LIMIT_INFORMATION = 9


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION; what is not used here stands for its size only."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("MemoryLimits", ctypes.c_size_t * 4),
    )


_set_event = win32.declare("SetEvent", wintypes.HANDLE)
_flush_file_buffers = win32.declare("FlushFileBuffers", wintypes.HANDLE)
_set_job_information = win32.declare(
    "SetInformationJobObject", wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD
)
_assign_to_job = win32.declare("AssignProcessToJobObject", wintypes.HANDLE, wintypes.HANDLE)
_create_job = _kernel32.CreateJobObjectW
_create_job.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
_create_job.restype = wintypes.HANDLE
_resume_thread = _kernel32.ResumeThread
_resume_thread.argtypes = (wintypes.HANDLE,)
_resume_thread.restype = wintypes.DWORD


def set_event(handle: int) -> None:
    """Set an event, for everybody who waits or will wait."""
    if not _set_event(handle):
        raise win32.last_error()


def flush_file_buffers(handle: int) -> None:
    """Wait until the other end of a pipe has read everything."""
    if not _flush_file_buffers(handle):
        raise win32.last_error()


def resume_thread(handle: int) -> None:
    """Let a thread run that was created suspended."""
    if _resume_thread(handle) == 0xFFFFFFFF:
        raise win32.last_error()


class Job:
    """Processes, and those they start, that end when the job is closed."""

    def __init__(self) -> None:
        handle = _create_job(None, None)
        if not handle:
            raise win32.last_error()
        self._handle = int(handle)
        limits = _ExtendedLimits(LimitFlags=_KILL_ON_JOB_CLOSE)
        reference, size = ctypes.byref(limits), ctypes.sizeof(limits)
        if not _set_job_information(self._handle, _EXTENDED_LIMIT_INFORMATION, reference, size):
            raise win32.last_error()

    def assign(self, process: int) -> None:
        """Add a process by its handle."""
        if not _assign_to_job(self._handle, process):
            raise win32.last_error()

    def close(self) -> None:
        """End every process in it; a second call does nothing."""
        if self._handle != -1:
            win32.close_handle(self._handle)
            self._handle = -1
