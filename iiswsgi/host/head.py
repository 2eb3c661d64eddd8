"""The header block at the head of a CGI response, parsed as it comes in."""

from __future__ import annotations

import http
import re
from dataclasses import dataclass

from iiswsgi.host.failure import WorkerFailure

__all__ = ["MAX_HEAD", "Head", "HeadParser"]

MAX_HEAD = 1 << 20
"""Bytes of a header block. No limit of IIS's is known; a megabyte of headers is a body whose
header block was forgotten."""

_END = re.compile(rb"(?:\A|\n)\r?\n")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Head:
    """Status line and headers of a response; text is latin-1."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]


class HeadParser:
    """Collects bytes until the empty line, LF or CR LF."""

    def __init__(self) -> None:
        self._buffer = b""
        self.done = False
        self.rest = b""
        """What followed the empty line in the piece that held it."""

    def feed(self, data: bytes) -> Head | None:
        """The head, once its empty line has come.

        :raises WorkerFailure: ``bad_reply``, there are no headers in it, or too many bytes.
        """
        # The empty line may straddle two pieces: look again at the last bytes of the one before.
        start = max(0, len(self._buffer) - 2)
        self._buffer += data
        match = _END.search(self._buffer, start)
        if match is None:
            if len(self._buffer) > MAX_HEAD:
                raise _bad(f"no empty line in the first {MAX_HEAD} bytes")
            return None
        self.done = True
        self.rest = self._buffer[match.end() :]
        return _head(self._buffer[: match.start()].decode("latin-1"))


def _head(text: str) -> Head:
    headers: list[tuple[str, str]] = []
    status = ""
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        # IIS has been lenient with lines that are no header since KB 980363: they are dropped.
        if not colon or not _TOKEN.fullmatch(name):
            continue
        value = value.strip(" \t\r")
        if name.lower() == "status":
            status = value
        else:
            headers.append((name, value))
    if not status and not headers:
        raise _bad("not one line of it is a header")
    names = {name.lower() for name, _ in headers}
    return Head(*_status(status, "location" in names), tuple(headers))


def _status(text: str, redirects: bool) -> tuple[int, str]:
    number, _, reason = text.partition(" ")
    if not text:
        # What IIS does with Location alone is not established; CGI (RFC 3875, 6.2.3) means 302.
        number = "302" if redirects else "200"
    if not (len(number) == 3 and number.isascii() and number.isdigit() and number >= "100"):
        raise _bad(f"its Status is {text[:60]!r}, which is no HTTP status")
    try:
        usual = http.HTTPStatus(int(number)).phrase
    except ValueError:
        usual = ""
    return int(number), reason.strip() or usual


def _bad(sentence: str) -> WorkerFailure:
    return WorkerFailure("bad_reply", f"the response has no proper header block: {sentence}")
