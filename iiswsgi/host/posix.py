"""Starting a worker on POSIX: a socket pair instead of the named pipe, SIGTERM for the event.

It proves records, order, draining and shutdown; of handles, overlapped I/O and the event's
ways it proves nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid

from iiswsgi.host import sockets
from iiswsgi.host.launch import Launch, split_arguments
from iiswsgi.host.modes import Modes
from iiswsgi.iis.config import FastCgiApplication

if sys.platform == "win32":
    raise ImportError("iiswsgi.host.posix needs POSIX")

__all__ = ["PosixProcess", "start"]

# The shell closes 1 and 2, which Popen cannot, and becomes the program. Doing it in Python
# between fork and exec is not safe in a process with threads. SIGTERM stands for an event, which
# waits until somebody looks at it: until the worker has a handler, it must not kill. The empty
# line says that from now on it does not.
_BECOME = 'trap "" TERM; echo; exec "$@" >&- 2>&-'


class PosixProcess:
    """See :class:`iiswsgi.host.channel.Process`."""

    notice = 1.0
    # An interpreter on its way out gives its signal handlers back at last, and then SIGTERM can
    # end what the event could not.

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._alone = False
        self.pid = popen.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._exit_code(self._popen.poll())

    def wait(self, timeout: float) -> int | None:
        """Its exit code, None if it still runs after *timeout* seconds."""
        try:
            return self._exit_code(self._popen.wait(timeout))
        except subprocess.TimeoutExpired:
            return None

    def _exit_code(self, code: int | None) -> int | None:
        """End what a worker that has left has started, as the job does on Windows.

        Once, and as soon as it is known: the number belongs to the worker's group while one of
        that lives, and nobody else gets it in the moment since then.
        """
        if code is not None and not self._alone:
            self._kill_group()
        return code

    def _kill_group(self) -> None:
        self._alone = True
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        """SIGTERM, to the worker alone."""
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, to the worker and what it started in its session."""
        if self.poll() is None:
            self._kill_group()
        self._popen.wait()

    def close(self) -> None:
        """Nothing is held besides the process."""


def start(
    launch: Launch, application: FastCgiApplication, modes: Modes
) -> tuple[PosixProcess, sockets.SocketChannel]:
    """Start a worker; its end of the connection is its file descriptor 0, 1 and 2 are closed.

    :raises OSError: there is no such program, or it may not be run.
    :raises ValueError: an environment variable that no process can have.
    """
    del modes  # those about starting are about Windows handles
    executable = _find(launch.executable)
    if application.protocol == "Tcp":
        with sockets.listen() as listener:
            process = _spawn(launch, executable, listener, ())
            return process, sockets.connect(listener)
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            name = (("_FCGI_X_PIPE_", rf"\\.\pipe\IISFCGI-{uuid.uuid4()}"),)
            return _spawn(launch, executable, theirs, name), sockets.SocketChannel(ours)
        except BaseException:
            ours.close()
            raise


def _find(executable: str) -> str:
    """The program's path; the shell would report these failures as exit codes only."""
    found = shutil.which(executable)
    if found is None:
        os.stat(executable)
        raise PermissionError(13, "it is no executable file", executable)
    return found


def _spawn(
    launch: Launch, executable: str, stdin: socket.socket, extra: tuple[tuple[str, str], ...]
) -> PosixProcess:
    arguments = split_arguments(launch.arguments)
    popen = subprocess.Popen(  # noqa: S603 - starting what is configured is its purpose
        ["/bin/sh", "-c", _BECOME, "sh", executable, *arguments],
        stdin=stdin.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=launch.current_directory,
        env=dict((*extra, *launch.environment)),
        start_new_session=True,
    )
    if popen.stdout is not None:
        popen.stdout.readline()
        popen.stdout.close()
    return PosixProcess(popen)
