"""Name/value pairs (FastCGI 1.0, section 3.4): the contents of PARAMS and of GET_VALUES; no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from iiswsgi.errors import ProtocolError, RequestTooLarge

__all__ = ["MAX_PARAMS", "MAX_PARAMS_BYTES", "decode_pairs", "encode_pairs", "pair_lengths"]

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


def decode_pairs(data: bytes, limit: int = MAX_PARAMS) -> dict[str, str]:
    """Name/value pairs out of a whole stream; each byte becomes one latin-1 character.

    The stream is the joined content of all its records, so a pair may straddle any number of
    them. Of two pairs with the same name the later one counts; but those of a request's headers are
    joined, as a web server should have done: nginx before 1.23 sends each line by itself.

    :raises ProtocolError: a length runs past the end.
    :raises RequestTooLarge: there are more than *limit* pairs.
    """
    pairs: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    count = 0
    # One decoding for all pairs: slicing text is cheaper than decoding two slices a pair.
    text = data.decode("latin-1")
    position = 0
    # Reading past the end leaves the loop; whether that was between two pairs is asked once, below.
    try:
        while count <= limit:
            name_start, name_length, value_length = pair_lengths(data, position)
            name_end = name_start + name_length
            position = name_end + value_length
            name, value = text[name_start:name_end], text[name_end:position]
            if name in pairs and name.startswith("HTTP_"):
                repeated.setdefault(name, [pairs[name]]).append(value)
            pairs[name] = value
            count += 1
    except (IndexError, struct.error):
        pass
    if count > limit:
        raise RequestTooLarge(
            "P04",
            f"more than {limit} server variables in one request; "
            "raise max_params if the site really sends so many",
        )
    if position != len(data):
        raise ProtocolError(
            "P03",
            f"name/value pairs of {len(data)} bytes end within a pair; the stream is cut short",
        )
    for name, values in repeated.items():
        # RFC 9110, section 5.2, and RFC 6265, section 5.4. What may be there once, such as Host, is
        # spoilt by that, as it should be: nobody knows which one others have believed.
        pairs[name] = ("; " if name == "HTTP_COOKIE" else ", ").join(values)
    return pairs


def pair_lengths(data: bytes, position: int) -> tuple[int, int, int]:
    """Where the name begins, and both lengths, of the pair at *position*.

    :raises IndexError: the data end within the first of these bytes.
    :raises struct.error: they end within a length of four bytes.
    """
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
