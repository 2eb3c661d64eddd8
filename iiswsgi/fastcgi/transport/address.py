"""The addresses that a process listens on by itself, and what keeps it from having one."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat

from iiswsgi.errors import SettingError

__all__ = ["open_listener"]


def open_listener(address: tuple[str, int] | str) -> socket.socket:
    """Listen on (host, port) or on the path of a Unix socket.

    A path where a dead process left its socket is taken over; anything else there is left alone.

    :raises SettingError: the address cannot be had; says why.
    """
    try:
        if isinstance(address, str):
            return _listen_unix(address)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        return _listen(sock, address)
    except OSError as error:
        shown = f"unix:{address}" if isinstance(address, str) else "{}:{}".format(*address)
        sentence = f"listen = {shown} cannot be had ({error}){_reason(error)}"
        raise SettingError("S10", sentence) from error


def _reason(error: OSError) -> str:
    """What the system's words mean for an address to listen on; "" where they say it all."""
    if isinstance(error, socket.gaierror):
        return "; the host's name is not known here"
    reason = _REASONS.get(error.errno or 0)
    return f"; {reason}" if reason else ""


_REASONS = {
    errno.EADDRINUSE: "another process holds it",
    errno.EADDRNOTAVAIL: "it is not an address of this machine",
    errno.ENOENT: "the folder that the socket is to be in is not there",
    errno.ENOTDIR: "the folder that the socket is to be in is not there",
    # Windows says so too of ports that the system has set aside.
    errno.EACCES: "this account may not listen there",
}


def _listen(sock: socket.socket, address: tuple[str, int] | str) -> socket.socket:
    try:
        if os.name == "posix" and not isinstance(address, str):
            # On Windows the option would let two processes share the port unnoticed.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(socket.SOMAXCONN)
    except OSError:
        sock.close()
        raise
    return sock


def _listen_unix(path: str) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, "this Python has no Unix sockets")
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EEXIST, "there is something else at that path")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(path) == 0:
                raise OSError(errno.EADDRINUSE, "a living process answers there")
        os.unlink(path)
    return _listen(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)
