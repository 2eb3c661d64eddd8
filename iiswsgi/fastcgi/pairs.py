"""Name/value pairs (FastCGI 1.0, section 3.4): the contents of PARAMS and of GET_VALUES; no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from iiswsgi.errors import ProtocolError, RequestTooLarge

__all__ = ["MAX_PARAMS", "MAX_PARAMS_BYTES", "PairsDecoder", "decode_pairs", "encode_pairs"]

MAX_PARAMS_BYTES = 1 << 20
"""Default limit on one request's encoded server variables, in bytes.

http.sys takes 16 KiB of request headers unless the registry says otherwise, and its upper bound is
16 MiB; no configuration seen in the wild comes near 1 MiB.
"""

MAX_PARAMS = 2000
"""Default limit on the number of one request's server variables.

IIS sends 41 of its own and one for each header; servers cut headers off at about 100.
"""

_LENGTH = struct.Struct("!L")

Runs = Mapping[str, tuple[bytes, dict[str, str]]]
"""Runs of pairs by the name of their first one: the bytes, and what they say."""

_NO_RUNS: Runs = MappingProxyType({})

_SHORTEST_RUN = 3
"""Pairs; fewer are as quickly decoded as recognised."""

_LONGEST_STREAM = 16384
"""Bytes of a stream that runs are taken from: http.sys takes as much of headers by itself."""


def encode_pairs(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """Name/value pairs as the content of PARAMS or GET_VALUES (section 3.4); text is latin-1.

    :raises UnicodeEncodeError: a character above U+00FF, which stands for no byte.
    """
    out: list[bytes] = []
    for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        raw_name, raw_value = name.encode("latin-1"), value.encode("latin-1")
        out += (_encode_length(len(raw_name)), _encode_length(len(raw_value)), raw_name, raw_value)
    return b"".join(out)


def _encode_length(length: int) -> bytes:
    return bytes((length,)) if length < 128 else _LENGTH.pack(length | 0x80000000)


def decode_pairs(data: bytes, limit: int = MAX_PARAMS, runs: Runs = _NO_RUNS) -> dict[str, str]:
    """Name/value pairs out of a whole stream; each byte becomes one latin-1 character.

    The stream is the joined content of all its records, so a pair may straddle any number of
    them. Of two pairs with the same name the later one counts.

    :param runs: what is not taken apart where its very bytes come again.
    :raises ProtocolError: a length runs past the end.
    :raises RequestTooLarge: there are more than *limit* names.
    """
    pairs: dict[str, str] = {}
    # One decoding for all pairs: slicing text is cheaper than decoding two slices a pair.
    text = data.decode("latin-1")
    position = 0
    # IIS sends some fifty pairs a request, and this loop is a third of what a small one costs.
    # Reading past the end leaves it; whether that was between two pairs is asked once, below.
    try:
        while True:
            start = position
            name_length, value_length = data[position], data[position + 1]
            if name_length > 127 or value_length > 127:
                position, name_length, value_length = _long_lengths(data, position)
            else:
                position += 2
            name_end = position + name_length
            name = text[position:name_end]
            position = name_end + value_length
            if name in runs and data.startswith(runs[name][0], start):
                raw, known = runs[name]
                pairs.update(known)
                position = start + len(raw)
                continue
            pairs[name] = text[name_end:position]
    except (IndexError, struct.error):
        pass
    if position != len(data):
        raise ProtocolError(
            "P03",
            f"name/value pairs of {len(data)} bytes end within a pair; the stream is cut short",
        )
    if len(pairs) > limit:
        raise RequestTooLarge(
            "P04",
            f"more than {limit} server variables in one request; "
            "raise max_params if the site really sends so many",
        )
    return pairs


class PairsDecoder:
    """Decodes the pairs of one connection's requests, which say mostly the same.

    IIS sends its whole list of variables with each request. What the requests have in common is
    looked for now and then, ever more rarely, and from then on recognised by its bytes, run by
    run, instead of being taken apart. The result is that of :func:`decode_pairs`, always.
    """

    def __init__(self) -> None:
        self._runs = _NO_RUNS
        self._common: set[bytes] | None = None
        self._count = 0
        self._look_at = 1

    def decode(self, data: bytes, limit: int = MAX_PARAMS) -> dict[str, str]:
        """See :func:`decode_pairs`."""
        pairs = decode_pairs(data, limit, self._runs)
        self._count += 1
        if self._count == self._look_at:
            self._look_at *= 2
            if len(data) <= _LONGEST_STREAM:
                self._look(list(_encoded_pairs(data)))
        return pairs

    def _look(self, pairs: list[bytes]) -> None:
        """Keep of what was common so far that which is in *pairs* as well."""
        self._common = set(pairs) if self._common is None else self._common.intersection(pairs)
        runs: dict[str, tuple[bytes, dict[str, str]]] = {}
        run: list[bytes] = []
        for pair in (*pairs, b""):  # which ends the last run
            if pair in self._common:
                run.append(pair)
                continue
            if len(run) >= _SHORTEST_RUN:
                raw = b"".join(run)
                known = decode_pairs(raw)
                runs[next(iter(known))] = raw, known
            run = []
        self._runs = runs


def _encoded_pairs(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        begin, name_length, value_length = _long_lengths(data, position)
        end = begin + name_length + value_length
        yield data[position:end]
        position = end


def _long_lengths(data: bytes, position: int) -> tuple[int, int, int]:
    """Where the name begins, and both lengths, of a pair that may have lengths of four bytes."""
    lengths = []
    for _ in range(2):
        length = data[position]
        if length < 128:
            position += 1
        else:
            length = _LENGTH.unpack_from(data, position)[0] & 0x7FFFFFFF
            position += 4
        lengths.append(length)
    return position, lengths[0], lengths[1]
