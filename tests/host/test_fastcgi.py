from __future__ import annotations

import dataclasses

import pytest

from iiswsgi.fastcgi import protocol
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.fastcgi import Body, End, ReplyParser, RequestWriter, Stderr, request_ids
from iiswsgi.host.head import Head
from iiswsgi.host.modes import Wire

PAIRS = [("A", "1"), ("EMPTY", ""), ("LONG", "x" * 300)]


def records(data):
    decoder = protocol.Decoder()
    decoder.feed(data)
    out = []
    while (record := decoder.next_record()) is not None:
        out.append(record)
    assert decoder.pending == 0
    return out


def contents(data, kind):
    return b"".join(record.content for record in records(data) if record.type == kind)


def writer(request_id=1, **wire):
    return RequestWriter(Wire(**wire), request_id)


# What is sent.


def test_begin_is_alone_and_the_rest_of_a_get_is_one_write():
    begin, rest = writer().opening(PAIRS, False)
    assert begin == bytes((1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0))
    assert [(r.type, len(r.content) > 0) for r in records(rest)] == [
        (4, True),
        (4, False),
        (5, False),
    ]
    assert protocol.decode_pairs(contents(rest, 4)) == dict(PAIRS)


def test_with_a_body_each_record_is_a_write():
    sender = writer(stdin_size=4)
    writes = [*sender.opening(PAIRS, True), *sender.body(b"0123456789"), *sender.end_of_body()]
    assert [[r.type for r in records(write)] for write in writes] == [
        [1],
        [4],
        [4],
        [5],
        [5],
        [5],
        [5],
    ]
    assert contents(b"".join(writes), 5) == b"0123456789"


def test_pairs_are_split_between_records_not_within():
    pairs = [(f"N{number}", "v" * 50) for number in range(20)]
    _, *rest = writer(params_limit=100).opening(pairs, True)
    for write in rest:
        for record in records(write):
            assert len(record.content) <= 100
            protocol.decode_pairs(record.content)
    assert protocol.decode_pairs(contents(b"".join(rest), 4)) == dict(pairs)


def test_a_pair_that_fits_in_no_record_is_split_after_all():
    pairs = [("A", "1"), ("HUGE", "x" * 200_000), ("Z", "2")]
    _, rest = writer().opening(pairs, False)
    assert protocol.decode_pairs(contents(rest, 4)) == dict(pairs)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_writes_are_legal_and_repeatable(seed):
    wire = Wire.hostile(seed)
    assert wire == Wire.hostile(seed)

    def whole():
        sender = RequestWriter(wire, wire.first_id)
        writes = [*sender.opening(PAIRS, True), *sender.body(b"body" * 99), *sender.end_of_body()]
        assert all(writes)
        return b"".join(writes)

    data = whole()
    assert data == whole()
    assert protocol.decode_pairs(contents(data, 4)) == dict(PAIRS)
    assert contents(data, 5) == b"body" * 99


def test_noise_comes_behind_begin():
    noise = frozenset({"second_begin", "data", "unknown", "get_values"})
    sender = writer(7, noise=noise)
    begin, _ = sender.opening(PAIRS, False)
    kinds = [(r.type, r.request_id) for r in records(begin)]
    assert kinds == [(1, 7), (1, 8), (8, 7), (77, 0), (9, 0)]
    assert sender.foreign_ids == {8}


def test_abort():
    assert [(r.type, r.request_id) for r in records(b"".join(writer(9).abort()))] == [(2, 9)]


def test_ids_wrap():
    ids = request_ids(Wire(first_id=254, last_id=255))
    assert [next(ids) for _ in range(3)] == [254, 255, 254]


# What comes back.

STDOUT, STDERR, END = 6, 7, 3
HEAD = b"Status: 404 Not Found\r\nX: y\r\n\r\n"


def reply(*parts, request_id=1):
    out = b"".join(protocol.encode_record(kind, request_id, data, 3) for kind, data in parts)
    return out + protocol.encode_end(request_id)


def parse(data, size=0, **options):
    parser = ReplyParser(1, **options)
    events = []
    for start in range(0, len(data), size or len(data)):
        events.extend(parser.feed(data[start : start + (size or len(data))]))
    return events, parser


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9])
def test_a_reply_however_it_is_cut(size):
    data = reply((STDOUT, HEAD + b"bo"), (STDOUT, b""), (STDERR, b"e"), (STDOUT, b"dy"))
    events, parser = parse(data, size)
    assert events == [
        Head(404, "Not Found", (("X", "y"),)),
        Body(b"bo"),
        Stderr(b"e"),
        Body(b"dy"),
        End(0, 0),
    ]
    assert parser.ended


def test_a_head_may_be_split_over_records():
    events, _ = parse(reply(*((STDOUT, HEAD[n : n + 1]) for n in range(len(HEAD))), (STDOUT, b"x")))
    assert events[1:] == [Body(b"x"), End(0, 0)]


def test_nothing_has_begun_before_the_first_byte():
    parser = ReplyParser(1)
    assert not parser.began
    list(parser.feed(b"\x01"))
    assert parser.began


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"Status: 200 OK\r\n\r\n", "no FastCGI"),
        (protocol.encode_record(11, 1), "type 11"),
        (protocol.encode_record(6, 2, b"x"), "request id 2"),
        (protocol.encode_record(10, 0), "request id 0"),
        (protocol.encode_end(2, status=1), "request id 2"),
        (protocol.encode_end(1, status=2), "status 2"),
        (protocol.encode_end(1) + b"\x01", "after END_REQUEST"),
        (protocol.encode_end(1) * 2, "after END_REQUEST"),
        (protocol.encode_record(3, 1, b"short"), "END_REQUEST of 5"),
        (protocol.encode_record(6, 1, b"\r\n\r\nbody"), "header block"),
    ],
)
def test_what_a_worker_may_not_send(data, part):
    with pytest.raises(WorkerFailure) as caught:
        parse(data)
    assert caught.value.kind == "bad_reply"
    assert part in caught.value.sentence


def test_bytes_after_the_end_in_a_later_read():
    parser = ReplyParser(1)
    list(parser.feed(protocol.encode_end(1)))
    with pytest.raises(WorkerFailure, match="after END_REQUEST"):
        list(parser.feed(b"\x01"))


def test_a_second_request_may_be_refused_and_nothing_else():
    refusal = protocol.encode_end(2, status=1)
    events, _ = parse(refusal + reply((STDOUT, HEAD)), foreign_ids=frozenset((2,)))
    assert events[-1] == End(0, 0)
    with pytest.raises(WorkerFailure):
        parse(protocol.encode_end(2), foreign_ids=frozenset((2,)))


def test_management_answers_are_allowed_when_asked_for():
    events, _ = parse(protocol.encode_record(10, 0) + reply((STDOUT, HEAD)), management=True)
    assert events[-1] == End(0, 0)


def test_modes_are_values():
    assert dataclasses.replace(Wire(), seed=3) == Wire(seed=3)
