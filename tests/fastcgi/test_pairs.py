"""Name/value pairs: there and back, cut at every byte, and held against flup's."""

import random
import struct

import pytest
from flup.server import fcgi_base

from iiswsgi.errors import ProtocolError, RequestTooLarge
from iiswsgi.fastcgi.pairs import PairsDecoder, decode_pairs, encode_pairs

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


def test_values_above_latin_1_cannot_be_sent():
    with pytest.raises(UnicodeEncodeError):
        encode_pairs({"A": "\u20ac"})


SERVER = [(f"SERVER_{number}", "x" * number * 9) for number in range(20)]


def requests(seed):
    """Streams as one connection has them: mostly alike, and now and then a surprise."""
    chance = random.Random(seed)
    for number in range(70):
        pairs = list(SERVER)
        pairs[chance.randrange(20)] = ("REMOTE_PORT", str(number))
        pairs.insert(7, ("URL", chance.choice(["/", "/page", "/\xe9" * 100])))
        if chance.random() < 0.2:  # twice the same name, another value for it, none of them
            pairs.insert(chance.randrange(20), chance.choice([*SERVER, ("SERVER_3", ""), ("", "")]))
            del pairs[chance.randrange(20)]
        if chance.random() < 0.1:
            chance.shuffle(pairs)
        yield encode_pairs(pairs[: chance.choice([20, 20, 20, 3, 0])])


@pytest.mark.parametrize("seed", range(50))
def test_what_is_recognised_says_what_it_would_say_taken_apart(seed):
    decoder = PairsDecoder()
    for data in requests(seed):
        pairs = decoder.decode(data)
        assert list(pairs.items()) == list(decode_pairs(data).items())
        pairs["SERVER_1"] = "spoiled by the application"


def test_what_all_have_in_common_is_found():
    decoder = PairsDecoder()
    for port in ("1", "2"):
        decoder.decode(encode_pairs([*SERVER, ("REMOTE_PORT", port)]))
    [(raw, known)] = decoder._runs.values()
    assert raw == encode_pairs(SERVER)
    assert known == dict(SERVER)


@pytest.mark.parametrize("end", range(1, len(SHORT_PAIRS)))
def test_a_stream_cut_short_is_an_error_after_a_whole_one(end):
    decoder = PairsDecoder()
    more = encode_pairs([*SERVER[:3], ("A", "1")])
    for _ in range(3):
        decoder.decode(more + SHORT_PAIRS)
    try:
        expected = decode_pairs(more + SHORT_PAIRS[:end])
    except ProtocolError:
        with pytest.raises(ProtocolError, match="IISWSGI-P03"):
            decoder.decode(more + SHORT_PAIRS[:end])
    else:
        assert decoder.decode(more + SHORT_PAIRS[:end]) == expected


def test_the_number_of_pairs_is_limited_though_they_are_known():
    decoder = PairsDecoder()
    data = encode_pairs(SERVER)
    for _ in range(3):
        decoder.decode(data)
    with pytest.raises(RequestTooLarge, match="IISWSGI-P04"):
        decoder.decode(data, 19)


def test_of_a_huge_stream_nothing_is_kept():
    decoder = PairsDecoder()
    decoder.decode(encode_pairs({"COOKIE": "x" * 20000, "A": "", "B": ""}))
    assert not decoder._runs
