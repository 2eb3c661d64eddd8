"""The site as a WSGI application: what the HTTP server calls for each request.

Needs no particular server, apart from the keys below, which :mod:`iiswsgi.host.http` adds to
the environ.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.pages import html_page
from iiswsgi.host.site import Answer, Site
from iiswsgi.host.variables import HttpRequest
from iiswsgi.locality import is_local
from iiswsgi.masking import masked_words

__all__ = [
    "CHUNKED",
    "LOCAL_ADDR",
    "LOCAL_PORT",
    "BrokenOff",
    "SiteApplication",
    "is_loopback",
    "page_headers",
    "printable",
]

log = logging.getLogger(__name__)

CHUNKED = "iiswsgi.chunked"
"""True when the request's body came in chunks, although its length is known by now."""
LOCAL_ADDR = "iiswsgi.local_addr"
LOCAL_PORT = "iiswsgi.local_port"

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers about the connection, which is the HTTP server's (PEP 3333, "Other HTTP Features")."""

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class BrokenOff(Exception):
    """A response ended before its end; whoever sends it must not let it look complete."""


class SiteApplication:
    """The site as a WSGI application for waitress."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; the status is sent once the first bytes of the body are there."""
        request = request_from(environ)
        body = environ["wsgi.input"].read if request.content_length else None
        began = time.monotonic()
        answer = self.site.handle(request, body)
        if isinstance(answer, Answer):
            status = f"{answer.status} {printable(answer.reason)}"
            start_response(status, sendable_headers(answer.headers))
            return _Body(answer, request, began)
        page = html_page(answer, detailed=is_local(environ))
        start_response(f"{answer.status} {answer.reason}", page_headers(page))
        log_worker_lines(answer.log_lines or ())
        log_access(request, answer.status, len(page), began)
        return [] if request.method == "HEAD" else [page]


class _Body:
    """An answer's body as the iterable that waitress sends; closed in every case."""

    def __init__(self, answer: Answer, request: HttpRequest, began: float) -> None:
        self._answer = answer
        self._request = request
        self._began = began
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._answer)
        except WorkerFailure as failure:
            log_worker_lines(failure.log_lines)
            log.error(
                "IISWSGI-H35: %s %s was broken off after %d bytes of its body",
                self._request.method,
                _shown(self._request.target),
                self._sent,
            )
            raise BrokenOff from failure
        self._sent += len(chunk)
        return chunk

    def close(self) -> None:
        self._answer.close()
        log_access(self._request, self._answer.status, self._sent, self._began)
        if self._answer.status >= 500:
            log_worker_lines(self._answer.log_lines())


def is_loopback(address: str) -> bool:
    """Tell whether `address` is this machine's own, as text: ``127.0.0.1``, ``::1``."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def request_from(environ: dict[str, Any]) -> HttpRequest:
    """Return the request that waitress's environ describes."""
    headers = [
        (name[5:].replace("_", "-").title(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if "CONTENT_TYPE" in environ:
        headers.append(("Content-Type", environ["CONTENT_TYPE"]))
    if environ.get(CHUNKED):
        headers.append(("Transfer-Encoding", "chunked"))
        length = -1
    elif "CONTENT_LENGTH" in environ:
        headers.append(("Content-Length", environ["CONTENT_LENGTH"]))
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        target=environ["REQUEST_URI"],
        headers=headers,
        content_length=length,
        protocol=environ["SERVER_PROTOCOL"],
        remote_addr=environ["REMOTE_ADDR"],
        remote_port=int(environ["REMOTE_PORT"]),
        local_addr=environ.get(LOCAL_ADDR, "127.0.0.1"),
        server_port=int(environ.get(LOCAL_PORT, 80)),
    )


def page_headers(page: bytes) -> list[tuple[str, str]]:
    """Return the headers of one of the stand-in's own pages."""
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        # The page holds text of workers and requests; should escaping ever fail, nothing may run.
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ]


def sendable_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers of a reply that may be sent on; the rest are logged and left out."""
    kept = []
    for name, value in headers:
        if name.lower() in HOP_BY_HOP:
            continue  # about the connection, which is not the worker's
        if not value.isprintable() and any(char < " " or char == "\x7f" for char in value):
            why = "it holds a control character"
        elif name.lower() == "content-length" and not (value.isascii() and value.isdigit()):
            why = "it is no number"
        else:
            kept.append((name, value))
            continue
        log.warning("IISWSGI-H37: the header %s of a reply is left out: %s", name, why)
    return kept


def printable(text: str) -> str:
    """Return `text` with whatever a terminal would obey or a header forbids escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _shown(target: str) -> str:
    """Return what the log shows of a request's target: a query may hold a password."""
    return printable(masked_words([target])[0])


def log_access(request: HttpRequest, status: int, size: int, began: float) -> None:
    """Log one line for a request that is over."""
    log.info(
        "%s %s -> %d, %d bytes, %.0f ms",
        request.method,
        _shown(request.target),
        status,
        size,
        (time.monotonic() - began) * 1000,
    )


def log_worker_lines(lines: Iterable[str]) -> None:
    """Log what a worker wrote to its log, marked as such."""
    for line in lines:
        log.warning("    | %s", printable(line))
