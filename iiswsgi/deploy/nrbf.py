"""One .NET object of four members as BinaryFormatter writes it: bytes to values and back; no I/O.

The format is MS-NRBF, "The .NET Remoting: Binary Format Data Structure". Of its seventeen records
those are known here that can carry Web Deploy's provider options; anything else is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

__all__ = ["CLASS", "MEMBERS", "Malformed", "Options", "dump", "load"]

CLASS = "Microsoft.Web.Deployment.DeploymentProviderOptions"
MEMBERS = ("providerName", "path", "names", "values")

MAX_STRING = 64 << 10
"""Bytes of one string. A command line of Windows has at most 32,767 characters."""

MAX_ITEMS = 256
"""Settings of one provider. The richest of Microsoft's has fewer than thirty."""


class Malformed(ValueError):
    """The bytes are no provider options; the text says what is wrong."""


class Options(NamedTuple):
    """The object: its class's assembly and its members."""

    library: str
    provider: str
    path: str
    names: tuple[str, ...]
    values: tuple[str, ...]


class _Record(IntEnum):
    """RecordTypeEnumeration, MS-NRBF section 2.1.2.1."""

    HEADER = 0
    CLASS = 5
    STRING = 6
    REFERENCE = 9
    NULL = 10
    END = 11
    LIBRARY = 12
    NULLS_256 = 13
    NULLS = 14
    STRINGS = 17


_OBJECT, _LIBRARY, _PROVIDER, _PATH, _NAMES, _VALUES = range(1, 7)
"""The ids that BinaryFormatter gives; an array's strings have those that follow."""

_HEADER = struct.pack("<biiii", _Record.HEADER, _OBJECT, -1, 1, 0)
_TYPES = bytes((1, 1, 6, 6))
"""String, String, StringArray, StringArray: BinaryTypeEnumeration, section 2.1.2.2."""


def dump(options: Options) -> bytes:
    """The bytes that BinaryFormatter makes of *options*."""
    members = b"".join(map(_text, MEMBERS))
    first_name = _VALUES + 1
    return b"".join(
        (
            _HEADER,
            _tagged(_Record.LIBRARY, _LIBRARY) + _text(options.library),
            _tagged(_Record.CLASS, _OBJECT) + _text(CLASS) + _number(len(MEMBERS)) + members,
            _TYPES + _number(_LIBRARY),
            _string(_PROVIDER, options.provider),
            _string(_PATH, options.path),
            _tagged(_Record.REFERENCE, _NAMES) + _tagged(_Record.REFERENCE, _VALUES),
            _array(_NAMES, first_name, options.names),
            _array(_VALUES, first_name + len(options.names), options.values),
            bytes((_Record.END,)),
        )
    )


def _number(value: int) -> bytes:
    return struct.pack("<i", value)


def _tagged(record: _Record, value: int) -> bytes:
    return bytes((record,)) + _number(value)


def _text(text: str) -> bytes:
    """LengthPrefixedString, section 2.1.1.6: seven bits of the length a byte, lowest first."""
    data = text.encode("utf-8")
    length, prefix = len(data), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data


def _string(number: int, text: str) -> bytes:
    return _tagged(_Record.STRING, number) + _text(text)


def _array(number: int, first: int, items: Sequence[str]) -> bytes:
    strings = (_string(item_number, item) for item_number, item in enumerate(items, first))
    return _tagged(_Record.STRINGS, number) + _number(len(items)) + b"".join(strings)


def load(data: bytes) -> Options:
    """What *data* says; a null is an empty string.

    :raises Malformed: it is something else than one such object.
    """
    return _Reader(data).read()


class _Reader:
    """A cursor over the records; strings and arrays are kept by their ids."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._strings: dict[int, str] = {}
        self._arrays: dict[int, list[str | int]] = {}

    def read(self) -> Options:
        if self._take(len(_HEADER)) != _HEADER:
            raise Malformed("it does not begin as a serialized .NET object")
        self._expect(_Record.LIBRARY)
        self._number()
        library = self._text()
        self._read_class()
        provider, path, names, values = [self._member() for _ in MEMBERS]
        self._read_the_rest()
        return Options(
            library,
            self._resolved(provider),
            self._resolved(path),
            self._items(names),
            self._items(values),
        )

    def _read_class(self) -> None:
        self._expect(_Record.CLASS)
        self._number()
        name = self._text()
        members = tuple(self._text() for _ in range(self._count(len(MEMBERS))))
        if name != CLASS or members != MEMBERS or self._take(len(_TYPES)) != _TYPES:
            raise Malformed(f"it is an object of the class {name!r}, not of {CLASS}")
        self._number()

    def _member(self) -> str | int:
        """A string as it stands, or the id of what follows later."""
        record = self._record()
        if record is _Record.STRING:
            return self._string()
        if record is _Record.REFERENCE:
            return self._number()
        if record is _Record.NULL:
            return ""
        raise Malformed(f"a member is a record of type {record}")

    def _read_the_rest(self) -> None:
        while (record := self._record()) is not _Record.END:
            if record is _Record.STRING:
                self._string()
            elif record is _Record.STRINGS:
                self._array()
            else:
                raise Malformed(f"a record of type {record} stands between the objects")
        if self._at != len(self._data):
            raise Malformed("something follows its end")

    def _array(self) -> None:
        number, count = self._number(), self._count(MAX_ITEMS)
        items = self._arrays[number] = []
        while len(items) < count:
            items.extend(self._element(count - len(items)))

    def _element(self, wanted: int) -> list[str | int]:
        """The next element; or several, where nulls are counted instead of written."""
        record = self._record()
        if record not in (_Record.NULLS_256, _Record.NULLS):
            self._at -= 1
            return [self._member()]
        nulls = self._take(1)[0] if record is _Record.NULLS_256 else self._number()
        if not 0 < nulls <= wanted:
            raise Malformed(f"{nulls} nulls stand where {wanted} elements are missing")
        return [""] * nulls

    def _items(self, member: str | int) -> tuple[str, ...]:
        if not isinstance(member, int) or member not in self._arrays:
            raise Malformed("names or values is no array of strings")
        return tuple(map(self._resolved, self._arrays[member]))

    def _resolved(self, value: str | int) -> str:
        if isinstance(value, str):
            return value
        if value not in self._strings:
            raise Malformed(f"object {value} is referred to and is not there")
        return self._strings[value]

    def _string(self) -> str:
        number = self._number()
        text = self._strings[number] = self._text()
        return text

    def _text(self) -> str:
        length = shift = 0
        more = True
        while more:
            byte = self._take(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            more = byte > 0x7F
            if length > MAX_STRING or shift > 35:  # five bytes at most, section 2.1.1.6
                raise Malformed(f"a string has more than {MAX_STRING} bytes")
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed(f"a string is no UTF-8: {error}") from error

    def _record(self) -> _Record:
        kind = self._take(1)[0]
        try:
            return _Record(kind)
        except ValueError:
            raise Malformed(f"a record of type {kind} has no place in it") from None

    def _expect(self, record: _Record) -> None:
        found = self._record()
        if found is not record:
            raise Malformed(f"a record of type {found} stands where {record} should")

    def _count(self, most: int) -> int:
        count = self._number()
        if not 0 <= count <= most:
            raise Malformed(f"{count} items; there may be {most}")
        return count

    def _number(self) -> int:
        number: int = struct.unpack("<i", self._take(4))[0]
        return number

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise Malformed("it ends in the middle")
        self._at += count
        return piece
