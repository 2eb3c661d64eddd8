"""One WSGI call by the rules of PEP 3333, whatever carries it.

The application is called, its answer is checked and handed to a :class:`Response` piece by piece,
its result is closed, and whatever it raises ends here, as a page or as a response broken off.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, Protocol

from iiswsgi.errors import ApplicationError, BadRequest, ClientDisconnected, Error, RequestTooLarge
from iiswsgi.wsgi.errorpage import ErrorPage, Page, new_error_id
from iiswsgi.wsgi.filewrapper import FileWrapper
from iiswsgi.wsgi.headers import MAX_HEADER_BYTES, checked_headers, checked_status

__all__ = ["Outcome", "Response", "call", "refuse"]

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class Response(Protocol):
    """What carries the response. Any method may raise ClientDisconnected."""

    def head(self, status: str, headers: list[tuple[str, str]]) -> None:
        """Take the status line and the headers, checked; once, before the first body."""

    def body(self, chunk: bytes) -> None:
        """Take some of the body, never empty; it may be gathered until the flush."""

    def flush(self) -> None:
        """Send all that was taken, now."""


class Outcome(enum.Enum):
    """How a call ended."""

    COMPLETE = "complete"
    """The client can tell what it got: a whole response, or one evidently short."""
    BROKEN = "broken"
    """It failed after its first byte and looks whole; the caller must break it off."""
    GONE = "gone"
    """The client left, or the request was aborted."""


def call(
    application: Application,
    environ: Environ,
    response: Response,
    *,
    error_page: ErrorPage,
    max_header_bytes: int = MAX_HEADER_BYTES,
) -> Outcome:
    """Run one request through the application.

    A body in a list or a tuple is handed over without a flush: all of it is at hand, so that head,
    body and end can be one write. Of any other iterable each chunk is flushed before the next is
    asked for.
    """
    state = _Call(environ, response, max_header_bytes)
    try:
        result = None
        try:
            result = application(environ, state.start_response)
            state.send(result)
        finally:
            state.finished = True
            if hasattr(result, "close"):
                _close(result, environ)
    # SystemExit and KeyboardInterrupt too: an application must not end the process it shares.
    except BaseException as error:
        return _failed(error, state, environ, error_page)
    return Outcome.COMPLETE


def refuse(
    error: Error,
    environ: Mapping[str, Any],
    response: Response,
    *,
    error_page: ErrorPage,
    status: str | None = None,
) -> Outcome:
    """Answer a request that is not passed on to the application.

    :param error: a BadRequest (400), a RequestTooLarge (413), or what ``status`` goes with.
    :param environ: the environ or the server variables, whichever there is.
    """
    if status is None:
        status = "400 Bad Request" if isinstance(error, BadRequest) else "413 Content Too Large"
    error_id = new_error_id()
    log.warning("%s [%s; answered %s, error id %s]", error, _name(environ), status, error_id)
    page = error_page.refused(environ, status, error_id)
    return _send_page(page, environ.get("REQUEST_METHOD") == "HEAD", response)


class _Call:
    """What is known of one response, and its way out."""

    __slots__ = (
        "bodiless",
        "environ",
        "finished",
        "head_sent",
        "headers",
        "is_head",
        "limit",
        "promised",
        "response",
        "sent",
        "status",
        "surplus",
    )

    def __init__(self, environ: Environ, response: Response, limit: int) -> None:
        self.environ = environ
        self.response = response
        self.limit = limit
        # Asked now: there is middleware that turns HEAD into GET in the environ.
        self.is_head = environ["REQUEST_METHOD"] == "HEAD"
        self.bodiless = False
        self.finished = False
        self.head_sent = False
        self.headers: list[tuple[str, str]] = []
        self.promised: int | None = None
        self.sent = 0
        self.status: str | None = None
        self.surplus = False

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
        self.headers, self.promised = checked_headers(response_headers, self.limit)
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
        if self.promised is not None and self.sent < self.promised and not self.bodiless:
            log.error(
                "IISWSGI-W05: %s: the application promised %d bytes in Content-Length and gave "
                "%d; the client will see that the response is short",
                _name(self.environ),
                self.promised,
                self.sent,
            )

    def _send_all(self, chunks: list[bytes] | tuple[bytes, ...]) -> None:
        """Send a body that is all at hand, so that its length is known."""
        total = 0
        for chunk in chunks:
            total += len(chunk if type(chunk) is bytes else _checked_chunk(chunk))
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
            if self.promised is not None:
                chunk = chunk[: self.promised - self.sent]
            if self.bodiless or not chunk:
                break
            self.send_body(chunk)
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
        self.head_sent = True
        self.response.head(status, self.headers)

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
                _name(self.environ),
                self.promised,
            )

    def looks_whole(self) -> bool:
        """Whether a client would take what was sent so far, and no more, for the whole response."""
        return self.promised is None and not self.bodiless


def _failed(error: BaseException, state: _Call, environ: Environ, error_page: ErrorPage) -> Outcome:
    """End a call that raised.

    Before the head there is a page. After it the status cannot be taken back: with a Content-Length
    the client notices what is missing (and misses nothing after HEAD, 204 and 304), and the
    conversation can go on. Without one an orderly end would make half a page look whole; only the
    caller can prevent that, by breaking off the connection.
    """
    cause = _cause(error)
    name = _name(environ)
    if isinstance(cause, ClientDisconnected):
        log.info("IISWSGI-W12: %s: the client left: %s", name, cause)
        return Outcome.GONE
    if not state.head_sent:
        if isinstance(cause, RequestTooLarge):
            return refuse(cause, environ, state.response, error_page=error_page)
        error_id = new_error_id()
        log.error(
            "IISWSGI-W01: %s: the application failed before its response began; answered with "
            "the 500 page, error id %s",
            name,
            error_id,
            exc_info=error,
        )
        page = error_page.failed(environ, error_id, error)
        return _send_page(page, state.is_head, state.response)
    outcome = Outcome.BROKEN if state.looks_whole() else Outcome.COMPLETE
    log.error(
        "IISWSGI-W02: %s: the application failed after %d bytes of its response; error id %s; %s",
        name,
        state.sent,
        new_error_id(),
        "the response is broken off"
        if outcome is Outcome.BROKEN
        else "the client can see by its Content-Length what is missing",
        exc_info=error,
    )
    return outcome


def _cause(error: BaseException) -> BaseException:
    """Give the error of ours that an application or framework has wrapped in its own."""
    inner: BaseException | None = error
    for _ in range(_CAUSES):
        if inner is None:
            break
        if isinstance(inner, (ClientDisconnected, RequestTooLarge)):
            return inner
        inner = inner.__cause__ or inner.__context__
    return error


_CAUSES = 16
"""How many wrappings are looked through; contexts may form a ring."""


def _send_page(page: Page, is_head: bool, response: Response) -> Outcome:
    try:
        response.head(page.status, page.headers)
        if not is_head:
            response.body(page.body)
    except ClientDisconnected:
        return Outcome.GONE
    return Outcome.COMPLETE


def _close(result: Any, environ: Environ) -> None:
    """Close what the application returned; whatever it raises, the response stays as it is."""
    try:
        result.close()
    except BaseException as error:
        log.error(
            "IISWSGI-W03: %s: close() of the application's result failed; the response is not "
            "affected",
            _name(environ),
            exc_info=error,
        )


def _checked_chunk(chunk: Any) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    raise ApplicationError(
        "W11", f"the body must come in bytes, a chunk is of type {type(chunk).__qualname__}"
    )


def _name(environ: Mapping[str, Any]) -> str:
    """Name the request in a log line; without its query, which may hold secrets."""
    path = environ.get("iiswsgi.raw_path")
    if path is None:
        path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    return ascii(f"{environ.get('REQUEST_METHOD', '-')} {path}"[:_NAME_LENGTH])[1:-1]


_NAME_LENGTH = 200
"""Characters of method and path in a log line."""
