"""Standard streams: the wire moved out of the application's reach, harmless ones in its place.

The web server hands the pipe or socket over as STDIN, often with nothing on STDOUT and STDERR. An
application that prints, reads its input or starts a program would break in upon the conversation,
or fail. So, before it is imported, the wire moves to a private descriptor or handle that no child
inherits, the null device takes its place, and the log that of the other two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import NamedTuple

from iiswsgi.errors import SettingError
from iiswsgi.runtime import fds
from iiswsgi.runtime.log import Log

__all__ = ["Inherited", "make_harmless", "read_inherited", "take_stdin"]

_PIPE_NAME = "_FCGI_X_PIPE_"
_EVENT = "_FCGI_SHUTDOWN_EVENT_"
_LAUNCHER = "__PYVENV_LAUNCHER__"
"""What the python.exe of a virtual environment tells the base interpreter; one may set it by hand
to save a process, and no other Python must see it."""


class Inherited(NamedTuple):
    """What the web server says in the environment."""

    pipe_name: str
    """The pipe's full name; empty when there is none."""
    shutdown_event: int | None
    """Number of the handle of the event that asks the process to stop; None when there is none."""
    event_text: str
    """The event as it came; not empty but no number when somebody else set the variable."""


def read_inherited(environ: MutableMapping[str, str] = os.environ) -> Inherited:
    """Take the web server's variables out of *environ*, so that no child believes them."""
    pipe_name = environ.get(_PIPE_NAME, "")
    event = environ.get(_EVENT, "")
    for name in [*environ]:
        if name.startswith("_FCGI_") or name == _LAUNCHER:
            del environ[name]
    # A handle's number has 32 bits even in a 64-bit process; 0 is never one.
    number = int(event) if event.isascii() and event.isdecimal() and len(event) < 11 else 0
    return Inherited(pipe_name, number if 0 < number < 1 << 32 else None, event)


def make_harmless(log: Log) -> None:
    """Put the null device on 0 and the log on 1 and 2, for Python, C code and child processes.

    :raises SettingError: S05, the null device cannot be opened.
    """
    try:
        null = fds.open_null(os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
    except OSError as error:
        raise SettingError(
            "S05", f"{os.devnull} cannot take the place of STDIN: {error}."
        ) from error
    log.attach(1)
    log.attach(2)
    if sys.platform == "win32":
        _tell_windows()
    stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - stays open
    for name, stream in (("stdin", stdin), ("stdout", log.stdout), ("stderr", log.stderr)):
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if sys.platform == "win32":
    import _winapi
    import msvcrt
    import socket

    from iiswsgi import win32

    def take_stdin(kind: str) -> int:
        """Duplicate STDIN to a private handle; call :func:`make_harmless` next.

        :param kind: ``"pipe"`` or ``"socket"``: Windows duplicates the two in different ways.
        :returns: the handle; for a socket, what ``socket.socket(fileno=...)`` takes.
        :raises SettingError: S04, it cannot be duplicated.
        """
        handle = msvcrt.get_osfhandle(0)
        try:
            win32.disinherit(handle)
            if kind == "socket":
                # Family and type are not asked for here: Wine cannot tell those of an inherited
                # socket, though it can those of the duplicate.
                original = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=handle)
                try:
                    return original.dup().detach()
                finally:
                    original.detach()  # the C runtime closes it when 0 is replaced
            process = _winapi.GetCurrentProcess()
            return _winapi.DuplicateHandle(
                process, handle, process, 0, False, _winapi.DUPLICATE_SAME_ACCESS
            )
        except OSError as error:
            raise SettingError("S04", f"STDIN cannot be duplicated: {error}.") from error

    def _tell_windows() -> None:
        """The C runtime tells Windows only in a console program, which pythonw.exe is not."""
        for fd in fds.STANDARD:
            handle = msvcrt.get_osfhandle(fd)
            os.set_handle_inheritable(handle, True)
            win32.set_std_handle(fd, handle)

else:

    def take_stdin(kind: str) -> int:
        """Duplicate STDIN to a private descriptor; call :func:`make_harmless` next.

        :param kind: ``"pipe"`` or ``"socket"``; on POSIX it makes no difference.
        :returns: the descriptor, not inheritable, above 2.
        :raises SettingError: S04, it cannot be duplicated.
        """
        del kind
        try:
            return fds.private(0)
        except OSError as error:
            raise SettingError("S04", f"STDIN cannot be duplicated: {error}.") from error
