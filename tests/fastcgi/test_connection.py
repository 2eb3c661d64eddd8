"""One conversation with a web server: every record type, every cut, every fault of flup's cured."""

import contextlib
import gc
import inspect
import logging
import tempfile

import pytest
from flup.server import fcgi_base

from iiswsgi.errors import ClientDisconnected, ExitStatus, ProtocolError
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.connection import GatewayConnection
from iiswsgi.fastcgi.protocol import KEEP_CONN, ProtocolStatus, RecordType, Role
from iiswsgi.fastcgi.request import BrokenOff, GatewayRequest, ResponseStream
from tests.fastcgi.helpers import (
    PARAMS,
    FakeServer,
    FakeTransport,
    echo,
    records,
    request_bytes,
    responses,
    serve,
)

HEAD = b"Status: 200 OK\r\nX-Params: 4\r\n\r\n"
PAGE = HEAD + repr(sorted(PARAMS.items())).encode()


def hello(request):
    request.stdout.head("200 OK", [("Content-Type", "text/plain")])
    request.stdout.body(b"hello")


# ---- any cut gives the same result ---------------------------------------------------


WIRE = request_bytes(b"body " * 30, request_id=7, chunk=70) + request_bytes(request_id=258)
ANSWERS = [(7, PAGE + b"body " * 30, 0, 0), (258, PAGE, 0, 0)]


@pytest.mark.parametrize("cut", range(len(WIRE) + 1))
def test_every_cut_gives_the_same_responses(cut):
    transport, connection, _ = serve([WIRE[:cut], WIRE[cut:]])
    assert responses(transport.sent) == ANSWERS
    assert connection.failure is None


def test_byte_by_byte_gives_the_same_responses():
    transport, _, _ = serve(WIRE[i : i + 1] for i in range(len(WIRE)))
    assert responses(transport.sent) == ANSWERS


@pytest.mark.parametrize("end", range(1, len(request_bytes(b"some body"))))
def test_a_peer_that_leaves_at_any_byte_is_no_fault(end, caplog):
    caplog.set_level(logging.INFO)
    transport, connection, _ = serve([request_bytes(b"some body")[:end]])
    assert transport.sent == []
    assert connection.failure is None
    assert [r.getMessage()[:11] for r in caplog.records] == ["IISWSGI-P12"]


def test_padding_on_every_record_is_skipped():
    pairs = protocol.encode_pairs(PARAMS)
    wire = b"".join(
        protocol.encode_record(*record, padding=padding)
        for record, padding in [
            ((RecordType.BEGIN_REQUEST, 1, bytes([0, 1, 1, 0, 0, 0, 0, 0])), 255),
            ((RecordType.PARAMS, 1, pairs), 5),
            ((RecordType.PARAMS, 1, b""), 8),
            ((RecordType.STDIN, 1, b"z" * 65535), 1),
            ((RecordType.STDIN, 1, b""), 200),
        ]
    )
    transport, _, _ = serve([wire])
    assert responses(transport.sent) == [(1, PAGE + b"z" * 65535, 0, 0)]


@pytest.mark.parametrize("request_id", [1, 2, 255, 256, 65535])
def test_any_request_id_is_echoed(request_id):
    transport, _, _ = serve([request_bytes(request_id=request_id)])
    assert {record.request_id for record in records(transport.sent)} == {request_id}


# ---- few calls, gathered and streamed ------------------------------------------------


def test_a_small_request_costs_one_read_and_one_write():
    transport, _, _ = serve([request_bytes()])
    assert [name for name, size in transport.events if size] == ["receive", "send"]


def test_only_stdout_and_end_request_are_sent_and_the_end_is_last():
    transport, _, _ = serve([WIRE])
    kinds = [record.type for record in records(transport.sent)]
    end = [RecordType.STDOUT, RecordType.STDOUT, RecordType.END_REQUEST]
    assert kinds == end * 2
    assert all(records([data])[-1].type == RecordType.END_REQUEST for data in transport.sent)


def test_a_flush_sends_what_there_is_before_the_application_goes_on():
    seen = []

    def stream(request):
        request.stdout.head("200 OK", [])
        for number in range(3):
            request.stdout.body(b"chunk %d" % number)
            request.stdout.flush()
            seen.append(len(transport_of(request).sent))

    def transport_of(request):
        return request._conn._sock

    serve([request_bytes()], stream)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 65534, 65535, 65536, 1_000_000])
def test_a_body_of_any_size_arrives_whole(size):
    data = bytes(i % 251 for i in range(size))

    def send(request):
        request.stdout.head("200 OK", [])
        if data:
            request.stdout.body(data)

    transport, _, _ = serve([request_bytes()], send)
    assert responses(transport.sent) == [(1, b"Status: 200 OK\r\n\r\n" + data, 0, 0)]
    for record in records(transport.sent)[:-2]:
        assert record.content, "an empty record ends the stream"


def test_what_is_gathered_leaves_before_it_grows_large():
    def many(request):
        request.stdout.head("200 OK", [])
        for _ in range(100):
            request.stdout.body(b"x" * 10_000)

    transport, _, _ = serve([request_bytes()], many)
    assert len(transport.sent) > 10
    assert max(map(len, transport.sent)) < 100_000


@pytest.mark.parametrize("last", [b"x", b"x" * 65536, b"x" * 200_000])
def test_small_pieces_share_records(last):
    pieces = [b"%d" % (number % 10) for number in range(200_000)]

    def many(request):
        request.stdout.head("200 OK", [])
        for piece in pieces:
            request.stdout.body(piece)
        request.stdout.body(last)

    transport, _, _ = serve([request_bytes()], many)
    assert stdout_of(transport.sent, 1) == b"Status: 200 OK\r\n\r\n" + b"".join(pieces) + last
    assert len(records(transport.sent)) < 15


def test_output_costs_linear_time_and_no_copies_of_the_rest(monkeypatch):
    # flup copied all that was left for each record it cut off; here a chunk is cut by views.
    pieces = []
    monkeypatch.setattr(
        GatewayConnection, "write_pieces", lambda self, more: pieces.extend(more), raising=True
    )
    data = b"x" * 1_000_000

    def send(request):
        request.stdout._gathered = len(data)
        request.stdout._write([data])

    serve([request_bytes()], send)
    contents = [piece for piece in pieces if isinstance(piece, memoryview)]
    assert all(piece.obj is data for piece in contents)
    assert sum(map(len, contents)) == len(data)


def test_a_request_leaves_nothing_to_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        transport, connection, _ = serve(
            [request_bytes(b"body", request_id=n) for n in range(1, 50)]
        )
        del transport, connection, _
        left = [thing for thing in gc.get_objects() if isinstance(thing, GatewayRequest)]
    finally:
        gc.enable()
    assert left == []


# ---- the body ------------------------------------------------------------------------


def test_the_body_is_pulled_as_the_application_reads():
    received = []

    def read_in_pieces(request):
        reader = request.stdin.reader()
        conn = request._conn
        while reader.read(9000):
            received.append(sum(1 for name, size in conn._sock.events if name == "receive"))
        hello(request)

    wire = request_bytes(b"b" * 90_000)
    transport, _, server = serve(
        [wire[i : i + 9008] for i in range(0, len(wire), 9008)], read_in_pieces
    )
    assert received[0] < 10, "the application read before the whole body had come"
    assert received == sorted(received)
    assert server.requests[0].stdin.size == 90_000
    assert len(responses(transport.sent)) == 1


def test_what_is_left_is_taken_off_the_wire_before_the_first_response_byte():
    wire = request_bytes(b"b" * 50_000)
    transport, _, _ = serve([wire[i : i + 5000] for i in range(0, len(wire), 5000)], hello)
    kinds = [name for name, size in transport.events if size]
    assert kinds.index("send") == len(kinds) - 1


def test_the_application_can_read_on_after_its_first_response_byte(monkeypatch):
    spools = []
    real = tempfile.TemporaryFile

    def spool(*args, **kwargs):
        spools.append(real(*args, **kwargs))
        return spools[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", spool)
    body = bytes(i % 256 for i in range(20_000))
    found = []

    def late(request):
        reader = request.stdin.reader()
        found.append(reader.read(100))
        request.stdout.head("200 OK", [])
        found.append(reader.readline())
        found.append(reader.read())

    wire = request_bytes(body, chunk=1500)
    serve([wire[i : i + 700] for i in range(0, len(wire), 700)], late)
    assert b"".join(found) == body
    assert found[1].endswith(b"\n")
    assert spools
    assert all(file.closed for file in spools)


def test_an_unread_body_does_not_reach_the_next_request():
    wire = request_bytes(b"junk" * 10_000) + request_bytes(request_id=2)
    transport, connection, _ = serve(
        [wire], lambda request: None if request.requestId == 1 else echo(request)
    )
    assert responses(transport.sent) == [(1, b"", 0, 0), (2, PAGE, 0, 0)]
    assert connection.failure is None


@pytest.mark.parametrize("body", [b"", b"body"])
def test_a_body_may_end_before_the_variables_do(body):
    whole = request_bytes(params={})
    begin, params = whole[:16], protocol.encode_record(RecordType.PARAMS, 1)
    stdin = protocol.encode_record(RecordType.STDIN, 1)
    before = protocol.encode_record(RecordType.STDIN, 1, body) if body else b""
    pairs = protocol.encode_record(RecordType.PARAMS, 1, protocol.encode_pairs({"A": "1"}))
    transport, _, server = serve([begin + pairs + before + stdin, params])
    assert [answer[0] for answer in responses(transport.sent)] == [1]
    assert server.requests[0].params == {"A": "1"}
    assert server.requests[0].stdin.size == len(body)


def test_stray_records_between_requests_are_skipped():
    stray = protocol.encode_record(RecordType.STDIN, 1)
    wire = stray + request_bytes() + stray + request_bytes(request_id=2) + stray
    transport, connection, _ = serve([wire])
    assert len(responses(transport.sent)) == 2
    assert connection.failure is None


# ---- parameters ----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100, 299])
def test_pairs_may_straddle_records(chunk):
    _, _, server = serve([request_bytes(chunk=chunk)])
    assert server.requests[0].params == PARAMS


def test_pairs_cut_short_end_the_conversation(caplog):
    wire = (
        protocol.encode_begin(1)
        + protocol.encode_record(RecordType.PARAMS, 1, b"\x05\x05abc")
        + protocol.encode_record(RecordType.PARAMS, 1)
    )
    transport, connection, _ = serve([wire + request_bytes(request_id=2)])
    assert transport.sent == []
    assert connection.failure.exit_status is ExitStatus.PROTOCOL
    assert [r.getMessage()[:11] for r in caplog.records] == ["IISWSGI-P03"]
    assert not caplog.records[0].exc_info


@pytest.mark.parametrize(
    "params", [{str(i): "" for i in range(101)}, {"BIG": "x" * 100_001}], ids=["count", "bytes"]
)
def test_parameters_over_a_limit_refuse_one_request_alone(params):
    transport, connection, server = serve(
        [request_bytes(params=params) + request_bytes(request_id=2)]
    )
    assert server.requests[0].refusal
    assert server.requests[0].params == {}
    assert [answer[0] for answer in responses(transport.sent)] == [1, 2]
    assert not server.requests[1].refusal
    assert connection.failure is None


# ---- what may not be said now --------------------------------------------------------


def test_a_second_begin_while_one_runs_cannot_be_multiplexed():
    first = request_bytes(b"body")
    begin = protocol.encode_begin(2)
    wire = first[:16] + begin + first[16:] + request_bytes(request_id=3)
    transport, _, _ = serve([wire])
    assert responses(transport.sent) == [
        (2, b"", 0, ProtocolStatus.CANT_MPX_CONN),
        (1, PAGE + b"body", 0, 0),
        (3, PAGE, 0, 0),
    ]


def test_a_second_begin_within_the_body_leaves_the_response_whole():
    first = request_bytes(b"body")
    cut = len(first) - 8
    wire = first[:cut] + request_bytes(b"other", request_id=2) + first[cut:]
    transport, _, _ = serve([wire])
    assert responses(transport.sent) == [
        (2, b"", 0, ProtocolStatus.CANT_MPX_CONN),
        (1, PAGE + b"body", 0, 0),
    ]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (protocol.encode_begin(1) + protocol.encode_begin(1), "P05"),
        (protocol.encode_begin(0), "P05"),
        (protocol.encode_record(RecordType.BEGIN_REQUEST, 1, b"short"), "P02"),
        (b"GET / HTTP/1.1\r\n\r\n", "P01"),
        (b"\x02\x01\x00\x01\x00\x00\x00\x00", "P01"),
    ],
    ids=["twice", "null id", "short", "http", "version"],
)
def test_what_is_no_fastcgi_ends_the_conversation_with_one_line(wire, code, caplog):
    caplog.set_level(logging.INFO)
    transport, connection, _ = serve([wire + request_bytes(request_id=9)])
    assert transport.sent == []
    assert isinstance(connection.failure, ProtocolError)
    assert [r.getMessage()[:11] for r in caplog.records] == [f"IISWSGI-{code}"]
    assert "(on the test's pipe)" in caplog.text


@pytest.mark.parametrize(
    ("late", "code"),
    [
        (protocol.encode_record(RecordType.PARAMS, 1, b"\x01\x01AB"), "P06"),
        (
            protocol.encode_record(RecordType.STDIN, 1)
            + protocol.encode_record(RecordType.STDIN, 1, b"x"),
            "P07",
        ),
        (b"\x00garbage", "P01"),
    ],
    ids=["params", "stdin", "garbage"],
)
def test_malformed_bytes_in_the_body_are_not_the_applications_business(late, code, caplog):
    caught = []

    def careless(request):
        try:
            request.stdin.drain()
            request.stdin.next_chunk(10)
            request._conn.pull()
        except ClientDisconnected as error:
            caught.append(error)
        hello(request)

    wire = request_bytes(b"body")
    _, connection, _ = serve([wire[:-8], late], careless)
    assert len(caught) == 1
    assert isinstance(connection.failure, ProtocolError)
    assert [r.getMessage()[:11] for r in caplog.records] == [f"IISWSGI-{code}"]


def test_data_records_are_ignored():
    wire = request_bytes(b"body")
    data = protocol.encode_record(RecordType.DATA, 1, b"filter") + protocol.encode_record(
        RecordType.DATA, 1
    )
    transport, _, _ = serve([wire[:-8] + data + wire[-8:]])
    assert responses(transport.sent) == [(1, PAGE + b"body", 0, 0)]


# ---- abort ---------------------------------------------------------------------------


ABORT = protocol.encode_record(RecordType.ABORT_REQUEST, 1)


def test_an_abort_ends_an_application_that_waits_for_its_body():
    errors = []

    def waits(request):
        try:
            request.stdin.reader().read()
        except ClientDisconnected as error:
            errors.append(error.code)
            raise

    pieces = [request_bytes(b"body")[:-8], ABORT + request_bytes(request_id=2)]
    transport, connection, _ = serve(pieces, lambda r: waits(r) if r.requestId == 1 else echo(r))
    assert errors == ["IISWSGI-P11"]
    assert responses(transport.sent) == [(1, b"", 1, 0), (2, PAGE, 0, 0)]
    assert connection.failure is None


def test_an_abort_before_the_application_starts_ends_the_request():
    whole = request_bytes(b"body")
    for cut in (16, len(whole) - 8):
        wire = whole[:cut] + ABORT + request_bytes(request_id=2)
        transport, _, server = serve([wire])
        assert responses(transport.sent) == [(1, b"", 1, 0), (2, PAGE, 0, 0)]
        assert len(server.requests) == 1


def test_an_abort_while_the_body_is_drained_stops_the_response():
    transport, _, _ = serve([request_bytes(b"body")[:-8], ABORT], hello)
    assert responses(transport.sent) == [(1, b"", 1, 0)]


@pytest.fixture
def looks_always(monkeypatch):
    monkeypatch.setattr("iiswsgi.fastcgi.request.LOOK_INTERVAL", 0)


def streams_on(request):
    request.stdout.head("200 OK", [])
    for number in range(10):
        request.stdout.body(b"%d" % number)
        request.stdout.flush()


def streams_and_tells(told):
    """As :func:`streams_on`; the code of what it raises is added to *told*."""

    def streams(request):
        try:
            streams_on(request)
        except ClientDisconnected as error:
            told.append(error.code)
            raise

    return streams


def stdout_of(sent, request_id):
    found = [r for r in records(sent) if (r.type, r.request_id) == (RecordType.STDOUT, request_id)]
    return b"".join(record.content for record in found)


def test_an_abort_ends_a_response_that_streams(looks_always):
    errors = []
    streams = streams_and_tells(errors)
    wire = [request_bytes(b"body"), ABORT[:5], ABORT[5:] + request_bytes(request_id=2)]
    transport, connection, _ = serve(wire, lambda r: (streams if r.requestId == 1 else echo)(r))
    assert errors == ["IISWSGI-P11"]
    first, second = responses(transport.sent)
    assert (first[0], first[2:]) == (1, (1, 0))
    assert b"9" not in first[1]
    assert second == (2, PAGE, 0, 0)
    assert connection.failure is None


def test_malformed_bytes_while_a_response_streams_are_not_the_applications_business(
    looks_always, caplog
):
    errors = []
    of_version_7 = b"\x07" + ABORT[1:]
    wire = [request_bytes(b"body"), of_version_7]
    _, connection, _ = serve(wire, streams_and_tells(errors))
    assert errors == ["IISWSGI-P13"]
    assert isinstance(connection.failure, ProtocolError)
    assert [record.getMessage()[:11] for record in caplog.records] == ["IISWSGI-P01"]


BETWEEN = {
    "nothing": b"",
    "stray end": protocol.encode_record(RecordType.STDIN, 1),
    "data": protocol.encode_record(RecordType.DATA, 1, b"data"),
    "abort of another": protocol.encode_record(RecordType.ABORT_REQUEST, 2),
    "management": protocol.encode_record(RecordType.GET_VALUES, 0, b"\x01\x00A"),
    "unknown": protocol.encode_record(99, 0, b"x" * 3000, 255),
    "request": request_bytes(request_id=2),
    "large": request_bytes(b"x" * 70_000, request_id=2),
}
"""What may come while a response streams, and harms neither it nor what comes next."""


@pytest.mark.parametrize("what", BETWEEN)
def test_what_else_comes_while_a_response_streams_does_not_harm_it(looks_always, what):
    more = BETWEEN[what]
    transport, connection, server = serve(
        [request_bytes(b"body"), *(more[i : i + 999] for i in range(0, len(more), 999))],
        lambda r: (streams_on if r.requestId == 1 else echo)(r),
    )
    assert stdout_of(transport.sent, 1).endswith(b"\r\n\r\n0123456789")
    assert len(server.requests) == 1
    refused = [(2, b"", 0, ProtocolStatus.CANT_MPX_CONN)] if what in ("request", "large") else []
    assert responses(transport.sent)[:-1] == refused
    assert connection.failure is None


@pytest.mark.parametrize("what", [what for what in BETWEEN if what != "large"])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 12, 10**6])
def test_an_abort_is_heard_whatever_is_before_it_and_however_it_is_cut(looks_always, what, size):
    errors = []
    wire = BETWEEN[what] + protocol.encode_record(RecordType.ABORT_REQUEST, 1, b"", 8)
    pieces = [wire[i : i + size] for i in range(0, len(wire), size)]
    serve([request_bytes(b"body"), *pieces], streams_and_tells(errors))
    assert errors == ["IISWSGI-P11"]


def test_nonsense_while_a_response_streams_ends_it(looks_always, caplog):
    transport, connection, _ = serve([request_bytes(), b"GET / HTTP/1.1\r\n\r\n"], streams_on)
    assert not stdout_of(transport.sent, 1).endswith(b"9")
    assert [record.type for record in records(transport.sent)] == [RecordType.STDOUT] * len(
        records(transport.sent)
    )
    assert isinstance(connection.failure, ProtocolError)
    assert [record.getMessage()[:11] for record in caplog.records] == ["IISWSGI-P01"]


def test_a_short_response_is_not_looked_aside_from():
    class Deaf(FakeTransport):
        def has_data(self):
            raise AssertionError

    transport = Deaf([request_bytes()])
    GatewayConnection(transport, None, FakeServer(streams_on), 0).run()
    assert len(responses(transport.sent)) == 1


def test_an_abort_for_nobody_is_ignored():
    transport, _, _ = serve([ABORT + request_bytes()])
    assert responses(transport.sent) == [(1, PAGE, 0, 0)]


@pytest.mark.parametrize("end", [ABORT, b"", bytes(8)])
def test_a_request_that_ends_before_it_runs_leaves_no_spool(end, monkeypatch):
    spools = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda **options: spools.append(real(**options)) or spools[-1]
    )
    wire = request_bytes(b"x" * 5000)[: -protocol.HEADER_SIZE]
    serve([wire + end])
    assert [spool.closed for spool in spools] == [True]


# ---- management records --------------------------------------------------------------


ASKED = protocol.encode_record(
    RecordType.GET_VALUES,
    0,
    protocol.encode_pairs({"FCGI_MAX_CONNS": "", "FCGI_MPXS_CONNS": "", "FCGI_NONSENSE": ""}),
)
UNKNOWN = protocol.encode_record(200, 0, b"what?")


def test_management_records_are_answered_on_sockets():
    transport, _, _ = serve([ASKED + UNKNOWN + request_bytes()], answers_management=True)
    values, unknown = records(transport.sent)[:2]
    assert values.type == RecordType.GET_VALUES_RESULT
    assert protocol.decode_pairs(values.content) == {"FCGI_MAX_CONNS": "1", "FCGI_MPXS_CONNS": "0"}
    assert (unknown.type, unknown.request_id) == (RecordType.UNKNOWN_TYPE, 0)
    assert unknown.content == bytes([200, 0, 0, 0, 0, 0, 0, 0])


def test_any_number_of_values_may_be_asked_for():
    asked = protocol.encode_pairs([("x", "")] * 10_000 + [("FCGI_MAX_CONNS", "")])
    wire = protocol.encode_record(RecordType.GET_VALUES, 0, asked)
    transport, connection, _ = serve([wire], answers_management=True)
    assert [protocol.decode_pairs(r.content) for r in records(transport.sent)] == [
        {"FCGI_MAX_CONNS": "1"}
    ]
    assert connection.failure is None


def test_management_records_are_ignored_on_the_pipe():
    transport, _, _ = serve([ASKED + UNKNOWN + request_bytes()])
    assert responses(transport.sent) == [(1, PAGE, 0, 0)]
    assert len(transport.sent) == 1


def test_an_unknown_type_of_a_request_is_never_answered():
    unknown = protocol.encode_record(77, 1, b"?")
    wire = request_bytes(b"body")
    transport, _, _ = serve([unknown + wire[:16] + unknown + wire[16:]], answers_management=True)
    assert responses(transport.sent) == [(1, PAGE + b"body", 0, 0)]


# ---- the end -------------------------------------------------------------------------


def test_without_keep_conn_the_connection_is_closed_after_the_response():
    transport, connection, _ = serve([request_bytes(flags=0), request_bytes(request_id=2)])
    assert responses(transport.sent) == [(1, PAGE, 0, 0)]
    assert transport.pieces, "nothing was read after the end"
    assert connection.failure is None


def test_a_peer_that_leaves_while_the_response_is_sent_is_no_fault(caplog):
    caplog.set_level(logging.INFO)
    _, connection, _ = serve([request_bytes()], peer_leaves_after=0)
    assert connection.failure is None
    assert [r.getMessage()[:11] for r in caplog.records] == ["IISWSGI-P10"]


def test_nothing_is_sent_after_a_send_that_failed():
    """Half of it may have left, when the peer stalled; what follows would be out of step."""

    class Stalling(FakeTransport):
        def send(self, data):
            self.events.append(("send", len(data)))
            raise ClientDisconnected("P10", "the test's peer takes nothing")

    def application(request):
        hello(request)
        with contextlib.suppress(ClientDisconnected):
            request.stdout.flush()

    transport = Stalling([request_bytes(), request_bytes()])
    GatewayConnection(transport, None, FakeServer(application), 0).run()
    assert [kind for kind, _ in transport.events] == ["receive", "send"]


def test_a_peer_that_is_gone_is_not_waited_for_again():
    def application(request):
        for _ in range(3):
            with contextlib.suppress(ClientDisconnected):
                request.stdin.reader().read()

    transport, _, _ = serve([request_bytes(b"some body")[:-8]], application)
    assert [kind for kind, _ in transport.events] == ["receive", "receive"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, TimeoutError])
def test_after_a_send_that_something_interrupted_nothing_is_sent(kind):
    class Interrupted(FakeTransport):
        def send(self, data):
            super().send(data[: len(data) // 2])
            raise kind("a signal's handler")

    def streams(request):
        with contextlib.suppress(kind):
            streams_on(request)
        with pytest.raises(ClientDisconnected):
            request.stdout.check()

    transport = Interrupted([request_bytes() + request_bytes(request_id=2)])
    connection = GatewayConnection(transport, None, FakeServer(streams), 0)
    connection.run()
    assert len(transport.sent) == 1
    assert connection.failure.exit_status is ExitStatus.BROKEN_OFF


def test_a_broken_off_response_has_no_end():
    def breaks(request):
        request.stdout.head("200 OK", [])
        request.stdout.body(b"half")
        request.stdout.flush()
        raise BrokenOff

    transport, connection, _ = serve([request_bytes() + request_bytes(request_id=2)], breaks)
    assert [record.type for record in records(transport.sent)] == [RecordType.STDOUT]
    assert connection.failure.exit_status is ExitStatus.BROKEN_OFF


def test_on_a_socket_a_broken_off_response_ends_with_what_none_has():
    def breaks(request):
        request.stdout.head("200 OK", [])
        request.stdout.flush()
        raise BrokenOff

    transport, _, _ = serve([request_bytes(flags=0)], breaks, shows_break=True)
    kinds = [(record.type, record.request_id) for record in records(transport.sent)]
    assert kinds == [(RecordType.STDOUT, 1), (RecordType.UNKNOWN_TYPE, 0)]
    _, connection, _ = serve([request_bytes()], breaks, shows_break=True, peer_leaves_after=1)
    assert connection.failure.exit_status is ExitStatus.BROKEN_OFF


def test_text_for_stderr_is_its_own_stream_before_the_end():
    def warns(request):
        request.stderr.write(b"careful")
        hello(request)

    transport, _, _ = serve([request_bytes()], warns)
    kinds = [(r.type, r.content) for r in records(transport.sent)]
    assert (RecordType.STDERR, b"careful") in kinds
    assert kinds[-1][0] == RecordType.END_REQUEST


def test_much_text_for_stderr_comes_whole():
    text = bytes(range(256)) * 1000

    def warns(request):
        request.stderr.write(text)
        hello(request)
        late.append(request.stderr.write)

    late = []
    transport, _, _ = serve([request_bytes()], warns)
    sent = [r.content for r in records(transport.sent) if r.type == RecordType.STDERR]
    assert b"".join(sent) == text
    assert sent[-1] == b""
    late[0](b"a thread that outlives its request is not heard, and not hurt")


# ---- flup, on whose private names all this stands ------------------------------------


def test_flup_still_has_every_name_that_is_relied_on():
    def signature(function):
        return list(inspect.signature(function).parameters)

    base = fcgi_base
    assert signature(base.Connection.__init__) == ["self", "sock", "addr", "server", "timeout"]
    assert signature(base.Connection.end_request) == [
        "self",
        "req",
        "appStatus",
        "protocolStatus",
        "remove",
    ]
    assert signature(base.Connection._start_request) == ["self", "req"]
    assert signature(base.Connection._do_begin_request) == ["self", "inrec"]
    assert signature(base.Connection.writeRecord) == ["self", "rec"]
    assert signature(base.Request.__init__) == ["self", "conn", "inputStreamClass", "timeout"]
    assert signature(base.Request._end) == ["self", "appStatus", "protocolStatus"]
    assert signature(base.OutputStream.__init__) == ["self", "conn", "req", "type", "buffered"]
    assert signature(base.Record.__init__) == ["self", "type", "requestId"]
    for name in (
        "process_input",
        "run",
        "_cleanupSocket",
        "_do_params",
        "_do_stdin",
        "_do_data",
        "_do_abort_request",
        "_do_get_values",
        "_do_unknown_type",
        "_inputStreamClass",
    ):
        assert hasattr(base.Connection, name), name
    transport = FakeTransport([])
    connection = GatewayConnection(transport, None, FakeServer(None), 0)
    assert connection._requests == {}
    assert connection._sock is transport
    stream = ResponseStream(connection, None, RecordType.STDOUT)
    assert (stream._bufList, stream.dataWritten, stream.closed) == ([], False, False)
    assert base.FCGI_RESPONDER == Role.RESPONDER
    assert base.FCGI_KEEP_CONN == KEEP_CONN
