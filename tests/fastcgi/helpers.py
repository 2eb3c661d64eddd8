"""Both ends of a conversation without any I/O: a transport of bytes, and a server of functions."""

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.connection import GatewayConnection
from iiswsgi.fastcgi.protocol import Decoder, ProtocolStatus, RecordType, Role
from iiswsgi.fastcgi.request import GatewayRequest

PARAMS = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/page", "EMPTY": "", "LONG": "x" * 300}


class FakeTransport:
    """Hands out *pieces*, one a receive, and keeps what was sent, one item a send."""

    name = "the test's pipe"

    def __init__(
        self, pieces, *, answers_management=False, shows_break=False, peer_leaves_after=None
    ):
        self.pieces = [piece for piece in pieces if piece]
        self.answers_management = answers_management
        self.shows_break = shows_break
        self.peer_leaves_after = peer_leaves_after
        self.sent = []
        self.events = []
        self.closed = False

    def receive(self):
        data = self.pieces.pop(0) if self.pieces else b""
        self.events.append(("receive", len(data)))
        return data

    def receive_idle(self, begun=False):
        return self.receive()

    def has_data(self):
        return bool(self.pieces)

    def send(self, data):
        assert data, "a zero-byte write"
        assert isinstance(data, bytes)
        if self.peer_leaves_after is not None and len(self.sent) >= self.peer_leaves_after:
            raise ClientDisconnected("P10", "the test's peer has left")
        self.events.append(("send", len(data)))
        self.sent.append(data)

    def close(self, *, unread=False):
        self.closed = True


class Seen:
    """What a test may ask of a request that has ended, without keeping it."""

    def __init__(self, request):
        self.params, self.refusal, self.stdin = request.params, request.refusal, request.stdin


class FakeServer:
    """What a connection needs of the server; *application* is a function of the request."""

    request_class = GatewayRequest
    roles = (Role.RESPONDER,)
    maxwrite = 8192
    spool_limit = 1000
    max_request_body = 0
    max_params = 100
    max_params_bytes = 100_000
    capability = {"FCGI_MAX_CONNS": 1, "FCGI_MAX_REQS": 1, "FCGI_MPXS_CONNS": 0}  # noqa: RUF012

    def __init__(self, application):
        self.application = application
        self.requests = []

    def handler(self, request):
        self.requests.append(Seen(request))
        self.application(request)
        return ProtocolStatus.REQUEST_COMPLETE, 0

    def ending(self):
        pass

    def ended(self):
        """Nothing is kept of a request that is through."""


def echo(request):
    """Answer with the parameters and the body."""
    body = request.stdin.reader().read()
    request.stdout.head("200 OK", [("X-Params", str(len(request.params)))])
    request.stdout.body(repr(sorted(request.params.items())).encode())
    if body:
        request.stdout.body(body)


def request_bytes(body=b"", *, request_id=1, params=None, flags=protocol.KEEP_CONN, chunk=9000):
    """One whole request as IIS sends it."""
    out = [protocol.encode_begin(request_id, Role.RESPONDER, flags)]
    pairs = protocol.encode_pairs(PARAMS if params is None else params)
    out += [
        protocol.encode_record(RecordType.PARAMS, request_id, pairs[i : i + chunk])
        for i in range(0, len(pairs), chunk)
    ]
    out.append(protocol.encode_record(RecordType.PARAMS, request_id))
    out += [
        protocol.encode_record(RecordType.STDIN, request_id, body[i : i + chunk])
        for i in range(0, len(body), chunk)
    ]
    out.append(protocol.encode_record(RecordType.STDIN, request_id))
    return b"".join(out)


def serve(pieces, application=echo, **transport_options):
    """Run one conversation; returns transport, connection and server."""
    transport = FakeTransport(pieces, **transport_options)
    server = FakeServer(application)
    connection = GatewayConnection(transport, None, server, 0)
    connection.run()
    assert transport.closed
    return transport, connection, server


def records(sent):
    """The records in what was sent; nothing may be left over."""
    decoder = Decoder()
    found = []
    for data in sent:
        decoder.feed(data)
        while (record := decoder.next_record()) is not None:
            found.append(record)
    assert decoder.pending == 0
    return found


def responses(sent):
    """Per END_REQUEST: (request id, the whole of STDOUT, app status, protocol status)."""
    found, stdout = [], {}
    for record in records(sent):
        if record.type == RecordType.STDOUT:
            stdout.setdefault(record.request_id, []).append(record.content)
        elif record.type == RecordType.END_REQUEST:
            output = b"".join(stdout.pop(record.request_id, []))
            found.append((record.request_id, output, *protocol.decode_end(record.content)))
    assert not stdout, "a response without its end"
    return found
