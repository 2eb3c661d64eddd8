"""A connection's way out: records are gathered here and leave together, until a send has failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from iiswsgi.errors import ClientDisconnected, Error
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.request import BrokenOff

if TYPE_CHECKING:
    from iiswsgi.fastcgi.transport.base import Transport

__all__ = ["Outgoing"]

_SEND_SIZE = 262144
"""Bytes joined for one send: enough to make the calls' cost vanish, little enough to hold."""

_FEW_PIECES = 4
"""A small response's records: nothing to count before they are joined."""


class Outgoing:
    """The half of a connection that sends over *transport*."""

    def __init__(self, transport: Transport) -> None:
        self._sock = transport  # flup's name
        self._out: list[bytes | memoryview] = []
        self._gone = False
        self.failure: Error | None = None
        """What has ended the conversation, unless that was orderly."""

    def write_record(self, type_: int, request_id: int, content: bytes) -> None:
        """Add one record; it leaves at the next flush."""
        self._out.append(protocol.encode_record(type_, request_id, content))

    def write_pieces(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Add headers and contents of records; they leave at the next flush."""
        self._out.extend(pieces)

    def flush(self) -> None:
        """Send what was gathered, in as few writes as possible."""
        out, self._out = self._out, []
        if len(out) <= _FEW_PIECES:  # none is larger than a record
            if out:
                self._send(b"".join(out))
            return
        start = size = 0
        for index, piece in enumerate(out):
            size += len(piece)
            if size >= _SEND_SIZE:
                self._send(b"".join(out[start : index + 1]))
                start, size = index + 1, 0
        if size:
            self._send(b"".join(out[start:]))

    def _send(self, data: bytes) -> None:
        """Send, unless it has failed before: what comes after half a send is out of step."""
        if self._gone:
            self.check()
        try:
            self._sock.send(data)
        except ClientDisconnected:
            self._gone = True
            raise
        except BaseException:
            # A signal's handler has raised: how much of it is sent, nobody knows.
            self._gone, self.failure = True, BrokenOff()
            raise

    def check(self) -> None:
        """Find out whether the conversation can go on.

        :raises ClientDisconnected: it cannot, for the peer is gone or has sent what is no FastCGI.
        """
        if self.failure is not None:
            raise ClientDisconnected("P13", "the conversation with the web server has ended")
        if self._gone:
            raise ClientDisconnected("P10", f"{self._sock.name} is gone")
