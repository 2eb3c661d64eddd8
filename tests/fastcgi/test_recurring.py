"""What a connection's requests have in common: recognised, and the result is the same."""

import random

import pytest

from iiswsgi.errors import ProtocolError, RequestTooLarge
from iiswsgi.fastcgi import recurring
from iiswsgi.fastcgi.pairs import decode_pairs, encode_pairs
from iiswsgi.fastcgi.recurring import PairsDecoder

SERVER = [(f"SERVER_{number}", "x" * number * 9) for number in range(20)]


@pytest.fixture
def apart(monkeypatch):
    """The streams that were taken apart pair by pair."""
    streams = []

    def decode(data, limit):
        streams.append(data)
        return decode_pairs(data, limit)

    monkeypatch.setattr(recurring, "decode_pairs", decode)
    return streams


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
        assert pairs == decode_pairs(data)
        pairs["SERVER_1"] = "spoiled by the application"


def stream(*own, after="SERVER_9", end=()):
    """A stream with some pairs of its own in the middle and at the end."""
    middle = SERVER.index(next(pair for pair in SERVER if pair[0] == after)) + 1
    return encode_pairs([*SERVER[:middle], *own, *SERVER[middle:], *end])


def test_what_all_have_in_common_is_not_taken_apart(apart):
    decoder = PairsDecoder()
    for port in range(100):
        own = [("REMOTE_PORT", str(port)), ("LONG", "x" * (130 + port))]
        assert decoder.decode(stream(*own)) == {**dict(SERVER), **dict(own)}
    assert len(apart) == 2


def test_a_further_pair_where_others_are_expected_is_no_surprise(apart):
    decoder = PairsDecoder()
    for port in ("1", "2"):
        decoder.decode(stream(("REMOTE_PORT", port), end=[("URL", port)]))
    more = stream(("HTTP_COOKIE", "a"), ("REMOTE_PORT", "3"), end=[("HTTPS", "on"), ("URL", "")])
    assert decoder.decode(more) == decode_pairs(more)
    assert len(apart) == 2


def test_what_changes_later_is_common_no_more(apart):
    decoder = PairsDecoder()
    for port in range(4):
        decoder.decode(stream(("REMOTE_PORT", str(port))))
    for number in range(20):
        value = f"{number:063}"
        changed = stream(("REMOTE_PORT", "1"), after="SERVER_1").replace(b"x" * 63, value.encode())
        assert decoder.decode(changed)["SERVER_7"] == value
    assert len(apart) <= 4
    assert decoder.decode(stream()) == dict(SERVER)


@pytest.mark.parametrize("name", ["SERVER_3", "SERVER_15"])
@pytest.mark.parametrize("value", ["", "another"])
def test_of_two_pairs_with_one_name_the_later_counts_though_one_is_known(name, value):
    decoder = PairsDecoder()
    for port in ("1", "2", "3"):
        decoder.decode(stream(("REMOTE_PORT", port)))
    twice = stream((name, value), ("REMOTE_PORT", "4"))
    assert decoder.decode(twice) == decode_pairs(twice)


def test_a_peer_that_changes_the_order_again_and_again_is_taken_as_it_comes(monkeypatch):
    looks = []
    learn = PairsDecoder._learn
    monkeypatch.setattr(
        PairsDecoder, "_learn", lambda self, *args: looks.append(1) or learn(self, *args)
    )
    decoder = PairsDecoder()
    chance = random.Random(1)
    for _ in range(1000):
        data = encode_pairs(chance.sample(SERVER, len(SERVER)))
        assert decoder.decode(data) == decode_pairs(data)
    assert len(looks) == recurring._LOOKS


SHORT = encode_pairs({"NAME": "value", "N" * 130: "v" * 140})


@pytest.mark.parametrize("end", range(1, len(SHORT)))
def test_a_stream_cut_short_is_an_error_after_a_whole_one(end):
    decoder = PairsDecoder()
    more = encode_pairs([*SERVER[:3], ("A", "1")])
    for other in (b"2", b"1", b"1"):
        decoder.decode(more[:-1] + other + SHORT)
    try:
        expected = decode_pairs(more + SHORT[:end])
    except ProtocolError:
        with pytest.raises(ProtocolError, match="IISWSGI-P03"):
            decoder.decode(more + SHORT[:end])
    else:
        assert decoder.decode(more + SHORT[:end]) == expected


def test_the_lines_of_one_header_are_joined_though_they_are_known():
    decoder = PairsDecoder()
    once = [*SERVER, ("HTTP_X", "1")]
    for lines in ([("HTTP_X", "2")], [], [("HTTP_X", "1")], [], [("HTTP_X", "2")]):
        data = encode_pairs([*once, *lines])
        assert decoder.decode(data) == decode_pairs(data)
        assert decoder.decode(data)["HTTP_X"] == ", ".join(["1", *dict(lines).values()])


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
    assert not decoder._common
