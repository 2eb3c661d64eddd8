"""The WSGI application that every child but the floor serves: a greeting, an upload, a download."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

GREETING = b"Hello from the benchmark\n"
READ_SIZE = 64 * 1024
"""Bytes asked of wsgi.input at once: what shutil.copyfileobj asks for."""

CHUNK = b"d" * (64 * 1024)
"""One item of the download, the size that wsgiref's FileWrapper users choose for large files."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by method and query: POST counts its body, ``?<bytes>`` sends that many."""
    if environ["REQUEST_METHOD"] == "POST":
        return _text(start_response, str(_count(environ["wsgi.input"])).encode())
    if environ["QUERY_STRING"].isdigit():
        size = int(environ["QUERY_STRING"])
        headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))]
        start_response("200 OK", headers)
        return _chunks(size)
    return _text(start_response, GREETING)


def factory(_global_conf: dict[str, str], **_settings: str) -> Callable[..., Iterable[bytes]]:
    """Give the application to PasteDeploy."""
    return application


def _text(start_response: Callable[..., Any], body: bytes) -> list[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def _count(stream: Any) -> int:
    total = 0
    while data := stream.read(READ_SIZE):
        total += len(data)
    return total


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // len(CHUNK)):
        yield CHUNK
    if size % len(CHUNK):
        yield CHUNK[: size % len(CHUNK)]
