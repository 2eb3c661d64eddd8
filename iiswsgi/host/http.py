"""HTTP in front of a site: waitress takes the requests and sends the responses.

A response that a worker breaks off reaches the client broken: the last chunk, or the promised
bytes, never come. Request bodies are complete before the worker sees them (waitress keeps large
ones in a temporary file), which is why a chunked upload needs a flag to be told from another.
"""

from __future__ import annotations

import logging
import socket
import struct
import sys
from typing import Any

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from iiswsgi import __version__
from iiswsgi.errors import SettingError
from iiswsgi.host.application import (
    CHUNKED,
    LOCAL_ADDR,
    LOCAL_PORT,
    BrokenOff,
    SiteApplication,
    is_loopback,
    page_headers,
    printable,
)
from iiswsgi.host.pages import Report, html_page
from iiswsgi.host.refusals import not_found
from iiswsgi.host.site import Site
from iiswsgi.masking import masked_line

__all__ = ["Server", "listen"]

log = logging.getLogger(__name__)

THREADS = 32
"""Requests in the works at once. Each is one thread that mostly waits; more wait in waitress, as
they would in http.sys. A web.config's maxInstances is rarely above a dozen."""

LAST_SECONDS = 5.0
"""What responses still under way get to be finished once the workers have been ended."""


class _Task(WSGITask):  # type: ignore[misc]  # waitress carries no types
    """One request; tells the application what waitress keeps to itself, and can break off."""

    chunked_response: bool

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[CHUNKED] = self.request.chunked
        environ[LOCAL_ADDR], environ[LOCAL_PORT] = self.channel.socket.getsockname()[:2]
        return environ

    def execute(self) -> None:
        try:
            super().execute()
        except BrokenOff:
            self.close_on_finish = True
            if self.chunked_response:
                self.chunked_response = False  # the last chunk, which says "complete", stays out
            elif self.content_length is None:
                # HTTP/1.0 without a length: only a reset tells this end from a regular one.
                reset = struct.pack("ii" if sys.platform != "win32" else "hh", 1, 0)
                self.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    def finish(self) -> None:
        if self.request.command == "HEAD" and not self.wrote_header:
            self.write(b"")
            self.chunked_response = False
        super().finish()


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress carries no types
    """What waitress refuses itself, on the stand-in's own page."""

    def execute(self) -> None:
        error = self.request.error
        site = self.channel.server.application.site
        if isinstance(error, RequestEntityTooLarge):
            refusal = site.definition.request_filter.too_large("too many bytes")
            report = not_found(refusal.substatus, refusal.sentence, refusal.cure)
        else:
            # What waitress quotes behind it may be a header with a secret in it.
            sentence = error.body.partition('"')[0].rstrip() + "."
            report = Report(error.code, error.reason, error.reason, sentence)
        page = html_page(report, detailed=is_loopback(self.channel.addr[0]))
        first_line = getattr(self.request, "first_line", b"").decode("latin-1")
        log.info("%s -> %d: %s", printable(masked_line(first_line)), report.status, report.sentence)
        self.status = f"{report.status} {report.reason}"
        self.response_headers.extend(page_headers(page))
        self.set_close_on_finish()
        self.content_length = len(page)
        self.write(page)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress carries no types
    """A connection; one whose client sends no more, as ``nc -N``, still gets its answers.

    That it sends no more is no sign that it has left. That shows when a write fails, and costs
    nothing: waitress itself finds out in a write only.
    """

    task_class = _Task
    error_task_class = _ErrorTask
    _sends_no_more = False

    def readable(self) -> bool:
        return not (self._sends_no_more and self.requests) and bool(super().readable())

    def handle_read(self) -> None:
        self._sends_no_more = self._at_end()
        if not (self._sends_no_more and (self.requests or self.total_outbufs_len)):
            super().handle_read()

    def _at_end(self) -> bool:
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return False  # waitress finds it too


class Server:
    """waitress around a site, on a socket that listens."""

    def __init__(self, site: Site, listener: socket.socket) -> None:
        limit = site.definition.request_filter.max_content_length
        self._map: dict[int, Any] = {}
        self._stopping = False
        self._server = create_server(
            SiteApplication(site),
            map=self._map,
            sockets=[listener],
            threads=THREADS,
            ident=f"iiswsgi-host/{__version__}",
            # The worker gets every header, as from IIS.
            clear_untrusted_proxy_headers=False,
            # waitress refuses this many and more, IIS what is more.
            max_request_body_size=limit + 1,
            # Read on while a request runs: a client that left is then noticed at once.
            channel_request_lookahead=1,
            log_socket_errors=False,
        )
        self._server.channel_class = _Channel

    def run(self) -> None:
        """Serve until :meth:`stop`; then no connection is accepted any more."""
        while not self._stopping:
            wasyncore.loop(timeout=1, map=self._map, count=1)
        self._server.accepting = False

    def stop(self) -> None:
        """Make :meth:`run` return; may be called by a signal handler or another thread."""
        self._stopping = True
        self._server.pull_trigger()

    def close(self) -> None:
        """Let responses end for a moment, then close every connection."""
        self._server.task_dispatcher.shutdown(timeout=LAST_SECONDS)
        wasyncore.close_all(self._map)


def listen(bind: str) -> socket.socket:
    """Return a socket that listens on ``HOST:PORT``, ``[::1]:PORT`` or ``PORT``.

    :raises SettingError: H36 the text is no address, or nothing can listen there.
    """
    host, colon, port = bind.rpartition(":")
    host = host.strip("[]") if colon else "127.0.0.1"
    if not (port.isascii() and port.isdigit() and int(port) < 65536 and host):
        raise SettingError("H36", f"--bind {bind!r} is not HOST:PORT, such as 127.0.0.1:8080")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if sys.platform == "win32":
                # SO_REUSEADDR would let another program take the port over there.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as exc:
        raise SettingError(
            "H36", f"--bind {bind}: nothing can listen there: {exc.strerror}; take another port"
        ) from exc
    except UnicodeError as exc:  # an empty label, or one over 63 characters
        raise SettingError("H36", f"--bind {bind!r}: that is no name of a host") from exc
    return listener
