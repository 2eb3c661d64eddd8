"""A listening socket: opened here, or inherited; each connection is served in a thread.

Threads wait cheaply for the next request on their connection; how many requests *run* at once is
another number (:class:`Listener`'s user sees to it), so that web servers which keep idle
connections open starve nobody.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable

from iiswsgi.errors import SettingError
from iiswsgi.fastcgi.transport.accepted import AcceptedTransport
from iiswsgi.fastcgi.transport.base import StopSignal
from iiswsgi.fastcgi.transport.sockets import close_in_children, make_waiter

__all__ = ["Listener", "open_listener"]

log = logging.getLogger(__name__)

_IDLE = 1.0
"""Seconds after which a connection without a request may be ended for one that has none yet. A web
server that just connected sends its request at once."""

_STALLED = 10.0
"""Seconds after which a request whose peer sends or takes nothing may be ended for a connection
that waits, when no idle one is left. Web servers give up waiting for a connection after 60."""

_PLACE_PAUSE = 0.5
"""Seconds to wait for a connection to end before looking whether to stop instead."""

_ACCEPT_PAUSE = 0.1
"""Seconds before accepting is tried again when the process has no descriptors left."""


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


class Listener:
    """Accepts connections until a stop is requested and gives each to *serve* in a thread.

    :param connection_limit: connections held at once; for a further one, that which has been idle
        longest is ended, else the request that has stalled longest, else it waits.
    :param timeout: seconds a peer may be silent or take nothing; 0 for ever.
    """

    def __init__(
        self,
        sock: socket.socket,
        stop: StopSignal,
        serve: Callable[[AcceptedTransport], object],
        *,
        connection_limit: int,
        timeout: float,
    ) -> None:
        self._socket = sock
        self._stop = stop
        self._serve = serve
        self._timeout = timeout or None
        self._limit = connection_limit
        self._places = threading.BoundedSemaphore(connection_limit)
        self._threads: set[threading.Thread] = set()
        self._transports: set[AcceptedTransport] = set()
        self._leaving: AcceptedTransport | None = None

    def run(self) -> None:
        """Accept until the stop; connections already queued at that moment are still accepted.

        Then the socket is closed: who comes later is refused and can turn elsewhere, where the
        system would let him wait for running requests, only to be dropped.
        """
        # A listener is shared between processes: who loses the race for a connection must not
        # block in accept().
        self._socket.settimeout(0)
        close_in_children(self._socket)
        wait = make_waiter(self._socket, self._stop)
        with self._socket:
            while wait(0 if self._stop.requested else None) or not self._stop.requested:
                if self._take_place():
                    if not self._accept():
                        self._places.release()
                elif self._stop.requested:
                    break

    def join(self, timeout: float) -> int:
        """Wait for the running connections; how many are still there after *timeout* seconds."""
        end = time.monotonic() + timeout
        for thread in list(self._threads):
            thread.join(max(0.0, end - time.monotonic()))
        return len(self._threads)

    def _take_place(self) -> bool:
        if self._places.acquire(blocking=False):
            return True
        self._make_room()
        return self._places.acquire(timeout=_PLACE_PAUSE)

    def _make_room(self) -> None:
        """End the connection that does nothing with its place, so that the next one gets it."""
        if self._leaving in self._transports:
            return
        now = time.monotonic()
        waited = [(*transport.waited(now), transport) for transport in self._transports.copy()]
        useless = [each for each in waited if each[1] >= (_IDLE if each[0] else _STALLED)]
        if not useless:
            return
        idle, seconds, transport = max(useless, key=lambda each: each[:2])
        if not transport.give_up(_STALLED):
            return
        self._leaving = transport
        # Told afterwards: the log can take its time, and the request may go on meanwhile.
        log.warning(
            "IISWSGI-P15: connection_limit = %d is reached, and another connection waits: %s, %s "
            "for %.0f seconds, is ended.",
            self._limit,
            transport.name,
            "idle" if idle else "in the middle of a request, but silent",
            seconds,
        )

    def _accept(self) -> bool:
        try:
            sock, address = self._socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                log.error("IISWSGI-P14: no connection can be accepted for now: %s", error)
                time.sleep(_ACCEPT_PAUSE)
            return False
        name = f"the connection from {address or 'a local peer'}"
        thread = threading.Thread(target=self._run, args=(sock, name), name=name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            log.error("IISWSGI-P14: no connection can be served for now: %s", error)
            self._threads.discard(thread)
            sock.close()
            time.sleep(_ACCEPT_PAUSE)
            return False
        return True

    def _run(self, sock: socket.socket, name: str) -> None:
        transport = AcceptedTransport(sock, self._stop, name, self._timeout)
        self._transports.add(transport)
        try:
            self._serve(transport)
        finally:
            self._transports.discard(transport)
            sock.close()
            self._threads.discard(threading.current_thread())
            self._places.release()
