"""flup's Connection with the I/O replaced: one method a record type.

Kept from flup: its objects, what they know of each other, and the bookkeeping in ``_requests`` and
``_start_request``. Its choke points are overridden: every byte comes in through ``process_input``,
every record goes out through ``writeRecord`` or ``end_request``. Its spelling stays in here.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

from flup.server import fcgi_base

from iiswsgi.errors import ClientDisconnected, ProtocolError
from iiswsgi.fastcgi import protocol, streams
from iiswsgi.fastcgi.outgoing import Outgoing
from iiswsgi.fastcgi.protocol import ProtocolStatus, Record, RecordType
from iiswsgi.fastcgi.recurring import PairsDecoder
from iiswsgi.fastcgi.request import BrokenOff, GatewayRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from iiswsgi.fastcgi.transport.base import Transport

__all__ = ["GatewayConnection"]

log = logging.getLogger(__name__)


class GatewayConnection(Outgoing, fcgi_base.Connection):
    """One conversation with a web server, over any transport.

    ``failure`` says after :meth:`run` what ended it, or is None for an orderly end.
    """

    def __init__(self, transport: Transport, address: Any, server: Any, timeout: int = 0) -> None:
        Outgoing.__init__(self, transport)
        fcgi_base.Connection.__init__(self, transport, address, server, timeout)
        self.decoder = protocol.Decoder()
        self.pairs = PairsDecoder()
        self.source = streams.Source(
            self.pull,
            threading.Lock(),
            server.spool_limit,
            server.max_request_body,
            may_be_abandoned=transport.shows_break,
        )
        """Where the bodies of its requests come from."""
        handlers: dict[int, Callable[[Record], None]] = {
            RecordType.BEGIN_REQUEST: self._do_begin_request,
            RecordType.ABORT_REQUEST: self._do_abort_request,
            RecordType.PARAMS: self._do_params,
            RecordType.STDIN: self._do_stdin,
            RecordType.DATA: self._do_data,
            RecordType.GET_VALUES: self._do_get_values,
        }
        self._handler_of = handlers.get
        self._unread = False

    def run(self) -> None:
        """Serve until the peer or the process's end says so; never raises what the peer did."""
        self._keepGoing = True
        try:
            while self._keepGoing:
                self.process_input()
        except BrokenOff as error:
            self.failure = error
            self._spoil()
        except ProtocolError as error:
            self.failure = error
        except ClientDisconnected as error:
            told = any(request.departure_told for request in self._requests.values())
            if self.failure is None and not told:
                log.info("%s", error)
        finally:
            for request in self._requests.values():
                request.stdin.discard()
            self._requests.clear()
            self._cleanupSocket()
        if self.failure is not None:
            log.error("%s (on %s)", self.failure, self._sock.name)

    def _spoil(self) -> None:
        """Send what no web server takes for the end of a response.

        Without FCGI_KEEP_CONN nginx takes the mere close for it; a record that belongs in no
        response makes it break off too, and others are content with the missing END_REQUEST.
        """
        if self._sock.shows_break:
            with contextlib.suppress(ClientDisconnected):
                self._send(protocol.encode_record(RecordType.UNKNOWN_TYPE, 0, bytes(8)))

    _inputStreamClass = streams.RequestBody  # noqa: N815  # flup's name

    def pull(self) -> None:
        """Take one more record for the application, whose business malformed bytes are not.

        :raises ClientDisconnected: the conversation has ended.
        """
        if self.failure is None:
            try:
                self.process_input()
                return
            except ProtocolError as error:
                self.failure = error
        self.check()

    def process_input(self) -> None:
        """Take one record off the wire, or a whole request, and do what it says.

        :raises ClientDisconnected: the peer is gone in the middle of a request or a record.
        :raises ProtocolError: the bytes are no FastCGI, or say what may not be said now.
        """
        decoder = self.decoder
        while True:
            if decoder.pending:
                if not self._requests and (usual := decoder.usual_request()) is not None:
                    self._do_usual_request(*usual)
                    return
                record = decoder.next_record()
                if record is not None:
                    self._handler_of(record.type, self._do_unknown_type)(record)
                    return
            if not self._receive():
                return

    def _receive(self) -> bool:
        if self._gone:  # a peer that stalled until the time-out is not waited for again
            self.check()
        begun = bool(self.decoder.pending)
        data = self._sock.receive() if self._requests else self._sock.receive_idle(begun)
        if data:
            self.decoder.feed(data)
        elif not self._requests and not begun:
            self._keepGoing = False
        else:
            self._gone = True
            raise ClientDisconnected("P12", f"{self._sock.name} is gone in the middle of a request")
        return bool(data)

    def _cleanupSocket(self) -> None:  # noqa: N802  # flup's name
        self._sock.close(unread=self._unread)

    def writeRecord(self, rec: Any) -> None:  # noqa: N802  # flup's name
        """Take a record that flup made, and send all that was gathered with it.

        flup writes an orderly refusal's END_REQUEST and FCGI_STDERR this way.
        """
        self._out.append(protocol.encode_record(rec.type, rec.requestId, rec.contentData))
        self.flush()

    def end_request(
        self,
        req: GatewayRequest,
        appStatus: int = 0,  # noqa: N803  # flup's names
        protocolStatus: int = ProtocolStatus.REQUEST_COMPLETE,  # noqa: N803
        remove: bool = True,
    ) -> None:
        """End a request: the stream's end and END_REQUEST leave with all that was gathered."""
        request_id = req.requestId
        if req.stdout.dataWritten:
            end = protocol.encode_response_end(request_id, appStatus, protocolStatus)
        else:
            end = protocol.encode_end(request_id, appStatus, protocolStatus)
        self._out.append(end)
        self.flush()
        if remove:
            del self._requests[request_id]
        # Request and stream hold each other; cut here, both and the body go at once. Left to the
        # garbage collector they cost a small request a tenth of its time, and memory for longer.
        req.stdout._req = None
        if req.stdin.abandoned:
            self._keepGoing, self._unread = False, True
        elif not req.flags & protocol.KEEP_CONN and not self._requests:
            self._keepGoing = False

    # In: one method a record type.

    def _do_begin_request(self, record: Record) -> None:
        role, flags = protocol.decode_begin(record.content)
        if record.request_id == protocol.NULL_REQUEST_ID or record.request_id in self._requests:
            raise ProtocolError(
                "P05", f"a BEGIN_REQUEST for id {record.request_id}, which cannot begin now"
            )
        request = self._new_request(record.request_id, role, flags)
        if self._requests:
            self.end_request(request, 0, ProtocolStatus.CANT_MPX_CONN, remove=False)
        else:
            self._requests[record.request_id] = request

    def _new_request(self, request_id: int, role: int, flags: int) -> GatewayRequest:
        make = self.server.request_class
        request: GatewayRequest = make(self, self._inputStreamClass, self._timeout)
        request.requestId, request.role, request.flags = request_id, role, flags
        return request

    def _do_usual_request(self, request_id: int, role: int, flags: int, params: bytes) -> None:
        """Do at once what BEGIN_REQUEST, PARAMS and two empty records ask for."""
        request = self._requests[request_id] = self._new_request(request_id, role, flags)
        if len(params) <= self.server.max_params_bytes:
            request.decode_params(params, self.server.max_params)
        else:
            request.add_params(params, self.server.max_params_bytes)
            request.end_params(self.server.max_params)
        request.stdin.complete = True
        self._start_request(request)

    def _do_params(self, record: Record) -> None:
        request = self._requests.get(record.request_id)
        if request is None:
            return
        if request.started:
            raise ProtocolError("P06", "PARAMS arrived after the empty record that ends them")
        if record.content:
            request.add_params(record.content, self.server.max_params_bytes)
            return
        request.end_params(self.server.max_params)
        self._absorb(request.stdin)
        if request.stdin.aborted:
            self._end_aborted(request)
        else:
            self._start_request(request)

    def _absorb(self, body: streams.RequestBody) -> None:
        """Handle the records that came in the same read: usually they end the body."""
        while not (body.complete or body.aborted):
            record = self.decoder.next_record()
            if record is None:
                return
            self._handler_of(record.type, self._do_unknown_type)(record)

    def _do_stdin(self, record: Record) -> None:
        request = self._requests.get(record.request_id)
        if request is None:
            # Stray records of a request that has ended: an abort's rest, or an empty one, which
            # PHP skips too.
            return
        if request.stdin.complete and record.content:
            raise ProtocolError("P07", "STDIN arrived after the empty record that ends it")
        request.stdin.add_data(record.content)

    def _do_data(self, record: Record) -> None:
        """FCGI_DATA belongs to the filter role (section 6.4), which is not served."""

    def _do_abort_request(self, record: Record) -> None:
        request = self._requests.get(record.request_id)
        if request is None:
            return
        request.stdin.abort()
        if not request.started:
            self._end_aborted(request)

    def _end_aborted(self, request: GatewayRequest) -> None:
        request.stdin.discard()
        self.end_request(request, 1)

    def _do_get_values(self, record: Record) -> None:
        if not self._sock.answers_management:
            return
        known = {name: str(value) for name, value in self.server.capability.items()}
        # The record's size is limit enough.
        asked = protocol.decode_pairs(record.content, protocol.MAX_CONTENT)
        answer = protocol.encode_pairs({n: known[n] for n in asked if n in known})
        self._out.append(protocol.encode_record(RecordType.GET_VALUES_RESULT, 0, answer))
        self.flush()

    def _do_unknown_type(self, record: Record) -> None:
        """Section 4.2 wants UNKNOWN_TYPE for management records; IIS's pipe gets nothing."""
        log.debug("a record of type %d for id %d was skipped", record.type, record.request_id)
        if self._sock.answers_management and record.request_id == protocol.NULL_REQUEST_ID:
            content = bytes((record.type, 0, 0, 0, 0, 0, 0, 0))
            self._out.append(protocol.encode_record(RecordType.UNKNOWN_TYPE, 0, content))
            self.flush()
