"""A transport that watches what the gateway does, and what its output must look like.

The records are cut here by hand: a fault of the gateway's own decoder shall not hide itself.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from iiswsgi.errors import ClientDisconnected

HEADER = struct.Struct("!BBHHBB")
STDOUT, STDERR, END, VALUES_RESULT, UNKNOWN = 6, 7, 3, 10, 11

SPARE_RECEIVES = 12
"""Receives after the last piece that are no sign of a loop: what an application that swallows
errors tries, what the gateway takes to be rid of the rest of the body, and the end itself."""

_HEAD = re.compile(
    rb"Status: ([2-9][0-9]{2})[^\r\n\0]*\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)*)\r\n"
)
_LENGTH = re.compile(rb"^content-length: ([0-9]+)\r$", re.MULTILINE | re.IGNORECASE)


class WatchingTransport:
    """Hands out *pieces*, one a receive, and keeps what was sent.

    :param leaves_at: the number of the send at which the peer is gone, or None.
    :param problems: takes a sentence for each rule that was broken.
    """

    name = "the fuzzer's pipe"

    def __init__(self, pieces, problems, *, answers_management=False, leaves_at=None):
        self.pieces = pieces
        self.problems = problems
        self.answers_management = self.shows_break = answers_management
        self.leaves_at = leaves_at
        self.position = 0
        self.received = 0
        self.sent = []
        self.lost = False
        self.closed = False

    def receive(self):
        if self.closed:
            self.problems.append("a receive after the close")
        position = self.position
        self.position += 1
        if position < len(self.pieces):
            data = self.pieces[position]
            self.received += len(data)
            return data
        if position > len(self.pieces) + SPARE_RECEIVES:
            self.problems.append("it goes on receiving after the end")
        return b""

    def receive_idle(self, begun=False):
        return self.receive()

    def has_data(self):
        return self.position < len(self.pieces)

    def send(self, data):
        if type(data) is not bytes or not data:
            self.problems.append(f"a send of {data!r}")
        if self.closed or self.lost:
            self.problems.append("a send after the end")
        if len(self.sent) == self.leaves_at:
            self.lost = True
            raise ClientDisconnected("P10", "the fuzzer's peer has left")
        self.sent.append((self.received, data))

    def close(self, *, unread=False):
        self.closed = True

    @property
    def output(self):
        return b"".join(data for _, data in self.sent)


class Event(NamedTuple):
    """What the output says of one request, or of none."""

    kind: str
    """``answer``, ``end`` (without any output), ``broken``, ``values`` or ``unknown``."""
    key: object
    """The request's id; of ``values`` the pairs, of ``unknown`` the type."""
    status: int = 0
    """HTTP status of an answer; application status of an end."""
    protocol_status: int = 0
    headers: bytes = b""
    body: bytes = b""


class Observer:
    """Reads the output of one conversation, and checks each record of it."""

    def __init__(self, transport, data, *, management, stderr):
        self.transport = transport
        self.problems = transport.problems
        self.begins = list(_begins(data))
        self.allowed = {STDOUT, END} | ({STDERR} if stderr else set())
        if management:
            self.allowed |= {VALUES_RESULT, UNKNOWN}
        self.begun = {}
        self.ended = {}
        self.stdout = {}
        self.complete = set()
        self.events = []

    def observe(self):
        """The events in order."""
        buffer = b""
        for received, data in self.transport.sent:
            while self.begins and self.begins[0][0] <= received:
                request_id = self.begins.pop(0)[1]
                self.begun[request_id] = self.begun.get(request_id, 0) + 1
            buffer = self._records(buffer + data)
        if buffer and not self.transport.lost:
            self.problems.append(f"the output ends within a record: {buffer[:20]!r}")
        if self.stdout and self.events and self.events[-1] == Event("unknown", 0):
            self.events.pop()  # what makes a broken response unfit on a socket
        for request_id, parts in self.stdout.items():
            if not self.transport.lost:
                self._answer("broken", request_id, b"".join(parts))
        return self.events

    def _records(self, data):
        position = 0
        while len(data) - position >= HEADER.size:
            version, type_, request_id, length, padding, _ = HEADER.unpack_from(data, position)
            start = position + HEADER.size
            if len(data) < start + length + padding:
                break
            position = start + length + padding
            if version != 1 or type_ not in self.allowed:
                self.problems.append(f"a record of version {version}, type {type_}")
            self._record(type_, request_id, data[start : start + length])
        return data[position:]

    def _record(self, type_, request_id, content):
        if type_ in (VALUES_RESULT, UNKNOWN):
            self._management(type_, request_id, content)
            return
        if self.ended.get(request_id, 0) >= self.begun.get(request_id, 0):
            self.problems.append(f"a record of type {type_} for id {request_id}, which runs not")
        if type_ == END:
            self._end(request_id, content)
        elif type_ == STDOUT:
            self._stdout(request_id, content)

    def _management(self, type_, request_id, content):
        if request_id:
            self.problems.append(f"a management record with id {request_id}")
        if type_ == UNKNOWN:
            if len(content) != 8 or any(content[1:]):
                self.problems.append(f"UNKNOWN_TYPE says {content!r}")
            self.events.append(Event("unknown", content[0]))
        else:
            self.events.append(Event("values", tuple(_short_pairs(content))))

    def _stdout(self, request_id, content):
        if self.stdout.keys() - {request_id}:
            self.problems.append("the output of two requests is mixed")
        if request_id in self.complete:
            self.problems.append("STDOUT after its empty record")
        if content:
            self.stdout.setdefault(request_id, []).append(content)
        else:
            self.complete.add(request_id)

    def _end(self, request_id, content):
        if len(content) != 8:
            self.problems.append(f"END_REQUEST says {content!r}")
            return
        self.ended[request_id] = self.ended.get(request_id, 0) + 1
        app_status, protocol_status = struct.unpack("!LB3x", content)
        parts = self.stdout.pop(request_id, None)
        if parts is None:
            self.events.append(Event("end", request_id, app_status, protocol_status))
            return
        if app_status > 1 or protocol_status:
            self.problems.append(f"output, and an end of {app_status}, {protocol_status}")
        if request_id not in self.complete:
            self.problems.append("STDOUT without its empty record")
        self.complete.discard(request_id)
        if app_status:  # given up in the middle of its response
            self.events.append(Event("end", request_id, app_status, protocol_status))
        else:
            self._answer("answer", request_id, b"".join(parts))

    def _answer(self, kind, request_id, output):
        match = _HEAD.match(output)
        if match is None:
            self.problems.append(f"no head: {output[:200]!r}")
            return
        body = output[match.end() :]
        lengths = _LENGTH.findall(match[2])
        if len(lengths) > 1 or (lengths and len(body) > int(lengths[0])):
            self.problems.append(f"{len(body)} bytes of body, Content-Length {lengths}")
        self.events.append(Event(kind, request_id, int(match[1]), 0, match[2], body))


def _begins(data):
    """The BEGIN_REQUEST records of the input: offset of their end, and id."""
    position = 0
    while len(data) - position >= HEADER.size:
        version, type_, request_id, length, padding, _ = HEADER.unpack_from(data, position)
        position += HEADER.size + length + padding
        if version != 1 or position > len(data):
            return
        if type_ == 1:
            yield position, request_id


def _short_pairs(content):
    """Name/value pairs that are all shorter than 128 bytes."""
    position = 0
    while position < len(content):
        name, value = content[position], content[position + 1]
        middle = position + 2 + name
        position = middle + value
        yield content[middle - name : middle].decode(), content[middle:position].decode()
