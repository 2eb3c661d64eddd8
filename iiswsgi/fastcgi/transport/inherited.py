"""What fd 0 is, and how to get hold of it.

The FastCGI specification (section 2.2) puts the channel on descriptor 0. IIS puts a connected
named pipe there, other servers a listening socket, the stand-in on POSIX a connected one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
from enum import Enum

__all__ = ["Kind", "classify", "socket_kind"]


class Kind(Enum):
    """What was inherited as STDIN."""

    PIPE = "a named pipe"
    SOCKET = "a connected stream socket"
    LISTENER = "a listening socket"
    OTHER = "no FastCGI channel"


def classify(descriptor: int = 0) -> Kind:
    """What *descriptor* is; closed, a terminal, a file or a one-way pipe are all OTHER."""
    if sys.platform == "win32":
        return _classify_handle(descriptor)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return Kind.OTHER
    except OSError:
        return Kind.OTHER
    with contextlib.closing(socket.socket(fileno=os.dup(descriptor))) as sock:
        return socket_kind(sock)


def socket_kind(sock: socket.socket) -> Kind:
    """Whether *sock* listens, is connected, or is of no use."""
    try:
        if sock.type != socket.SOCK_STREAM:
            return Kind.OTHER
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return Kind.LISTENER
        sock.getpeername()
    except OSError:
        return Kind.OTHER
    return Kind.SOCKET


if sys.platform == "win32":
    import _winapi
    import msvcrt

    from iiswsgi import win32

    def _classify_handle(descriptor: int) -> Kind:
        try:
            handle = msvcrt.get_osfhandle(descriptor)
            # Pipes and sockets have the same file type.
            if _winapi.GetFileType(handle) != _winapi.FILE_TYPE_PIPE:
                return Kind.OTHER
        except OSError:
            return Kind.OTHER
        if win32.pipe_is_duplex(handle):
            return Kind.PIPE
        # Wine can tell nothing of an inherited socket, but everything of its duplicate.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=handle)
        try:
            with contextlib.closing(sock.dup()) as duplicate:
                return socket_kind(duplicate)
        except OSError:
            return Kind.OTHER
        finally:
            sock.detach()
