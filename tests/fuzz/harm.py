"""What may become of a conversation on its way: by the record, and by the byte."""

from __future__ import annotations

from iiswsgi.fastcgi import protocol


def harm(rng, records):
    """The bytes of *records*, with one to three harms done, and the offset of the first."""
    harmed = list(records)
    first = len(records)
    byte_harms = 0
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.35 or not harmed:
            byte_harms += 1
        else:
            first = min(first, rng.choice(_RECORD_HARMS)(rng, harmed))
    data = bytearray(b"".join(harmed))
    offset = sum(map(len, records[:first]))
    for _ in range(byte_harms):
        offset = min(offset, rng.choice(_BYTE_HARMS)(rng, data))
    return bytes(data), offset


# By the record: each changes the list and says the index of the first record that is not as it was.


def _drop(rng, records):
    index = rng.randrange(len(records))
    del records[index]
    return index


def _double(rng, records):
    index = rng.randrange(len(records))
    records.insert(index, records[index])
    return index + 1


def _swap(rng, records):
    one, other = rng.randrange(len(records)), rng.randrange(len(records))
    records[one], records[other] = records[other], records[one]
    return min(one, other)


def _repeat(rng, records):
    """Say an earlier record once more, later."""
    source, index = rng.randrange(len(records)), rng.randrange(len(records) + 1)
    records.insert(index, records[source])
    return index


def _header(rng, records):
    """Another version, type, id, length or padding, with the content as it was."""
    index = rng.randrange(len(records))
    record = bytearray(records[index])
    place = rng.randrange(7)
    record[place] = rng.choice((0, 1, 2, 4, 5, 8, 9, 127, 128, 255, rng.randrange(256)))
    records[index] = bytes(record)
    return index


def _shorten(rng, records):
    """Cut the content, and let the header tell."""
    index = rng.randrange(len(records))
    _, type_, request_id, content = _split(records[index])
    content = content[: rng.randrange(len(content) + 1)]
    records[index] = protocol.encode_record(type_, request_id, content)
    return index


def _split(record):
    length = int.from_bytes(record[4:6], "big")
    return record[0], record[1], int.from_bytes(record[2:4], "big"), record[8 : 8 + length]


def _pairs(rng, records):
    """Lengths in PARAMS that are not so: huge, or past the end."""
    places = [i for i, record in enumerate(records) if record[1] in (4, 9) and _split(record)[3]]
    if not places:
        return _drop(rng, records)
    index = rng.choice(places)
    _, type_, request_id, content = _split(records[index])
    at = rng.randrange(len(content))
    lengths = rng.choice(
        (b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\xff", b"\x7f\x7f", b"\0\0", b"\xfe")
    )
    content = (content[:at] + lengths + content[at:])[: protocol.MAX_CONTENT]
    records[index] = protocol.encode_record(type_, request_id, content)
    return index


def _insert(rng, records):
    """Put a record of any kind in between, mostly for a request that runs."""
    index = rng.randrange(len(records) + 1)
    near = records[min(index, len(records) - 1)]
    request_id = rng.choice((_split(near)[2], _split(near)[2], 0, 1, rng.randrange(65536)))
    content = rng.choice((b"", b"\0\1\1\0\0\0\0\0", b"\0\1\0\0\0\0\0\0", rng.randbytes(9), b"ab"))
    records.insert(index, protocol.encode_record(rng.choice(_TYPES), request_id, content))
    return index


_TYPES = (1, 1, 2, 2, 2, 4, 5, 5, 9, 3, 6, 8, 11, 200)


def _end(rng, records):
    index = rng.randrange(len(records))
    del records[index:]
    return index


_RECORD_HARMS = (_drop, _double, _swap, _repeat, _header, _header, _shorten, _pairs, _insert, _end)


# By the byte: each changes the data and says the offset of the first byte that is not as it was.


def _flip(rng, data):
    offset = _place(rng, data)
    if offset < len(data):
        data[offset] ^= 1 << rng.randrange(8)
    return offset


def _overwrite(rng, data):
    offset = _place(rng, data)
    end = min(len(data), offset + rng.choice((1, 2, 4, 8, 100)))
    data[offset:end] = rng.choice((bytes(end - offset), b"\xff" * (end - offset)))
    return offset


def _delete(rng, data):
    offset = _place(rng, data)
    del data[offset : offset + rng.choice((1, 1, 2, 8, 100))]
    return offset


def _garbage(rng, data):
    offset = _place(rng, data)
    data[offset:offset] = rng.randbytes(rng.choice((1, 2, 8, 300)))
    return offset


def _cut(rng, data):
    offset = _place(rng, data)
    del data[offset:]
    return offset


def _place(rng, data):
    return rng.randrange(len(data) + 1)


_BYTE_HARMS = (_flip, _flip, _overwrite, _delete, _garbage, _cut)


# Legal, and yet never twice the same.


def cut(rng, data):
    """*data* in pieces as receives may bring it."""
    way = rng.random()
    if way < 0.35:
        return [data[i : i + 65536] for i in range(0, len(data), 65536)]
    if way < 0.38 and len(data) < 3000:
        return [data[i : i + 1] for i in range(len(data))]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randint(1, 12)))
    pieces = [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [piece for piece in pieces if piece]
