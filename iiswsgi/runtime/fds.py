"""File descriptors 0, 1 and 2, and keeping clear of them.

A process may be started with some of the three closed. On POSIX the next file or socket that is
opened then lands there, and somebody's ``print`` ends up in it. The C runtime of Windows reserves
the three for good, so that there is nothing to do.
"""

from __future__ import annotations

import os
import sys

__all__ = ["STANDARD", "is_open", "open_null", "plug", "private"]

STANDARD = (0, 1, 2)


def is_open(fd: int) -> bool:
    """Whether the descriptor leads anywhere."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def plug() -> None:
    """Put the null device on each of the three that is closed."""
    if sys.platform == "win32":
        return
    for fd in STANDARD:
        if not is_open(fd):
            # The lowest free number is taken, which is this one: those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def private(fd: int) -> int:
    """A duplicate above the three that no child inherits."""
    if sys.platform == "win32":
        return os.dup(fd)
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, len(STANDARD))


def open_null(flags: int = os.O_WRONLY) -> int:
    """The null device, above the three."""
    fd = os.open(os.devnull, flags)
    if fd not in STANDARD:
        return fd
    above = private(fd)
    os.close(fd)
    return above
