"""The gateway: FastCGI on one side, a WSGI application on the other.

``IISWSGIServer`` joins the rooms ``fastcgi`` and ``wsgi``; the process around it is made by others.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from flup.server import fcgi_base

from iiswsgi.errors import BadRequest, ClientDisconnected, Error, ExitStatus, RequestTooLarge
from iiswsgi.fastcgi.connection import GatewayConnection
from iiswsgi.fastcgi.protocol import ProtocolStatus, Role
from iiswsgi.fastcgi.request import BrokenOff, GatewayRequest
from iiswsgi.runtime import running
from iiswsgi.runtime.logstream import settle
from iiswsgi.runtime.settings import Settings
from iiswsgi.runtime.watchdog import Watchdog
from iiswsgi.wsgi.call import Outcome, call, refuse, tell_departure
from iiswsgi.wsgi.environ import make_environ
from iiswsgi.wsgi.errorpage import ErrorPage
from iiswsgi.wsgi.filewrapper import FileWrapper
from iiswsgi.wsgi.reply import request_name
from iiswsgi.wsgi.unstated import came_in_chunks, takes_whole, tell_unread

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from iiswsgi.extras import Extras
    from iiswsgi.fastcgi.transport.base import Transport
    from iiswsgi.runtime.shutdown import Shutdown
    from iiswsgi.wsgi.reply import Response

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

__all__ = ["IISWSGIServer"]

log = logging.getLogger(__name__)


class IISWSGIServer(fcgi_base.BaseFCGIServer):
    """Serves one WSGI application over FastCGI, with flup's Connection and Request underneath.

    :param errors: text stream for ``wsgi.errors``.
    :param log_path: where the log is, for the pages that say so.
    """

    request_class = GatewayRequest
    ending = staticmethod(running.ending)
    """The last bytes of this thread's request are about to leave."""
    ended = staticmethod(running.end)
    """The request of this thread is through, to its last byte."""

    def __init__(
        self,
        application: Application,
        settings: Settings | None = None,
        *,
        shutdown: Shutdown,
        errors: TextIO,
        log_path: str | None = None,
    ) -> None:
        settings = settings or Settings()
        # flup's constructor asks the module resource for a number that is not used. Windows has
        # none: one of the application's, or a mere folder of images, would be taken for it.
        self.application, self.roles = application, (Role.RESPONDER,)
        self._connectionClass = GatewayConnection
        self.settings = settings
        self.shutdown = shutdown
        self.spool_limit = settings.spool_limit
        self.max_request_body = settings.max_request_body
        self.max_params = settings.max_params
        self.max_params_bytes = settings.max_params_bytes
        self._errors = errors
        self._pages = ErrorPage(log_path, settings.expose_tracebacks)
        self.watchdog = Watchdog(settings.hang_report)
        self.extras: Extras | None = None
        """What settings ask for beyond the answer, unless they ask for nothing."""
        if settings.stderr_records or settings.access_log or settings.trace_records:
            from iiswsgi.extras import Extras  # others need not wait for it at their start

            self.extras = Extras(settings, errors)
        self._slots: threading.Semaphore | None = None
        self._set_concurrency(1, 1)

    def _set_concurrency(self, connections: int, threads: int) -> None:
        self.capability = {
            fcgi_base.FCGI_MAX_CONNS: connections,
            fcgi_base.FCGI_MAX_REQS: threads,
            fcgi_base.FCGI_MPXS_CONNS: 0,
        }
        self._static_environ = {
            "wsgi.errors": self._errors,
            "wsgi.multithread": threads > 1,
            # The web server starts as many processes as it likes.
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
        }

    def serve_connection(self, transport: Transport) -> Error | None:
        """Serve one conversation to its end; what ended it, unless that was orderly."""
        connection: GatewayConnection = self._connectionClass(transport, None, self, 0)
        try:
            connection.run()
        finally:
            running.end()  # a request that was not finished
        return connection.failure

    def serve_listener(
        self, sock: socket.socket, allowed: frozenset[str] | None = None
    ) -> ExitStatus:
        """Serve all connections to a listening socket until the shutdown.

        :param allowed: the addresses that may connect, None for any.
        """
        # Not needed on IIS's pipe, so not part of its start.
        from iiswsgi.fastcgi.transport.descriptors import connections_within
        from iiswsgi.fastcgi.transport.listener import Listener
        from iiswsgi.fastcgi.transport.slots import SlottedTransport

        settings = self.settings
        connections = connections_within(settings.connection_limit, settings.threads)
        self._set_concurrency(connections, settings.threads)
        slots = self._slots = threading.Semaphore(settings.threads)
        listener = Listener(
            sock,
            self.shutdown,
            lambda transport: self.serve_connection(
                SlottedTransport(transport, slots, shares=settings.threads > 1)
            ),
            connection_limit=connections,
            timeout=settings.channel_timeout,
            min_rate=settings.min_rate,
            graceful_timeout=settings.graceful_timeout,
            allowed=allowed,
        )
        listener.run()
        if left := listener.join():
            log.warning(
                "IISWSGI-S13: %d requests still ran %g seconds after the end was asked for "
                "(graceful_timeout); they are abandoned",
                left,
                settings.graceful_timeout,
            )
        return ExitStatus.OK

    def handler(self, req: GatewayRequest) -> tuple[int, int]:
        """Answer one request, as flup's Request asks for it.

        :returns: protocol status and application status for END_REQUEST.
        :raises BrokenOff: the response must not be taken for complete.
        """
        running.begin(req.params)
        response = req.stdout if self.extras is None else self.extras.begin(req)
        if req.role not in self.roles:
            log.warning("IISWSGI-P08: role %d was asked for; only RESPONDER is served", req.role)
            return ProtocolStatus.UNKNOWN_ROLE, 0
        if self._slots is None:
            outcome = self._served(req, response)
        else:
            if not self._static_environ["wsgi.multithread"]:
                # One call at a time is the rule, so none may begin that would wait for its body.
                self._take_body(req)
            with req.transport:
                outcome = self._served(req, response)
        if outcome is not Outcome.COMPLETE:
            self._heed(outcome, req)
        settle()
        if self.extras is not None:
            self.extras.finish(req)
        return ProtocolStatus.REQUEST_COMPLETE, 0

    def _take_body(self, req: GatewayRequest) -> None:
        """Take all of the body, before the application is called.

        :raises ClientDisconnected: the client has left.
        """
        try:
            req.stdin.drain()
        except ClientDisconnected as error:
            tell_departure(request_name(req.params), error)
            req.departure_told = True
            raise

    def _heed(self, outcome: Outcome, req: GatewayRequest) -> None:
        """Do what a call that did not end well asks for."""
        if outcome is Outcome.GONE:
            req.departure_told = True
        if outcome is Outcome.SHORT and self._slots is not None:
            # To break a connection off is cheap; on the one pipe the process would end with it.
            req.stdout.flush()
            raise BrokenOff
        if outcome is Outcome.BROKEN:
            raise BrokenOff

    def _served(self, req: GatewayRequest, response: Response) -> Outcome:
        if req.refusal:
            error = RequestTooLarge("P04", req.refusal)
            status = "431 Request Header Fields Too Large"
            return refuse(error, _UNREAD, response, error_page=self._pages, status=status)
        unstated = False
        try:
            environ = make_environ(req.params, script_name=self.settings.script_name)
            if "CONTENT_LENGTH" not in environ:
                unstated = self._is_unstated(environ, req)
            elif self.max_request_body:
                self._check_length(environ, req)
        except (BadRequest, RequestTooLarge) as error:
            return refuse(error, req.params, response, error_page=self._pages)
        environ.update(self._static_environ)
        environ["wsgi.input"] = req.stdin.watched_reader() if unstated else req.stdin.reader()
        if self.extras is not None:
            self.extras.dress(environ, response, req)
        outcome = call(
            self.application,
            environ,
            response,
            error_page=self._pages,
            variables=req.params,
            max_header_bytes=self.settings.max_header_bytes,
        )
        if unstated and req.stdin.size and not req.stdin.was_read:
            tell_unread(req.params)
        return outcome

    def _is_unstated(self, environ: dict[str, Any], req: GatewayRequest) -> bool:
        """Whether the application may get a body whose length it is not told.

        If that must not be, it is taken first; see ``spool_limit`` for where it is meanwhile.

        :raises RequestTooLarge: it is larger than the limit.
        """
        body, in_chunks = req.stdin, came_in_chunks(req.params)
        if body.complete and not body.size and not in_chunks:
            return False
        if not takes_whole(self.settings.chunked_bodies):
            return True
        body.drain()
        body.check_size()
        if body.size or in_chunks:
            environ["CONTENT_LENGTH"] = str(body.size)
        return False

    def _check_length(self, environ: dict[str, Any], req: GatewayRequest) -> None:
        """Refuse at once what is stated to be too large; the rest is counted as it comes."""
        length = environ["CONTENT_LENGTH"]
        if length and int(length) > self.max_request_body:
            req.stdin.refuse()
            raise RequestTooLarge(
                "W20",
                f"the request body of {length} bytes is larger than max_request_body, "
                f"{self.max_request_body}",
            )


_UNREAD = {"HTTP_ACCEPT": "text/html"}
"""What is taken for the variables of a request that has too many of them: who gathers cookies until
they are too large is a browser, and those show plain text too small on a telephone."""
