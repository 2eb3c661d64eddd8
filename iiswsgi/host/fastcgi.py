"""The web server's side of one FastCGI request as bytes and values; no I/O.

What is sent follows what is known of IIS (its order, its grouping into writes); what comes back
is checked strictly: whatever IIS might not forgive is a :class:`WorkerFailure` here.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from iiswsgi.errors import ProtocolError
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import RecordType
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.head import Head, HeadParser
from iiswsgi.host.modes import Wire

__all__ = ["Body", "End", "Event", "ReplyParser", "RequestWriter", "Stderr", "request_ids"]


@dataclass(frozen=True)
class Body:
    """Bytes of the response's body."""

    data: bytes


@dataclass(frozen=True)
class Stderr:
    """Bytes that the worker sent as FCGI_STDERR."""

    data: bytes


@dataclass(frozen=True)
class End:
    """END_REQUEST."""

    app_status: int
    protocol_status: int


Event = Head | Body | Stderr | End

_UNKNOWN_TYPE = 77
"""A record type that nobody has given a meaning."""


class RequestWriter:
    """Turns one request into the writes that carry it, each a bytes object of its own."""

    def __init__(self, wire: Wire, request_id: int, *, seed: int = 0) -> None:
        self._wire = wire
        self.request_id = request_id
        self._random = random.Random((wire.seed << 32) + seed)  # noqa: S311 - repeatable, and no secret
        self.foreign_ids: frozenset[int] = frozenset()
        """Ids of requests that were begun only to be refused."""

    def opening(self, variables: Sequence[tuple[str, str]], with_body: bool) -> list[bytes]:
        """BEGIN_REQUEST and PARAMS; without a body the empty STDIN too."""
        wire = self._wire
        begin = self._begin()
        params = [self._record(RecordType.PARAMS, part) for part in self._split(variables)]
        closing = self._record(RecordType.PARAMS)
        if with_body:
            rest = [*params, closing]
        elif wire.join_without_body:
            rest = [b"".join((*params, closing, self._record(RecordType.STDIN)))]
        else:
            rest = [*params, closing, self._record(RecordType.STDIN)]
        if wire.begin_alone:
            return self._cut([begin, *rest])
        return self._cut([begin + rest[0], *rest[1:]])

    def body(self, data: bytes) -> list[bytes]:
        """STDIN records for a part of the body, each a write."""
        parts = _slices(data, self._wire.stdin_size)
        return self._cut([self._record(RecordType.STDIN, part) for part in parts])

    def end_of_body(self) -> list[bytes]:
        """The empty STDIN record."""
        return self._cut([self._record(RecordType.STDIN)])

    def abort(self) -> list[bytes]:
        """ABORT_REQUEST."""
        return [protocol.encode_record(RecordType.ABORT_REQUEST, self.request_id)]

    def _begin(self) -> bytes:
        # Noise stands right behind BEGIN_REQUEST: there a worker surely reads it within the
        # request, and cannot take it for the next one.
        wire = self._wire
        out = [protocol.encode_begin(self.request_id, wire.role, wire.flags)]
        if "second_begin" in wire.noise:
            other = self.request_id % 65535 + 1
            self.foreign_ids = frozenset((other,))
            out.append(protocol.encode_begin(other, wire.role, wire.flags))
        if "data" in wire.noise:
            out.append(self._record(RecordType.DATA, b"data nobody asked for"))
        if "unknown" in wire.noise:
            out.append(protocol.encode_record(_UNKNOWN_TYPE, protocol.NULL_REQUEST_ID, b"?"))
        if "get_values" in wire.noise:
            names = protocol.encode_pairs((("FCGI_MPXS_CONNS", ""),))
            get_values = RecordType.GET_VALUES
            out.append(protocol.encode_record(get_values, protocol.NULL_REQUEST_ID, names))
        return b"".join(out)

    def _split(self, variables: Sequence[tuple[str, str]]) -> Iterator[bytes]:
        limit = self._wire.params_limit
        if self._wire.split_pairs:
            yield from _slices(protocol.encode_pairs(variables), limit)
            return
        gathered = b""
        for pair in variables:
            encoded = protocol.encode_pairs((pair,))
            if len(gathered) + len(encoded) > limit:
                yield from _slices(gathered, limit)
                gathered = b""
            gathered += encoded
        # A single pair over the limit has to be split after all.
        yield from _slices(gathered, limit)

    def _record(self, type_: int, content: bytes = b"") -> bytes:
        padding = self._random.randint(0, self._wire.padding)
        return protocol.encode_record(type_, self.request_id, content, padding)

    def _cut(self, writes: list[bytes]) -> list[bytes]:
        most = self._wire.cut
        if not most:
            return writes
        pieces: list[bytes] = []
        for write in writes:
            start = 0
            while start < len(write):
                end = start + self._random.randint(1, most)
                pieces.append(write[start:end])
                start = end
        return pieces


class ReplyParser:
    """Turns the bytes of one reply into events, and refuses what IIS might.

    :param request_id: the only id that may come back.
    :param foreign_ids: ids that may be answered with "cannot multiplex", and nothing else.
    :param management: whether the worker was asked something that it answers with id 0.
    """

    def __init__(
        self,
        request_id: int,
        *,
        foreign_ids: frozenset[int] = frozenset(),
        management: bool = False,
    ) -> None:
        self._request_id = request_id
        self._foreign_ids = foreign_ids
        self._management = management
        self._decoder = protocol.Decoder()
        self._head = HeadParser()
        self._received = 0
        self.ended = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the next bytes say.

        :raises WorkerFailure: ``bad_reply``, they are not what a worker may send.
        """
        self._received += len(data)
        self._decoder.feed(data)
        try:
            while (record := self._decoder.next_record()) is not None:
                if self.ended:
                    raise _bad("bytes came after END_REQUEST, before the next request was sent")
                yield from self._record(record)
        except ProtocolError as error:
            raise _bad(
                f"what came back is no FastCGI ({error}); it begins with {data[:60]!r}. "
                "Something in the application may have written to the pipe"
            ) from error
        if self.ended and self._decoder.pending:
            raise _bad("bytes came after END_REQUEST, before the next request was sent")

    @property
    def began(self) -> bool:
        """Whether any byte has come back."""
        return self._received > 0

    def _record(self, record: protocol.Record) -> Iterator[Event]:
        if record.request_id != self._request_id:
            self._check_other(record)
        elif record.type == RecordType.STDOUT:
            yield from self._stdout(record.content)
        elif record.type == RecordType.STDERR:
            if record.content:
                yield Stderr(record.content)
        elif record.type == RecordType.END_REQUEST:
            yield from self._end(record.content)
        else:
            raise _bad(f"a record of type {record.type} came back; a worker sends 3, 6 and 7 only")

    def _check_other(self, record: protocol.Record) -> None:
        answers = (RecordType.GET_VALUES_RESULT, RecordType.UNKNOWN_TYPE)
        if self._management and record.request_id == 0 and record.type in answers:
            return
        if record.request_id in self._foreign_ids and record.type == RecordType.END_REQUEST:
            _, status = protocol.decode_end(record.content)
            if status == protocol.ProtocolStatus.CANT_MPX_CONN:
                return
        raise _bad(
            f"a record of type {record.type} with the request id {record.request_id} came back; "
            f"the request's id is {self._request_id}"
        )

    def _stdout(self, content: bytes) -> Iterator[Event]:
        if self._head.done:
            if content:
                yield Body(content)
            return
        head = self._head.feed(content)
        if head is not None:
            yield head
            if self._head.rest:
                yield Body(self._head.rest)

    def _end(self, content: bytes) -> Iterator[Event]:
        app_status, protocol_status = protocol.decode_end(content)
        self.ended = True
        if protocol_status != protocol.ProtocolStatus.REQUEST_COMPLETE:
            raise _bad(f"the worker refused the request with protocol status {protocol_status}")
        yield End(app_status, protocol_status)


def request_ids(wire: Wire) -> Iterator[int]:
    """The ids of one connection's requests."""
    return itertools.cycle(range(wire.first_id, max(wire.first_id, wire.last_id) + 1))


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _bad(sentence: str) -> WorkerFailure:
    return WorkerFailure("bad_reply", f"the worker's reply breaks the protocol: {sentence}")
