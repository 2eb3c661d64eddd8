"""Name/value pairs: there and back, cut at every byte, and held against flup's."""

import struct

import pytest
from flup.server import fcgi_base

from iiswsgi.errors import ProtocolError, RequestTooLarge
from iiswsgi.fastcgi.pairs import decode_pairs, encode_pairs

PAIRS = {
    "A": "",
    "": "no name",
    "N" * 127: "v" * 128,
    "L" * 128: "w" * 127,
    "BIG": "y" * 70_000,
    "LATIN": "caf\xe9\xff\x00",
}


def test_pairs_round_trip():
    assert decode_pairs(encode_pairs(PAIRS)) == PAIRS


def test_pairs_agree_with_flup():
    data = encode_pairs(PAIRS.items())
    position, found = 0, {}
    while position < len(data):
        position, (name, value) = fcgi_base.decode_pair(data, position)
        found[name.decode("latin-1")] = value.decode("latin-1")
    assert found == PAIRS


def test_of_two_pairs_with_one_name_the_later_counts():
    assert decode_pairs(encode_pairs([("A", "1"), ("A", "2")])) == {"A": "2"}


def test_the_lines_of_one_header_are_joined():
    lines = [("HTTP_ACCEPT", "a"), ("HTTP_COOKIE", "b=1"), ("X", ""), ("HTTP_ACCEPT", "c")]
    lines += [("HTTP_COOKIE", "d=2"), ("HTTP_COOKIE", "e=3"), ("HTTP_HOST", "one")]
    assert decode_pairs(encode_pairs(lines)) == {
        "HTTP_ACCEPT": "a, c",
        "HTTP_COOKIE": "b=1; d=2; e=3",
        "X": "",
        "HTTP_HOST": "one",
    }


SHORT_PAIRS = encode_pairs({"NAME": "value", "N" * 130: "v" * 140})


@pytest.mark.parametrize("end", [e for e in range(1, len(SHORT_PAIRS)) if e != 11])
def test_pairs_cut_short_are_an_error(end):
    with pytest.raises(ProtocolError, match="IISWSGI-P03"):
        decode_pairs(SHORT_PAIRS[:end])


def test_a_length_beyond_everything_is_an_error():
    with pytest.raises(ProtocolError, match="IISWSGI-P03"):
        decode_pairs(b"\x01" + struct.pack("!L", 0xFFFFFFFF) + b"A")


def test_too_many_pairs_are_refused():
    data = encode_pairs((str(number), "") for number in range(11))
    assert len(decode_pairs(data, 11)) == 11
    with pytest.raises(RequestTooLarge, match="IISWSGI-P04: more than 10 server variables"):
        decode_pairs(data, 10)


@pytest.mark.parametrize("name", ["", "A", "HTTP_A"])
def test_pairs_of_one_name_are_as_many_as_they_are(name):
    with pytest.raises(RequestTooLarge, match="IISWSGI-P04"):
        decode_pairs(encode_pairs([(name, "")] * 11), 10)


def test_values_above_latin_1_cannot_be_sent():
    with pytest.raises(UnicodeEncodeError):
        encode_pairs({"A": "\u20ac"})
