"""Starting a worker as IIS does: a named pipe as STDIN, invalid STDOUT and STDERR; Windows only.

Order and flags are those of the project's notes on IIS (iis-fastcgi, section 13, steps 1 to 6).
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
import uuid

from iiswsgi import win32
from iiswsgi.host import kernel32, pipe, sockets
from iiswsgi.host.channel import Channel
from iiswsgi.host.launch import Launch
from iiswsgi.host.modes import Modes
from iiswsgi.iis.config import FastCgiApplication

if sys.platform != "win32":
    raise ImportError("iiswsgi.host.windows needs Windows")

import _winapi

__all__ = ["WindowsProcess", "start"]

_CREATE_SUSPENDED = 0x4
_CREATE_UNICODE_ENVIRONMENT = 0x400

_LONGEST_WAIT = _winapi.INFINITE - 1
# Milliseconds, 49 days; a web.config may ask for more seconds than that.


class WindowsProcess:
    """See :class:`iiswsgi.host.channel.Process`."""

    notice = 0.0

    def __init__(self, handle: int, pid: int, job: kernel32.Job, event: int | None) -> None:
        self._handle = handle
        self._job = job
        self._event = event
        self._lock = threading.Lock()
        self._exit_code: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self.wait(0)

    def wait(self, timeout: float) -> int | None:
        """Its exit code, None if it still runs after *timeout* seconds."""
        if self._exit_code is None:
            milliseconds = min(math.ceil(timeout * 1000), _LONGEST_WAIT)
            state = _winapi.WaitForSingleObject(self._handle, milliseconds)
            if state == _winapi.WAIT_OBJECT_0:
                self._exit_code = _winapi.GetExitCodeProcess(self._handle)
        return self._exit_code

    def ask_to_stop(self) -> None:
        """Set the shutdown event."""
        with self._lock:
            if self._event is not None:
                kernel32.set_event(self._event)

    def kill(self) -> None:
        """TerminateProcess with exit code 0; then the job ends what it started."""
        with self._lock:
            if self._handle != -1 and self.poll() is None:
                _winapi.TerminateProcess(self._handle, 0)
            self._job.close()

    def close(self) -> None:
        """Close the handles; nobody waits for the process any more."""
        with self._lock:
            self.poll()
            self._job.close()
            if self._event is not None:
                _winapi.CloseHandle(self._event)
                self._event = None
            if self._handle != -1:
                _winapi.CloseHandle(self._handle)
                self._handle = -1


def start(
    launch: Launch, application: FastCgiApplication, modes: Modes
) -> tuple[WindowsProcess, Channel]:
    """Start a worker and connect to it.

    :raises OSError: there is no such program, or it cannot be run.
    :raises ValueError: an environment variable that no process can have.
    """
    event = win32.create_event() if application.signal_before_terminate_seconds else None
    try:
        if application.protocol == "Tcp":
            return _start_tcp(launch, event)
        return _start_pipe(launch, event, modes)
    except BaseException:
        if event is not None:
            _winapi.CloseHandle(event)
        raise


def _start_pipe(launch: Launch, event: int | None, modes: Modes) -> tuple[WindowsProcess, Channel]:
    name = rf"\\.\pipe\IISFCGI-{uuid.uuid4()}"
    server_end = pipe.create_server_end(name, overlapped=not modes.synchronous_handle)
    client_end = None
    try:
        if not modes.late_connect:
            client_end = pipe.open_client_end(name)
        process = _spawn(launch, server_end, event, (("_FCGI_X_PIPE_", name),))
        if client_end is None:
            time.sleep(modes.late_connect)
            client_end = pipe.open_client_end(name)
    except BaseException:
        if client_end is not None:
            _winapi.CloseHandle(client_end)
        raise
    finally:
        # Unless the host's copy is closed, the end of the worker would not end the pipe.
        _winapi.CloseHandle(server_end)
    return process, pipe.PipeChannel(client_end)


def _start_tcp(launch: Launch, event: int | None) -> tuple[WindowsProcess, Channel]:
    with sockets.listen() as listener:
        process = _spawn(launch, listener.fileno(), event, ())
        return process, sockets.connect(listener)


def _spawn(
    launch: Launch, stdin: int, event: int | None, extra: tuple[tuple[str, str], ...]
) -> WindowsProcess:
    handles = [stdin] if event is None else [stdin, event]
    for handle in handles:
        os.set_handle_inheritable(handle, True)
    if event is not None:
        extra = (("_FCGI_SHUTDOWN_EVENT_", str(event)), *extra)
    # subprocess.Popen cannot hand over invalid handles; it replaces them.
    startup = subprocess.STARTUPINFO(
        dwFlags=subprocess.STARTF_USESTDHANDLES,
        hStdInput=stdin,
        hStdOutput=_winapi.INVALID_HANDLE_VALUE,
        hStdError=_winapi.INVALID_HANDLE_VALUE,
        lpAttributeList={"handle_list": handles},
    )
    job = kernel32.Job()
    try:
        process, thread, pid, _ = _winapi.CreateProcess(
            launch.executable,
            launch.command_line,
            None,
            None,
            True,
            subprocess.DETACHED_PROCESS | _CREATE_SUSPENDED | _CREATE_UNICODE_ENVIRONMENT,
            dict((*extra, *launch.environment)),
            launch.current_directory,
            startup,
        )
    except BaseException:
        job.close()
        raise
    job.assign(process)
    kernel32.resume_thread(thread)
    _winapi.CloseHandle(thread)
    return WindowsProcess(process, pid, job, event)
