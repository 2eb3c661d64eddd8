"""The status and the headers an application gives: checked, before a byte of them is sent.

RFC 9110 (sections 5 and 15) and PEP 3333 say what is legal. What would let an application's data
end a line, and so begin a header of its own, is refused; what only the server may say is dropped.
"""

from __future__ import annotations

import functools
import logging
import re
from typing import Any

from iiswsgi.errors import ApplicationError

__all__ = ["MAX_HEADER_BYTES", "checked_headers", "checked_status"]

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 1024
"""Default limit on the status and the headers of one response, in bytes.

Clients and proxies give up between 8 KiB (many proxies) and 256 KiB (browsers), and a FastCGI
record's content ends at 64 KiB; more than that is a mistake, such as a cookie in a loop.
"""

_AROUND = len(": \r\n")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_STATUS = re.compile(r"[2-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?")

_SERVERS_OWN = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "status",  # CGI's own line; the application's would take the place of its status
    }
)
"""Headers between two neighbours (RFC 9110, section 7.6.1), which PEP 3333 forbids applications."""

_NOTABLE = _SERVERS_OWN | {"content-length"}

_reported: set[str] = set()
"""The dropped headers that were reported; once for each name, since it comes with each response."""


def checked_status(status: Any) -> bool:
    """Say whether a response of this status may have a body.

    :raises ApplicationError: unless it is ``NNN reason`` with a final status code.
    """
    if type(status) is not str:
        raise ApplicationError("W06", f"the status is no str but {_kind(status)}")
    return _checked_status(status)


@functools.lru_cache(maxsize=256)
def _checked_status(status: str) -> bool:
    if not _STATUS.fullmatch(status):
        raise ApplicationError(
            "W06",
            f"the status {status[:3]!r}... is not three digits from 200 on, a space and a reason "
            "without control characters",
        )
    return status[:3] not in ("204", "304")


def checked_headers(
    headers: Any, limit: int, status: str = ""
) -> tuple[list[tuple[str, str]], int | None]:
    """Give a new list of the headers to be sent, and the Content-Length among them or None.

    :param headers: what the application gave: a list of pairs of strings, if it keeps the rules.
    :param limit: bytes of the whole head, with *status* and what stands between the parts.
    :raises ApplicationError: for anything that must not be sent.
    """
    if not isinstance(headers, list):
        raise ApplicationError("W06", f"the headers are no list but {_kind(headers)}")
    kept: list[tuple[str, str]] = []
    promised: int | None = None
    size = len(status)
    for item in headers:
        if not isinstance(item, tuple) or len(item) != 2:
            raise ApplicationError("W06", f"a header is no pair (name, value) but {_kind(item)}")
        name, value = item
        if type(name) is not str or type(value) is not str:
            name, value = _plain(name), _plain(value)
        lowered = _checked_name(name)
        # The two tests cost a third of the expression; nearly every value passes them.
        if not (value.isascii() and value.isprintable()) and not _TEXT.fullmatch(value):
            raise ApplicationError(
                "W06",
                f"the value of the header {name} has control characters or such as latin-1 has "
                f"not: {_first_bad(value)}",
            )
        size += len(name) + len(value) + _AROUND
        if lowered in _NOTABLE:
            if lowered in _SERVERS_OWN:
                _report_dropped(lowered)
                continue
            length = _checked_length(value, promised)
            if promised is not None:
                continue
            promised = length
        kept.append((name, value))
    if size > limit:
        raise ApplicationError(
            "W09",
            f"the response's status and {len(headers)} headers have {size} bytes, more than "
            f"{limit}; look for cookies that are set again and again",
        )
    return kept, promised


@functools.lru_cache(maxsize=512)
def _checked_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ApplicationError(
            "W06", f"the header name {_harmless(name)!r} is no token of RFC 9110"
        )
    return name.lower()


def _checked_length(value: str, promised: int | None) -> int:
    """Give the number that a Content-Length says; 18 digits are an exabyte less one."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise ApplicationError("W06", f"the Content-Length {value[:80]!r} is no number")
    length = int(value)
    if promised is not None and promised != length:
        raise ApplicationError(
            "W06", f"there are two Content-Length headers, {promised} and {length}"
        )
    return length


def _harmless(name: str) -> str:
    """What of a name may be shown: behind what is none in it there may be a whole cookie."""
    match = _TOKEN.match(name)
    shown = name[: match.end() + 1] if match else name[:1]
    return shown[:80]


def _first_bad(value: str) -> str:
    """Name the character, and not the value: that may well be a cookie."""
    place = next(i for i, c in enumerate(value) if not _TEXT.fullmatch(c))
    return f"{value[place]!a}, at {place + 1}"


def _plain(text: Any) -> str:
    """Give a string as a plain one: a subclass may have other ideas of joining (markup has)."""
    if not isinstance(text, str):
        raise ApplicationError(
            "W06", f"a header's name and value must be str, one is {_kind(text)}"
        )
    return str.__str__(text)


def _kind(value: object) -> str:
    return f"of type {type(value).__qualname__}"


def _report_dropped(lowered: str) -> None:
    if lowered not in _reported:
        _reported.add(lowered)
        log.warning(
            "IISWSGI-W08: the application set the header %s, which is the web server's affair; it "
            "is left out of every response (said once)",
            lowered,
        )
