"""A request's body: STDIN records, taken off the connection as the application asks for them."""

from __future__ import annotations

import contextlib
import io
import time
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from iiswsgi.errors import ClientDisconnected, RequestTooLarge

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ["REST_SECONDS", "RequestBody", "Source"]

_READ_SIZE = 65536

REST_SECONDS = 5.0
"""How long more of a body is taken that is too large already."""

_PIECE = 1024
"""Bytes up to which pieces that wait are joined: each costs some forty besides, and a peer that
sends two at a time would fill the memory with those."""


class Source(NamedTuple):
    """Where the bodies of a connection's requests come from, and how much of them is kept."""

    pull: Callable[[], None]
    """Takes one more record off the connection; raises ClientDisconnected."""
    lock: threading.Lock
    """An application may read in one thread while another begins the response, for which the rest
    is taken off the wire: one of them at a time."""
    spool_limit: int
    """Bytes that have arrived and were not read; at most so many stay in memory."""
    max_size: int
    """Bytes of one body; 0 for no limit."""
    may_be_abandoned: bool = False
    """Whether the peer reads an answer though not all of the body was taken."""


class RequestBody:
    """One request's body: filled by STDIN records, read by the application.

    What is more than ``spool_limit`` goes to a temporary file. Reading takes the next record off
    the wire when nothing is at hand, so an application that reads as it goes needs neither.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chunks: deque[bytes] = deque()

    # How a body begins; most have no bytes, and little to keep.
    size = 0
    complete = False
    too_large = False
    refused = False
    """Whether the application was told that it is too large."""
    abandoned = False
    """Whether the rest is not taken off the wire, so that nothing can follow it."""
    _patience_ends = 0.0
    aborted = False
    was_read = False
    _waiting = 0
    _spool: BinaryIO | None = None
    _spool_read = 0
    _discarding = False
    _lost: OSError | None = None

    def add_data(self, data: bytes) -> None:
        """Take one STDIN record's content; an empty one ends the body (section 3.3)."""
        if not data:
            self.complete = True
            return
        self.size += len(data)
        if 0 < self._source.max_size < self.size:
            self.refuse()
        if self._discarding:
            return
        self._waiting += len(data)
        if self._spool is None and self._waiting <= self._source.spool_limit:
            if self._chunks and len(self._chunks[-1]) + len(data) <= _PIECE:
                self._chunks[-1] += data
            else:
                self._chunks.append(data)
            return
        try:
            self._to_spool(data)
        except OSError as error:
            # The disk is full, for example. That concerns who reads this body, and nobody else.
            self._lost = error
            self.discard()

    def abort(self) -> None:
        """The web server gave the request up; the next read says so."""
        self.aborted = True

    def refuse(self) -> None:
        """Take it for too large, whatever is still to come."""
        self.too_large = True
        self.discard()

    def reader(self) -> io.BufferedIOBase:
        """The body as a binary file for ``wsgi.input``."""
        if self.complete and not self.size:
            return io.BytesIO()
        if self.complete and self._spool is None and not self.too_large and self._lost is None:
            # All of it is here: nothing to pull, nothing that could fail.
            return io.BytesIO(b"".join(self._chunks))
        return self.watched_reader()

    def watched_reader(self) -> io.BufferedReader:
        """The same, but ``was_read`` tells afterwards whether anything was asked of it."""
        return io.BufferedReader(_RawBody(self), _READ_SIZE)

    def drain(self) -> None:
        """Take what is left of the body off the wire; the application can go on reading it.

        Done before the first response byte, so that never both sides wait for the other to read.
        What is too large may have no end; where it can be, it is abandoned after a while.

        :raises ClientDisconnected: the peer left, or gave the request up.
        """
        while not (self.complete or self.abandoned):
            with self._source.lock:
                if not (self.complete or self.abandoned):
                    self._pull_more()
                    self._lose_patience()

    def finish(self) -> None:
        """Take what is left of the body off the wire, and keep nothing of it.

        :raises ClientDisconnected: the peer left, or gave the request up.
        """
        if not self.complete:
            self.discard()
            self.drain()
        self.check()

    def discard(self) -> None:
        """Keep nothing of what is unread and of what is to come."""
        self._discarding = True
        self._chunks.clear()
        self._waiting = 0
        self._close_spool()

    def next_chunk(self, size: int) -> bytes:
        """Up to *size* bytes, or the next record's content whatever its size; b"" at the end.

        :raises ClientDisconnected: the peer left, or gave the request up, before the end.
        :raises RequestTooLarge: the body is larger than the limit.
        :raises OSError: the temporary file could not take it.
        """
        self.was_read = True
        with self._source.lock:
            while True:
                if self._lost is not None:
                    raise self._lost
                self.refused = self.too_large
                self.check_size()
                if self._spool is not None and (chunk := self._from_spool(size)):
                    return chunk
                if self._chunks:
                    chunk = self._chunks.popleft()
                    self._waiting -= len(chunk)
                    return chunk
                if self.complete or self._discarding:
                    return b""
                self._pull_more()

    def check(self) -> None:
        """Find out whether the request is still wanted.

        :raises ClientDisconnected: the web server gave it up.
        """
        if self.aborted:
            raise ClientDisconnected("P11", "the web server gave the request up (ABORT_REQUEST)")

    def check_size(self) -> None:
        """Refuse what has come.

        :raises RequestTooLarge: the body is larger than the limit.
        """
        if self.too_large:
            raise RequestTooLarge(
                "W20", f"the request body is larger than max_request_body, {self._source.max_size}"
            )

    def _lose_patience(self) -> None:
        if self.too_large and self._source.may_be_abandoned:
            now = time.monotonic()
            self._patience_ends = self._patience_ends or now + REST_SECONDS
            self.abandoned = now > self._patience_ends

    def _pull_more(self) -> None:
        self.check()
        self._source.pull()
        self.check()

    def _to_spool(self, data: bytes) -> None:
        if self._spool is None:
            import tempfile  # most processes never spool, and its imports are slow

            # Lives as long as the body is unread; discard() closes it at the request's end. What a
            # buffer kept would be written then: on a full disk in vain, by a forked child twice.
            spool = tempfile.TemporaryFile(prefix="iiswsgi-body-", buffering=0)  # noqa: SIM115
            self._spool = cast("BinaryIO", spool)
            self._spool_read = 0
            data = b"".join((*self._chunks, data))
            self._chunks.clear()
        self._spool.seek(0, io.SEEK_END)
        rest = memoryview(data)
        while rest:
            rest = rest[self._spool.write(rest) :]

    def _from_spool(self, size: int) -> bytes:
        spool = cast("BinaryIO", self._spool)
        spool.seek(self._spool_read)
        chunk = spool.read(size)
        self._spool_read += len(chunk)
        self._waiting -= len(chunk)
        if not self._waiting:
            # All of it was read: later records need no disk again.
            self._close_spool()
        return chunk

    def _close_spool(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            with contextlib.suppress(OSError):  # of no concern: nobody will read it
                spool.close()


class _RawBody(io.RawIOBase):
    """The body under io's own buffering, which knows every way to read."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io hands out these
        size = len(buffer)
        if not self._rest:
            self._rest = memoryview(self._body.next_chunk(size))
        part = self._rest[:size]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def readall(self) -> bytes:
        parts = [bytes(self._rest)]
        self._rest = memoryview(b"")
        while chunk := self._body.next_chunk(_READ_SIZE):
            parts.append(chunk)
        return b"".join(parts)
