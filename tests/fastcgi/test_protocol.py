"""Records: any cut of the input gives the same result."""

import doctest

import pytest
from flup.server import fcgi_base

from iiswsgi.errors import ProtocolError
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import Decoder, Record, RecordType

RECORDS = [
    Record(RecordType.BEGIN_REQUEST, 1, bytes([0, 1, 1, 0, 0, 0, 0, 0])),
    Record(RecordType.PARAMS, 1, b"x" * 300),
    Record(RecordType.PARAMS, 1, b""),
    Record(99, 65535, b"odd"),
    Record(RecordType.STDIN, 1, b""),
]
PADDINGS = [0, 4, 0, 255, 8]
WIRE = b"".join(
    protocol.encode_record(*record, padding)
    for record, padding in zip(RECORDS, PADDINGS, strict=True)
)


def decode_pieces(pieces):
    decoder = Decoder()
    records = []
    for piece in pieces:
        decoder.feed(piece)
        records += decode_with(decoder)
    return records, decoder.pending


def decode_with(decoder):
    return list(iter(decoder.next_record, None))


@pytest.mark.parametrize("cut", range(len(WIRE) + 1))
def test_every_cut_gives_the_same_records(cut):
    assert decode_pieces([WIRE[:cut], WIRE[cut:]]) == (RECORDS, 0)


def test_byte_by_byte_gives_the_same_records():
    assert decode_pieces(WIRE[i : i + 1] for i in range(len(WIRE))) == (RECORDS, 0)


def test_an_unfinished_record_is_pending():
    assert decode_pieces([WIRE[:20]]) == (RECORDS[:1], 4)


def test_the_largest_record_passes_with_the_largest_padding():
    record = Record(RecordType.STDIN, 7, b"z" * protocol.MAX_CONTENT)
    wire = protocol.encode_record(*record, 255)
    assert decode_pieces([wire[:1000], wire[1000:]]) == ([record], 0)


PAIRS = protocol.encode_pairs({"REQUEST_METHOD": "GET"})
USUAL = b"".join(
    (
        protocol.encode_begin(258, protocol.Role.FILTER, 0),
        protocol.encode_record(RecordType.PARAMS, 258, PAIRS),
        protocol.encode_record(RecordType.PARAMS, 258),
        protocol.encode_record(RecordType.STDIN, 258),
    )
)


def test_a_usual_request_is_taken_at_once():
    decoder = Decoder()
    decoder.feed(USUAL * 2 + USUAL[:50])
    for _ in range(2):
        assert decoder.usual_request() == (258, 3, 0, PAIRS)
    assert decoder.usual_request() is None
    decoder.feed(USUAL[50:])
    assert len(decode_with(decoder)) == 4


@pytest.mark.parametrize("end", range(len(USUAL)))
def test_of_a_request_that_is_not_all_there_nothing_is_taken(end):
    decoder = Decoder()
    decoder.feed(USUAL[:end])
    assert decoder.usual_request() is None
    assert decoder.pending == end
    decoder.feed(USUAL[end:])
    assert decode_with(decoder) == decode_pieces([USUAL])[0]


@pytest.mark.parametrize("place", range(len(USUAL)))
def test_a_request_that_is_unusual_in_any_byte_is_left_to_its_records(place):
    """Taken at once, it says what its records say; else they are all still there."""
    for change in (1, 4, 128):
        wire = bytearray(USUAL)
        wire[place] ^= change
        decoder = Decoder()
        decoder.feed(bytes(wire))
        usual = decoder.usual_request()
        if usual is None:
            assert decoder.pending == len(wire)
            continue
        [begin, params, *empty], _ = decode_pieces([bytes(wire)])
        assert usual[:3] == (begin.request_id, *protocol.decode_begin(begin.content))
        assert usual[3] == params.content
        assert [record.content for record in empty] == [b"", b""]
        assert not decoder.pending


def test_an_empty_record_is_the_end_of_the_pairs_and_none_of_a_usual_request():
    decoder = Decoder()
    decoder.feed(USUAL.replace(PAIRS, b"").replace(bytes([0, len(PAIRS), 0, 0]), bytes(4)))
    assert decoder.usual_request() is None
    assert [record.content for record in decode_with(decoder)][1:] == [b"", b"", b""]


@pytest.mark.parametrize("version", [0, 2, 71])
def test_another_version_is_an_error(version):
    decoder = Decoder()
    decoder.feed(bytes([version]) + WIRE[1:])
    with pytest.raises(ProtocolError, match=f"IISWSGI-P01: a record of version {version}"):
        decoder.next_record()


def test_what_does_not_fit_in_a_record_is_refused():
    with pytest.raises(ValueError, match="65536 bytes"):
        protocol.encode_record(RecordType.STDOUT, 1, b"x" * 65536)
    with pytest.raises(ValueError, match="256 of padding"):
        protocol.encode_record(RecordType.STDOUT, 1, b"", 256)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 200_000])
def test_content_is_split_into_whole_records(size):
    data = bytes(size % 251 for size in range(size))
    records, pending = decode_pieces(protocol.split_content(RecordType.STDOUT, 3, data))
    assert pending == 0
    assert b"".join(record.content for record in records) == data
    assert all(record.type == RecordType.STDOUT and record.request_id == 3 for record in records)
    assert all(record.content for record in records), "an empty record would end the stream"


def test_begin_and_end_round_trip():
    (begin,), _ = decode_pieces([protocol.encode_begin(513, protocol.Role.FILTER, 0)])
    assert begin.request_id == 513
    assert protocol.decode_begin(begin.content) == (3, 0)
    (end,), _ = decode_pieces([protocol.encode_end(513, -1, protocol.ProtocolStatus.OVERLOADED)])
    assert protocol.decode_end(end.content) == (0xFFFFFFFF, 2)


@pytest.mark.parametrize("decode", [protocol.decode_begin, protocol.decode_end])
@pytest.mark.parametrize("content", [b"", b"1234567", b"123456789"])
def test_bodies_of_the_wrong_length_are_errors(decode, content):
    with pytest.raises(ProtocolError, match="IISWSGI-P02"):
        decode(content)


def test_the_constants_agree_with_flup():
    for record_type in RecordType:
        assert getattr(fcgi_base, f"FCGI_{record_type.name}") == record_type


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(protocol).failed == 0
