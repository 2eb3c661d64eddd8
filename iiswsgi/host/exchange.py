"""One request over a worker's connection: writes, reads, time limits, what is held back.

The thread that wants the response does all of it; a response is pulled from here as the browser
takes it. Only the time that a browser takes is watched by another. What becomes of the worker
afterwards is the pool's business.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from iiswsgi.host.channel import ChannelBroken
from iiswsgi.host.departure import why_it_left
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.fastcgi import Body, End, ReplyParser, RequestWriter, Stderr
from iiswsgi.host.head import Head
from iiswsgi.host.modes import ClientGone
from iiswsgi.host.stderr import StderrText
from iiswsgi.host.worker import Worker

__all__ = ["Exchange"]

READ_AHEAD = 16 << 20
"""Bytes of a reply that are taken while the request is still being sent (assumed of IIS)."""

_SLICE = 0.25
# Seconds between looks at the process: something it started may hold the connection open.

_BODY_READ = 65536


class Exchange:
    """A request that is being answered.

    :param buffer_limit: bytes of the response held back before the first go out; 0 passes on
        each record.
    """

    def __init__(self, worker: Worker, buffer_limit: int) -> None:
        self.worker = worker
        self._application = worker.application
        self._buffer_limit = buffer_limit
        self._writer = RequestWriter(
            worker.modes.wire, next(worker.request_ids), seed=worker.served
        )
        self._parser: ReplyParser | None = None
        self._head: Head | None = None
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._stderr = StderrText(worker.application.stderr_mode)
        self._flushed = False
        self._began = self._last = time.monotonic()
        self._in_use = threading.Lock()
        self._overdue: WorkerFailure | None = None

    def _has_begun(self) -> bool:
        """Whether some of the reply has come."""
        return self._parser is not None and self._parser.began

    @property
    def ended(self) -> bool:
        """Whether END_REQUEST has come."""
        return self._parser is not None and self._parser.ended

    def open(
        self, variables: Sequence[tuple[str, str]], body: Callable[[int], bytes] | None
    ) -> Head:
        """Send the request and wait for as much of the reply as IIS holds back.

        :raises WorkerFailure: there is no proper reply.
        """
        with self._in_use:
            return self._open(variables, body)

    def _open(
        self, variables: Sequence[tuple[str, str]], body: Callable[[int], bytes] | None
    ) -> Head:
        wire = self.worker.modes.wire
        writes = self._writer.opening(variables, body is not None)
        self._parser = ReplyParser(
            self._writer.request_id,
            foreign_ids=self._writer.foreign_ids,
            management=bool(wire.noise & {"unknown", "get_values"}),
        )
        self._refuse_stray_bytes()
        self._send(writes)
        self.worker.opened()
        if body is not None:
            size = max(1, _BODY_READ // wire.stdin_size) * wire.stdin_size
            while data := body(size):
                self._send(self._writer.body(data))
            self._send(self._writer.end_of_body())
        while not self.ended and (self._held_back() or self._head is None):
            self._turn(b"", True)
        if self.ended:
            self._finish()
        return self._decide()

    def _refuse_stray_bytes(self) -> None:
        stray = self.worker.channel.pump(b"", True, 0).received
        if stray is not None:
            raise self._failure(
                "bad_reply",
                f"process {self.worker.pid} sent {len(stray)} bytes after END_REQUEST of the "
                f"request before; they begin with {stray[:60]!r}",
            )

    def _held_back(self) -> bool:
        if self._stderr.offends:
            return True  # an error answer is made of the whole of it
        return not self._queued if not self._buffer_limit else self._queued < self._buffer_limit

    def _decide(self) -> Head:
        """The head, unless FCGI_STDERR makes an error of the response."""
        self._refuse_stderr()
        if self._head is None:
            raise self._failure(
                "bad_reply",
                f"process {self.worker.pid} ended the request without a header block",
            )
        self._flushed = True
        return self._head

    def next_chunk(self) -> bytes:
        """More of the body; b"" at the end.

        :raises WorkerFailure: the worker broke off.
        """
        with self._in_use:
            if self._overdue is not None:
                raise self._overdue
            return self._next_chunk()

    def _next_chunk(self) -> bytes:
        # The time the browser took is not the worker's.
        self._last = time.monotonic()
        while not self._queue and not self.ended:
            self._turn(b"", True)
            if self.ended:
                self._finish()
            self._refuse_stderr()
        if not self._queue:
            return b""
        chunk = b"".join(self._queue)
        self._queue.clear()
        self._queued = 0
        return chunk

    def overdue(self) -> WorkerFailure | None:
        """What to say if the time is up while nobody pulls; any thread may ask.

        The browser takes nothing, so its thread waits and does not look at the clock. From then
        on the connection is not touched any more.
        """
        if not self._in_use.acquire(blocking=False):
            return None  # whoever uses it looks at the clock itself
        try:
            passed = time.monotonic() - self._began
            if not self.ended and passed >= self._application.request_timeout:
                self._overdue = self._took_too_long()
            return self._overdue
        finally:
            self._in_use.release()

    def leave(self, how: ClientGone) -> bool:
        """The client has left; whether the worker can still be used."""
        worker = self.worker
        if how == "abort":
            return self._abort()
        if how == "close":
            worker.channel.close()
            worker.process.wait(self._application.activity_timeout)
        return False

    def _abort(self) -> bool:
        """Send ABORT_REQUEST and wait for the end, within the usual limits."""
        try:
            self._send(self._writer.abort())
            while not self.ended:
                self._turn(b"", True)
                self._queue.clear()
                self._queued = 0
        except WorkerFailure:
            return False
        return True

    def _send(self, writes: list[bytes]) -> None:
        for write in writes:
            rest = write
            while rest:
                read = self._queued < READ_AHEAD and not self.ended
                rest = rest[self._turn(rest, read) :]

    def _turn(self, outgoing: bytes, read: bool) -> int:
        channel = self.worker.channel
        try:
            written, received = channel.pump(outgoing, read, self._time_left())
        except ChannelBroken:
            self._drain()
            raise why_it_left(self.worker, self._has_begun()) from None
        if written or received is not None:
            self._last = time.monotonic()
        if received is not None:
            self._receive(received)
        elif channel.ended and not self.ended:
            raise why_it_left(self.worker, self._has_begun())
        elif not written and self.worker.process.poll() is not None:
            self._drain()
            if not self.ended:
                raise why_it_left(self.worker, self._has_begun())
        return written

    def _drain(self) -> None:
        """Take what a process left behind when it ended."""
        while not self.ended:
            try:
                received = self.worker.channel.pump(b"", True, 0).received
            except ChannelBroken:
                continue  # a write that was under way; what came may still be read
            if not received:
                return
            self._receive(received)

    def _time_left(self) -> float:
        now = time.monotonic()
        limits = self._application
        if now - self._began >= limits.request_timeout:
            raise self._took_too_long()
        if now - self._last >= limits.activity_timeout:
            raise self._failure(
                "timed_out_activity",
                f"nothing was sent or received for activityTimeout ({limits.activity_timeout:g} s)"
                f" and process {self.worker.pid} was terminated; the application hangs, or the "
                "limit is too low for it",
            )
        left = min(
            self._began + limits.request_timeout - now, self._last + limits.activity_timeout - now
        )
        return min(left, _SLICE)

    def _took_too_long(self) -> WorkerFailure:
        return self._failure(
            "timed_out_request",
            f"process {self.worker.pid} took longer than requestTimeout "
            f"({self._application.request_timeout:g} s) for one request and was terminated; the "
            "application hangs, or the limit is too low for it",
        )

    def _receive(self, data: bytes) -> None:
        if not data:
            raise self._failure(
                "bad_reply",
                f"process {self.worker.pid} wrote zero bytes to the pipe; IIS would read no more "
                "and the request would hang until a time limit ends it",
            )
        assert self._parser is not None  # noqa: S101 - nothing is read before open() made it
        try:
            for event in self._parser.feed(data):
                self._take(event)
        except WorkerFailure as failure:
            raise self._failure(failure.kind, failure.sentence) from failure

    def _take(self, event: Head | Body | Stderr | End) -> None:
        if isinstance(event, Body):
            self._queue.append(event.data)
            self._queued += len(event.data)
        elif isinstance(event, Head):
            self._head = event
        elif isinstance(event, Stderr):
            self._take_stderr(event.data)

    def _finish(self) -> None:
        """What IIS does, or sees, right behind END_REQUEST."""
        received = self.worker.channel.pump(b"", True, 0).received
        if received is not None:
            self._receive(received)
        timeout = self._application.activity_timeout
        if self._application.flush_named_pipe and not self.worker.channel.drained(timeout):
            raise self._failure(
                "timed_out_activity",
                f"flushNamedPipe: process {self.worker.pid} did not read the request to its end "
                f"within {timeout:g} s after it had answered it",
            )

    def _take_stderr(self, data: bytes) -> None:
        for level, text in self._stderr.feed(data):
            self.worker.report.tell(f"process {self.worker.pid} traced {level}: {text}")

    def _refuse_stderr(self) -> None:
        if not self._stderr.offends:
            return
        after = " after a part of the response had gone out" if self._flushed else ""
        raise self._failure(
            "stderr",
            f"process {self.worker.pid} sent FCGI_STDERR{after}, which stderrMode="
            f"{self._stderr.mode} makes an error: {self._stderr.excerpt}",
            stderr=self._stderr.shown,
        )

    def _failure(self, kind: str, sentence: str, **details: object) -> WorkerFailure:
        return self.worker.failure(kind, sentence, **details)  # type: ignore[arg-type]
