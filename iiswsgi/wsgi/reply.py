"""The way out of one WSGI call: what the application says and gives, checked and passed on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, Protocol

from iiswsgi.errors import ApplicationError
from iiswsgi.masking import without_user
from iiswsgi.wsgi.filewrapper import FileWrapper
from iiswsgi.wsgi.headers import checked_headers, checked_status

__all__ = ["Reply", "Response", "request_name"]

log = logging.getLogger(__name__)


class Response(Protocol):
    """What carries the response. Any method may raise ClientDisconnected."""

    def head(self, status: str, headers: list[tuple[str, str]]) -> None:
        """Take the status line and the headers, checked; once, before the first body."""

    def body(self, chunk: bytes) -> None:
        """Take some of the body, never empty; it may be gathered until the flush."""

    def flush(self) -> None:
        """Send all that was taken, now."""

    def forget_body(self) -> None:
        """Keep nothing of the request's body from now on: nobody will read it."""

    def check(self) -> None:
        """Raise ClientDisconnected if the client is known to be gone; do nothing else."""


class Reply:
    """What is known of one response, and its way out."""

    def __init__(self, environ: Mapping[str, Any], response: Response, limit: int) -> None:
        self.environ = environ
        self.response = response
        self.limit = limit
        # Asked now: there is middleware that turns HEAD into GET in the environ.
        self.is_head = environ["REQUEST_METHOD"] == "HEAD"

    # How a reply begins.
    bodiless = False
    finished = False
    head_sent = False
    headers: list[tuple[str, str]]
    promised: int | None = None
    sent = 0
    short = False
    status: str | None = None
    surplus = False

    def start_response(
        self, status: str, response_headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take the status and the headers; PEP 3333's callable."""
        if exc_info:
            try:
                if self.head_sent or self.finished:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the traceback's frames
        elif self.status is not None:
            raise ApplicationError("W07", "start_response was called twice, without exc_info")
        may_have_body = checked_status(status)
        self.headers, self.promised = checked_headers(response_headers, self.limit, status)
        self.bodiless = self.is_head or not may_have_body
        self.status = status
        return self.write

    def write(self, data: bytes) -> None:
        """Send some of the body at once; PEP 3333's older way."""
        if self.finished:
            raise ApplicationError("W07", "write was called after the end of the response")
        chunk = _checked_chunk(data)
        if not self.head_sent:
            self.send_head(None)
        if chunk:
            self.send_body(chunk)
        self.response.flush()

    def send(self, result: Any) -> None:
        """Send what the application returned."""
        kind = type(result)
        if kind is list or kind is tuple:
            self._send_all(result)
        elif kind is FileWrapper:
            self._send_file(result)
        else:
            self._send_each(result)
        if self.is_short():
            self.short = True
            log.error(
                "IISWSGI-W05: %s: the application promised %d bytes in Content-Length and gave "
                "%d; the client will see that the response is short",
                request_name(self.environ),
                self.promised,
                self.sent,
            )

    def _send_all(self, chunks: list[bytes] | tuple[bytes, ...]) -> None:
        """Send a body that is all at hand, so that its length is known."""
        total = 0
        for chunk in chunks:
            if type(chunk) is not bytes:
                chunks = [_checked_chunk(item) for item in chunks]
                total = sum(map(len, chunks))
                break
            total += len(chunk)
        if not self.head_sent:
            self.send_head(total)
        for chunk in chunks:
            if chunk:
                self.send_body(chunk)

    def _send_each(self, chunks: Iterable[bytes]) -> None:
        """Send chunk by chunk, each before the next is asked for."""
        alone = isinstance(chunks, Sized) and len(chunks) == 1
        for item in chunks:
            chunk = item if type(item) is bytes else _checked_chunk(item)
            if not chunk:
                continue
            if not self.head_sent:
                self.send_head(len(chunk) if alone else None)
            if self.bodiless:
                break  # the rest might be long, and nobody is to see it
            self.send_body(chunk)
            if self.surplus:
                break
            if not alone:
                self.response.flush()
        if not self.head_sent:
            self.send_head(0)

    def _send_file(self, file: FileWrapper) -> None:
        """Send a file from where it stands to its end, or as far as Content-Length says."""
        gather = file.is_at_hand()
        for item in file:
            chunk = _checked_chunk(item)
            if not self.head_sent:
                self.send_head(None)
            if self.bodiless:
                break
            left = None if self.promised is None else self.promised - self.sent
            self.send_body(chunk[:left])
            if left is not None and len(chunk) >= left:
                break  # PEP 3333: up to Content-Length, which for a part of a file is not its end
            if not gather:
                self.response.flush()
        if not self.head_sent:
            self.send_head(0)

    def send_head(self, length: int | None) -> None:
        """Hand over the head, with the body's length if it is known and not stated."""
        status = self.status
        if status is None:
            raise ApplicationError("W07", "the body began, or ended, without start_response")
        if length is not None and self.promised is None:
            # Nothing is known of what GET would give when a HEAD is answered with nothing.
            if not self.bodiless or (self.is_head and length and checked_status(status)):
                self.headers.append(("Content-Length", str(length)))
                self.promised = length
        elif self.promised is not None and status.startswith("204"):
            # RFC 9110, section 8.6. A 304 may state the length that a 200 would have.
            self.headers = [(n, v) for n, v in self.headers if n.lower() != "content-length"]
        self.response.head(status, self.headers)
        self.head_sent = True

    def send_body(self, chunk: bytes) -> None:
        """Hand over some of the body, not beyond what was promised."""
        if self.bodiless:
            return
        if self.promised is not None and len(chunk) > self.promised - self.sent:
            chunk = chunk[: self.promised - self.sent]
            self._report_surplus()
        if chunk:
            self.sent += len(chunk)
            self.response.body(chunk)

    def _report_surplus(self) -> None:
        if not self.surplus:
            self.surplus = True
            log.error(
                "IISWSGI-W04: %s: the application gave more than the %d bytes it promised in "
                "Content-Length; the rest is cut off",
                request_name(self.environ),
                self.promised,
            )

    def is_short(self) -> bool:
        """Whether the client was promised more than was sent so far."""
        return self.promised is not None and self.sent < self.promised and not self.bodiless

    def looks_whole(self) -> bool:
        """Whether a client would take what was sent so far, and no more, for the whole response."""
        return self.promised is None and not self.bodiless


def _checked_chunk(chunk: Any) -> bytes:
    if type(chunk) is bytes:
        return chunk
    if isinstance(chunk, bytes):
        return bytes(memoryview(chunk))  # a subclass may have other ideas of its length
    raise ApplicationError(
        "W11", f"the body must come in bytes, a chunk is of type {type(chunk).__qualname__}"
    )


def request_name(environ: Mapping[str, Any]) -> str:
    """Name the request in a log line; without what may be secret: its query, and who asks.

    :param environ: the environ, or the server variables where there is none yet.
    """
    method, path = environ.get("REQUEST_METHOD", "-"), environ.get("iiswsgi.raw_path")
    if path is None:
        uri = environ.get("REQUEST_URI")
        sent = uri if isinstance(uri, str) and ("/" in uri or uri == "*") else _sent_path(environ)
        path = sent.partition("?")[0] or "-"
    if isinstance(path, str) and not path.startswith("/"):  # it may be a whole URL
        path = without_user(path)
    # The application has had the environ; what is no text any more need not bear to be shown.
    words = (word if isinstance(word, str) else "?" for word in (method, path))
    return ascii(" ".join(words)[:_NAME_LENGTH])[1:-1]


def _sent_path(environ: Mapping[str, Any]) -> str:
    parts = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    return "".join(part for part in parts if isinstance(part, str))


_NAME_LENGTH = 200
"""Characters of method and path in a log line."""
