"""flup's Request and OutputStream made ours: one request, and the response on its way out.

How the records travel is :mod:`.connection`'s business; what they say is the server's.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from flup.server import fcgi_base

from iiswsgi.errors import ClientDisconnected, Error, ExitStatus, RequestTooLarge
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import ProtocolStatus, RecordType, Role

if TYPE_CHECKING:
    from iiswsgi.fastcgi.connection import GatewayConnection

__all__ = ["GATHER_SIZE", "LOOK_INTERVAL", "BrokenOff", "GatewayRequest", "ResponseStream"]

GATHER_SIZE = 65536
"""Bytes of a response that are gathered before they are sent unasked.

One receive of the same size on the other side; more would only hold back what is ready.
"""

LOOK_INTERVAL = 0.1
"""Seconds between looks, while a response is sent, whether the web server has given it up: often
enough for responses without end, and of no weight in a large one."""

_STDOUT = int(RecordType.STDOUT)

_WITH_STDIN = (int(Role.RESPONDER), int(Role.FILTER))
"""Roles whose requests have a body to wait for; an authorizer's ends with PARAMS (section 6.3)."""


class BrokenOff(Error):
    """A response failed after its first byte; the connection ends without END_REQUEST."""

    exit_status = ExitStatus.BROKEN_OFF

    def __init__(self) -> None:
        super().__init__("W21", "a response was broken off; the connection is closed")


class ResponseStream(fcgi_base.OutputStream):
    """STDOUT of one request: the head, the body, and their way into records.

    It holds back until asked to flush or until :data:`GATHER_SIZE`, so that a small response and
    its END_REQUEST leave in one write.
    """

    def head(self, status: str, headers: list[tuple[str, str]]) -> None:
        """See :class:`iiswsgi.wsgi.call.Response`. ``Status`` is always sent (RFC 3875, 6.3.3).

        :raises RequestTooLarge: the application got no whole body, and answers as if it had.
        """
        stdin = self._req.stdin
        if not stdin.complete:
            stdin.drain()
        if stdin.refused and not status.startswith("413"):
            stdin.check_size()
        lines = [f"Status: {status}", *map(": ".join, headers), "\r\n"]
        self.body("\r\n".join(lines).encode("latin-1"))

    def body(self, chunk: bytes) -> None:
        """See :class:`iiswsgi.wsgi.call.Response`."""
        full = self._gathered + len(chunk) >= GATHER_SIZE
        if full:  # what is gathered, however small its pieces, fits in one record
            self._write(self._bufList)
        self._bufList.append(chunk)
        self.dataWritten = True
        self._gathered += len(chunk)
        if full:
            self.flush()

    def flush(self) -> None:
        """See :class:`iiswsgi.wsgi.call.Response`; now and then, look for ABORT_REQUEST too."""
        self._write(self._bufList)
        self._conn.flush()
        now = time.monotonic()
        if not self._look_at:
            self._look_at = now + LOOK_INTERVAL
        elif now >= self._look_at:
            self._look_at = now + LOOK_INTERVAL
            self._req.look_for_abort()

    def forget_body(self) -> None:
        """See :class:`iiswsgi.wsgi.call.Response`."""
        self._req.stdin.discard()

    def check(self) -> None:
        """See :class:`iiswsgi.wsgi.call.Response`."""
        self._req.stdin.check()
        self._conn.check()

    def close(self) -> None:
        """Take no more; what is gathered, and the stream's end, leave with END_REQUEST."""
        self._write(self._bufList)
        self.closed = True

    _gathered = 0
    _look_at = 0.0

    def _write(self, data: list[bytes]) -> None:
        """Records for *data*, which is emptied: one if it all fits, else as many as needed."""
        if not data:
            return
        request_id = self._req.requestId
        if self._gathered <= protocol.MAX_CONTENT:
            header = protocol.encode_header(self._type, request_id, self._gathered)
            self._conn.write_pieces((header, *data))
        else:
            for piece in data:
                self._conn.write_pieces(protocol.split_content(self._type, request_id, piece))
        data.clear()
        self._gathered = 0


class ErrorRecords(fcgi_base.OutputStream):
    """STDERR of one request; what is written leaves with END_REQUEST."""

    def write(self, data: bytes) -> None:
        """Take some text; none once the request is over, which threads of it may outlive."""
        if not self.closed:
            super().write(data)

    def _write(self, data: bytes) -> None:
        self._conn.write_pieces(protocol.split_content(self._type, self._req.requestId, data))


class GatewayRequest(fcgi_base.Request):
    """One request, from BEGIN_REQUEST to END_REQUEST."""

    started = False
    """Whether its server variables are complete."""
    refusal = ""
    """Why it is not passed on to the application, if so."""
    departure_told = False
    """Whether the log knows already that its client has left."""
    aborted = False
    _params_size = 0
    _hears = True

    def __init__(self, conn: GatewayConnection, input_stream_class: Any, timeout: int) -> None:
        # flup's constructor makes five streams, of which a responder that keeps FCGI_STDERR silent
        # needs two; it is not called.
        self._conn = conn
        self._timeout = timeout
        self.server = conn.server
        self.params: dict[str, str] = {}
        self.stdin = input_stream_class(conn.source)
        self.stdout: ResponseStream = ResponseStream(conn, self, _STDOUT)
        self._params_data: list[bytes] = []

    def add_params(self, content: bytes, limit: int) -> None:
        """Keep PARAMS up to *limit* bytes; beyond it the request is refused and nothing kept."""
        self._params_size += len(content)
        if self._params_size > limit:
            self.refusal = f"the server variables are more than max_params_bytes, {limit} bytes"
            self._params_data.clear()
        else:
            self._params_data.append(content)

    def end_params(self, limit: int) -> None:
        """Decode PARAMS over the whole stream, however it was cut into records.

        See :meth:`decode_params`.
        """
        data = b"".join(self._params_data)
        self._params_data.clear()
        self.decode_params(data, limit)

    def decode_params(self, data: bytes, limit: int) -> None:
        """Decode the whole stream of PARAMS.

        :param limit: number of variables; with more the request is refused.
        :raises ProtocolError: they end within a pair.
        """
        self.started = True
        if self.role not in _WITH_STDIN:
            self.stdin.complete = True  # else the end may have come before, which is odd but legal
        try:
            self.params = self._conn.pairs.decode(data, limit)
        except RequestTooLarge as error:
            self.refusal = error.sentence

    def run(self) -> None:
        """Serve the request and end it.

        :raises BrokenOff: the response cannot be finished and must not look whole.
        """
        stdin = self.stdin
        try:
            protocol_status, app_status = self.server.handler(self)
            if stdin.aborted or not stdin.complete:
                stdin.finish()
        except ClientDisconnected:
            if not stdin.aborted:
                raise
            protocol_status, app_status = ProtocolStatus.REQUEST_COMPLETE, 1
        finally:
            if stdin.size or not stdin.complete:
                stdin.discard()
        self._flush()
        self.server.ending()
        self._conn.end_request(self, app_status, protocol_status)
        self.server.ended()

    def look_for_abort(self) -> None:
        """Hear of an ABORT_REQUEST that has come, without waiting, and do what else has come.

        What precedes it may be a stray record of this request, or what is no business of it.

        :raises ClientDisconnected: the web server has given the request up, or sent no FastCGI.
        """
        decoder, transport = self._conn.decoder, self.transport
        while not decoder.has_record() and self._hears and transport.has_data():
            data = transport.receive()
            self._hears = bool(data)  # else it will say no more, but may still listen
            decoder.feed(data)
        while decoder.has_record():
            self._conn.pull()
            self.stdin.check()

    @property
    def transport(self) -> Any:
        """What carries the conversation."""
        return self._conn._sock

    @functools.cached_property
    def stderr(self) -> Any:
        """FCGI_STDERR, made when somebody wants it."""
        return ErrorRecords(self._conn, self, RecordType.STDERR, buffered=True)

    def send_stderr(self, contents: list[bytes]) -> None:
        """Send FCGI_STDERR behind the response, each of *contents* in a record of its own.

        They leave with END_REQUEST.
        """
        self.stdout.close()
        # The empty record is the stream's end (section 3.3); a stream without content needs none.
        for content in [*contents, b""] if contents else ():
            self._conn.write_record(RecordType.STDERR, self.requestId, content)

    def _flush(self) -> None:
        self.stdout.close()
        if "stderr" in self.__dict__:
            self.stderr.close()
            self.stderr.closed = True
