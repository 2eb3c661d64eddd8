"""What the requests of a connection have in common is recognised by its bytes, not taken apart.

IIS sends its whole list of server variables with each request, and most of them say the same each
time. Decoding them one by one was a third of what a small request cost.
"""

from __future__ import annotations

from struct import error as StructError  # noqa: N812  # an exception's name
from typing import TYPE_CHECKING

from iiswsgi.fastcgi.pairs import MAX_PARAMS, decode_pairs, pair_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PairsDecoder"]

_LONGEST_STREAM = 16384
"""Bytes of a stream from which anything is kept: http.sys takes as much of headers by itself."""

_LOOKS = 100
"""Times that a stream which is not as expected changes what is expected of the next one.

Twice as many as IIS sends variables. Each time fewer are left; beyond that some peer changes their
order again and again, and nothing is to be gained.
"""


class PairsDecoder:
    """Decodes the pairs of one connection's requests. The result is that of decode_pairs, always.

    The first stream is expected to come again. From each that differs it is learnt what the streams
    have in common, until that comes with every request: here and there a pair that differs, and
    between them runs of pairs whose bytes are only compared.
    """

    def __init__(self) -> None:
        self._common: dict[str, str] = {}
        self._sections: list[tuple[bytes, int, str]] = []
        """Each a run of common pairs as they are encoded, its length, and the name of the last pair
        that is not common before the next run; an empty name at the end, where none may come."""
        self._encoded: set[bytes] | None = None
        self._looks = _LOOKS

    def decode(self, data: bytes, limit: int = MAX_PARAMS) -> dict[str, str]:
        """See :func:`decode_pairs`; but the pairs come in any order."""
        pairs = self._recognise(data) if self._common else None
        if pairs is None or len(pairs) > limit:
            pairs = decode_pairs(data, limit)
            if self._looks and len(data) <= _LONGEST_STREAM:
                self._looks -= 1
                self._learn(data, pairs)
        return pairs

    def _recognise(self, data: bytes) -> dict[str, str] | None:
        """Decode what is as expected: every run in its place, and no name twice."""
        pairs = self._common.copy()
        text = data.decode("latin-1")  # slicing text is cheaper than decoding slices
        position = own = 0
        try:
            for run, length, last in self._sections:
                if not data.startswith(run, position):
                    return None
                position += length
                name = ""
                # What every request goes through once for each pair of its own.
                while name != last:
                    name_length = data[position]
                    value_length = data[position + 1]
                    if name_length | value_length < 128:
                        name_start = position + 2
                    else:
                        name_start, name_length, value_length = pair_lengths(data, position)
                    name_end = name_start + name_length
                    name = text[name_start:name_end]
                    position = name_end + value_length
                    pairs[name] = text[name_end:position]
                    own += 1
        except (IndexError, StructError):
            return None
        as_expected = position == len(data) and len(pairs) == len(self._common) + own
        return pairs if as_expected else None

    def _learn(self, data: bytes, pairs: dict[str, str]) -> None:
        """Keep of what was common so far that which is in this stream as well."""
        encoded = list(_encoded_pairs(data))
        if len(encoded) != len(pairs) or "" in pairs:
            return  # a name twice, or none at all; from such a stream there is nothing to learn
        both = set(encoded) if self._encoded is None else self._encoded.intersection(encoded)
        self._encoded, self._common, self._sections = both, {}, []
        run, last = b"", ""
        for (name, value), pair in zip(pairs.items(), encoded, strict=True):
            if pair not in both:
                last = name
                continue
            if last:
                self._sections.append((run, len(run), last))
                run, last = b"", ""
            self._common[name] = value
            run += pair
        self._sections.append((run, len(run), last))


def _encoded_pairs(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        name_start, name_length, value_length = pair_lengths(data, position)
        end = name_start + name_length + value_length
        yield data[position:end]
        position = end
