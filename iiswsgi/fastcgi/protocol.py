"""FastCGI records as values: bytes in, values out, and back; no I/O.

The rules are those of the FastCGI specification 1.0 (sections 3 and 8); where a peer is known to
bend them, the place says so. Name/value pairs are made in :mod:`.pairs` and offered here as well,
so that this is all of the wire.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from iiswsgi.errors import ProtocolError
from iiswsgi.fastcgi.pairs import MAX_PARAMS, MAX_PARAMS_BYTES, decode_pairs, encode_pairs

__all__ = [
    "HEADER_SIZE",
    "KEEP_CONN",
    "MAX_CONTENT",
    "MAX_PARAMS",
    "MAX_PARAMS_BYTES",
    "NULL_REQUEST_ID",
    "VERSION",
    "Decoder",
    "ProtocolStatus",
    "Record",
    "RecordType",
    "Role",
    "decode_begin",
    "decode_end",
    "decode_pairs",
    "encode_begin",
    "encode_end",
    "encode_header",
    "encode_pairs",
    "encode_record",
    "encode_request_end",
    "encode_response_end",
    "split_content",
]

VERSION = 1
HEADER_SIZE = 8
NULL_REQUEST_ID = 0
KEEP_CONN = 1
"""The flag in BEGIN_REQUEST that asks to leave the connection open (section 5.1)."""

MAX_CONTENT = 65535
"""Bytes of content in one record: the length field has 16 bits (section 3.3)."""

_HEADER = struct.Struct("!BBHHBx")
_unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack
_BEGIN = struct.Struct("!HB5x")
_END = struct.Struct("!LB3x")
_STREAM_AND_REQUEST_END = struct.Struct("!BBHHBx BBHHBx LB3x")
_TWO_HEADERS = struct.Struct("!HHL HHL")
_pack_two_headers = _TWO_HEADERS.pack
_USUAL = struct.Struct("!HHL HB5x HHHH")
_unpack_usual = _USUAL.unpack_from


class RecordType(IntEnum):
    """Section 8, "Types of records"."""

    BEGIN_REQUEST = 1
    ABORT_REQUEST = 2
    END_REQUEST = 3
    PARAMS = 4
    STDIN = 5
    STDOUT = 6
    STDERR = 7
    DATA = 8
    GET_VALUES = 9
    GET_VALUES_RESULT = 10
    UNKNOWN_TYPE = 11


# An enumeration's member is looked up through its class's dictionary of members each time.
_STDOUT = int(RecordType.STDOUT)
_END_REQUEST = int(RecordType.END_REQUEST)


_V1_BEGIN_REQUEST, _V1_PARAMS, _V1_STDIN = (
    VERSION << 8 | int(type_)
    for type_ in (RecordType.BEGIN_REQUEST, RecordType.PARAMS, RecordType.STDIN)
)
"""Version and type, the first two bytes of a record."""

_USUAL_VALUES = _V1_BEGIN_REQUEST, _BEGIN.size << 16, _V1_PARAMS, 0
"""Of a usual request: how it begins, BEGIN_REQUEST's size and no padding, PARAMS, no padding."""


class Role(IntEnum):
    """Section 8, "Values for role component of FCGI_BeginRequestBody"."""

    RESPONDER = 1
    AUTHORIZER = 2
    FILTER = 3


class ProtocolStatus(IntEnum):
    """Section 8, "Values for protocolStatus component of FCGI_EndRequestBody"."""

    REQUEST_COMPLETE = 0
    CANT_MPX_CONN = 1
    OVERLOADED = 2
    UNKNOWN_ROLE = 3


class Record(NamedTuple):
    """One record without its version and padding."""

    type: int
    """A :class:`RecordType`, or any other number a peer may send."""
    request_id: int
    """0 for management records, else the number that the peer gave the request."""
    content: bytes
    """0 to 65535 bytes."""


_new_record = tuple.__new__
"""What Record() calls through a Python function, at twice the cost, for every record."""


class Decoder:
    """Cuts one connection's byte stream into records, however the bytes are cut.

    >>> decoder = Decoder()
    >>> decoder.feed(encode_record(RecordType.STDIN, 1, b"body")[:5])
    >>> decoder.next_record() is None
    True
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0
        # Pieces are joined only when the record they belong to is whole: a large record that
        # arrives byte by byte is copied once, not once a byte.
        self._pieces: list[bytes] = []
        self._needed = HEADER_SIZE
        self.pending = 0
        """Bytes fed and not yet given out: 0 exactly at a record boundary."""

    def feed(self, data: bytes) -> None:
        """Append bytes that the transport received."""
        if self.pending:
            self._pieces.append(data)
        else:
            self._buffer, self._position = data, 0
        self.pending += len(data)

    def has_record(self) -> bool:
        """Whether there is a whole record, or what next_record() refuses."""
        if self.pending < HEADER_SIZE:
            return False
        if self._pieces and len(self._buffer) - self._position < HEADER_SIZE:
            self._join()
        version, _, _, length, padding = _unpack_header(self._buffer, self._position)
        return bool(version != VERSION or self.pending >= HEADER_SIZE + length + padding)

    def usual_request(self) -> tuple[int, int, int, bytes] | None:
        """Id, role, flags and name/value pairs of the next request, if it is here as most are.

        That is: all of it, with its pairs in one record, and without a body. None says that it is
        not; then its records are to be taken one by one, which works for every request, at more
        cost. To be called at a record's boundary.
        """
        start = self._position
        if self._pieces or self.pending <= _USUAL.size:
            return None
        begin, request_id, eight, role, flags, params, params_id, size, padding = _unpack_usual(
            self._buffer, start
        )
        start += _USUAL.size
        end = start + size
        if (
            (begin, eight, params, padding) != _USUAL_VALUES
            or not size  # an empty record ends PARAMS, and a second one is an error
            or not request_id == params_id != NULL_REQUEST_ID
            or not self._buffer.startswith(encode_request_end(request_id), end)
        ):
            return None
        self.pending -= end + _TWO_HEADERS.size - self._position
        self._position = end + _TWO_HEADERS.size
        return request_id, role, flags, self._buffer[start:end]

    def next_record(self) -> Record | None:
        """The next whole record, or None until more is fed.

        :raises ProtocolError: the bytes are not version 1 (section 3.3).
        """
        available = self.pending
        if available < self._needed:
            return None
        if self._pieces:
            self._join()
        buffer, start = self._buffer, self._position
        version, type_, request_id, length, padding = _unpack_header(buffer, start)
        if version != VERSION:
            raise ProtocolError(
                "P01",
                f"a record of version {version} arrived where version 1 is spoken; "
                "the bytes are no FastCGI, or something else wrote to the pipe",
            )
        size = HEADER_SIZE + length + padding
        if available < size:
            self._needed = size
            return None
        self._position = start + size
        self.pending = available - size
        self._needed = HEADER_SIZE
        start += HEADER_SIZE
        return _new_record(Record, (type_, request_id, buffer[start : start + length]))

    def _join(self) -> None:
        rest = self._buffer[self._position :]
        self._buffer = b"".join([rest, *self._pieces]) if rest else b"".join(self._pieces)
        self._pieces.clear()
        self._position = 0


def encode_record(type_: int, request_id: int, content: bytes = b"", padding: int = 0) -> bytes:
    """One record as bytes.

    :raises ValueError: *content* is longer than 65535 bytes or *padding* than 255.
    """
    if len(content) > MAX_CONTENT or not 0 <= padding <= 255:
        raise ValueError(f"{len(content)} bytes and {padding} of padding do not fit in a record")
    header = _HEADER.pack(VERSION, type_, request_id, len(content), padding)
    return b"".join((header, content, bytes(padding)))


def encode_header(type_: int, request_id: int, size: int) -> bytes:
    """The header of a record whose content, *size* bytes up to 65535, follows; no padding."""
    return _pack_header(VERSION, type_, request_id, size, 0)


@functools.lru_cache(maxsize=64)
def encode_request_end(request_id: int) -> bytes:
    """The empty records that end PARAMS and STDIN: how nearly every request without a body ends."""
    return _pack_two_headers(_V1_PARAMS, request_id, 0, _V1_STDIN, request_id, 0)


def split_content(type_: int, request_id: int, data: bytes) -> Iterator[bytes | memoryview]:
    """Headers and contents, in turn, of the records that carry *data*; nothing is copied."""
    size = len(data)
    if size <= MAX_CONTENT:
        if size:
            yield _HEADER.pack(VERSION, type_, request_id, size, 0)
            yield data
        return
    view = memoryview(data)
    for start in range(0, size, MAX_CONTENT):
        part = view[start : start + MAX_CONTENT]
        yield _HEADER.pack(VERSION, type_, request_id, len(part), 0)
        yield part


def encode_begin(request_id: int, role: int = Role.RESPONDER, flags: int = KEEP_CONN) -> bytes:
    """A BEGIN_REQUEST record (section 5.1)."""
    return encode_record(RecordType.BEGIN_REQUEST, request_id, _BEGIN.pack(role, flags))


def decode_begin(content: bytes) -> tuple[int, int]:
    """Role and flags out of a BEGIN_REQUEST's content.

    :raises ProtocolError: the content is not the 8 bytes of section 5.1.
    """
    if len(content) != _BEGIN.size:
        raise ProtocolError(
            "P02", f"a BEGIN_REQUEST of {len(content)} bytes arrived; it must have {_BEGIN.size}"
        )
    role, flags = _BEGIN.unpack(content)
    return role, flags


def encode_end(
    request_id: int, app_status: int = 0, status: int = ProtocolStatus.REQUEST_COMPLETE
) -> bytes:
    """An END_REQUEST record (section 5.5); *app_status* is taken modulo 2**32."""
    content = _END.pack(app_status & 0xFFFFFFFF, status)
    return encode_record(RecordType.END_REQUEST, request_id, content)


@functools.lru_cache(maxsize=64)
def encode_response_end(request_id: int, app_status: int, status: int) -> bytes:
    """The empty record that ends STDOUT, and END_REQUEST: how nearly every response ends."""
    return _STREAM_AND_REQUEST_END.pack(
        VERSION, _STDOUT, request_id, 0, 0,
        VERSION, _END_REQUEST, request_id, _END.size, 0,
        app_status & 0xFFFFFFFF, status,
    )  # fmt: skip


def decode_end(content: bytes) -> tuple[int, int]:
    """Application status and protocol status out of an END_REQUEST's content.

    :raises ProtocolError: the content is not the 8 bytes of section 5.5.
    """
    if len(content) != _END.size:
        raise ProtocolError(
            "P02", f"an END_REQUEST of {len(content)} bytes arrived; it must have {_END.size}"
        )
    app_status, status = _END.unpack(content)
    return app_status, status
