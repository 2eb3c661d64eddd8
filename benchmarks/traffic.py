"""What IIS sends a child for a usual request, and the check of what comes back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from iiswsgi.fastcgi import protocol

RECORD_SIZE = 9 * 1024
"""Bytes of content in one STDIN record: IIS was seen to send about that much."""

SITE = Path(__file__).parent / "site"
"""The folder that the children take for the site's: it exists, since wfastcgi goes there."""

HEADERS = {
    "HTTP_CONNECTION": "keep-alive",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
    "HTTP_ACCEPT_LANGUAGE": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "HTTP_COOKIE": "session=4f1c2d9a7b3e45d0a6c81e92; theme=dark; _consent=1.1700000000",
    "HTTP_HOST": "www.example.com",
    "HTTP_REFERER": "https://www.example.com/reports/2024/overview?tab=summary",
    "HTTP_USER_AGENT": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "HTTP_UPGRADE_INSECURE_REQUESTS": "1",
    "HTTP_SEC_FETCH_SITE": "same-origin",
    "HTTP_SEC_FETCH_MODE": "navigate",
    "HTTP_SEC_FETCH_DEST": "document",
}

VARIABLES = {
    "APPL_MD_PATH": "/LM/W3SVC/1/ROOT",
    "APPL_PHYSICAL_PATH": f"{SITE}{os.sep}",
    "AUTH_TYPE": "",
    "AUTH_PASSWORD": "",
    "AUTH_USER": "",
    "CERT_COOKIE": "",
    "CERT_FLAGS": "",
    "CERT_ISSUER": "",
    "CERT_SERIALNUMBER": "",
    "CERT_SUBJECT": "",
    "CONTENT_LENGTH": "0",
    "CONTENT_TYPE": "",
    "DOCUMENT_ROOT": "C:\\inetpub\\wwwroot",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "HTTPS": "on",
    "HTTPS_KEYSIZE": "256",
    "HTTPS_SECRETKEYSIZE": "2048",
    "HTTPS_SERVER_ISSUER": "C=US, O=Example Trust, CN=Example Issuing CA 3",
    "HTTPS_SERVER_SUBJECT": "CN=www.example.com",
    "INSTANCE_ID": "1",
    "INSTANCE_NAME": "DEFAULT WEB SITE",
    "INSTANCE_META_PATH": "/LM/W3SVC/1",
    "LOCAL_ADDR": "10.0.0.4",
    "LOGON_USER": "",
    "PATH_INFO": "/reports/2024/details",
    "PATH_TRANSLATED": "C:\\inetpub\\wwwroot\\reports\\2024\\details",
    "QUERY_STRING": "",
    "REMOTE_ADDR": "192.0.2.17",
    "REMOTE_HOST": "192.0.2.17",
    "REMOTE_PORT": "52344",
    "REMOTE_USER": "",
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": "/reports/2024/details",
    "SCRIPT_FILENAME": "C:\\inetpub\\wwwroot\\reports\\2024\\details",
    "SCRIPT_NAME": "/reports/2024/details",
    "SERVER_NAME": "www.example.com",
    "SERVER_PORT": "443",
    "SERVER_PORT_SECURE": "1",
    "SERVER_PROTOCOL": "HTTP/2.0",
    "SERVER_SOFTWARE": "Microsoft-IIS/10.0",
    "URL": "/reports/2024/details",
}


PAGES = ("/", "/reports/2024/details", "/search?q=annual+report", "/account/settings/notifications")

BROWSERS = (
    {},
    {
        "HTTP_USER_AGENT": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.1 Safari/605.1.15",
        "HTTP_ACCEPT_LANGUAGE": "fr-FR",
        "HTTP_COOKIE": "session=0b7e6c5d4f3a29181716; theme=light",
        "REMOTE_ADDR": "198.51.100.4",
        "REMOTE_HOST": "198.51.100.4",
        "REMOTE_PORT": "61022",
    },
    {
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
        "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
        "HTTP_COOKIE": "session=aa55aa55aa55aa55aa55aa55; theme=dark; basket=3",
        "REMOTE_ADDR": "203.0.113.201",
        "REMOTE_HOST": "203.0.113.201",
        "REMOTE_PORT": "40118",
    },
    {
        "HTTP_USER_AGENT": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) "
        "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
        "HTTP_ACCEPT_LANGUAGE": "de-DE,de;q=0.9",
        "HTTP_COOKIE": "session=fedcba98765432100123",
        "REMOTE_ADDR": "192.0.2.80",
        "REMOTE_HOST": "192.0.2.80",
        "REMOTE_PORT": "50003",
    },
)
"""What differs from one client to the next; no two requests in a row are alike."""


class Stream(Protocol):
    """The driver's end of the duplex stream that is the child's STDIN."""

    def send(self, data: bytes) -> None:
        """Write all of *data*."""

    def receive(self) -> bytes:
        """Read what is there, at least one byte; b"" at the end of the stream."""


class BadReplyError(Exception):
    """The child answered something other than what it was asked for."""


def request(query: str = "", request_id: int = 1) -> bytes:
    """A whole GET, as one write."""
    return b"".join((head(request_id, QUERY_STRING=query), body_end(request_id)))


def requests() -> list[bytes]:
    """What several browsers ask for, page by page, in turn."""
    found = []
    for page in PAGES:
        path, _, query = page.partition("?")
        file = "C:\\inetpub\\wwwroot" + path.replace("/", "\\")
        asked = {
            **dict.fromkeys(("PATH_INFO", "SCRIPT_NAME", "URL"), path),
            **dict.fromkeys(("PATH_TRANSLATED", "SCRIPT_FILENAME"), file),
            "REQUEST_URI": page,
            "QUERY_STRING": query,
            "HTTP_REFERER": f"https://www.example.com{page}",
        }
        found += [head(**{**asked, **browser}) + body_end() for browser in BROWSERS]
    return found


def head(request_id: int = 1, **changed: str) -> bytes:
    """BEGIN_REQUEST and PARAMS; *changed* replaces variables."""
    pairs = protocol.encode_pairs({**HEADERS, **VARIABLES, **changed})
    return b"".join(
        (
            protocol.encode_begin(request_id),
            protocol.encode_record(protocol.RecordType.PARAMS, request_id, pairs),
            protocol.encode_record(protocol.RecordType.PARAMS, request_id),
        )
    )


def body(size: int, request_id: int = 1) -> Iterator[bytes]:
    """*size* bytes of body as STDIN records, each to be written by itself as IIS does."""
    record = protocol.encode_record(protocol.RecordType.STDIN, request_id, b"u" * RECORD_SIZE)
    for _ in range(size // RECORD_SIZE):
        yield record
    rest = b"u" * (size % RECORD_SIZE)
    if rest:
        yield protocol.encode_record(protocol.RecordType.STDIN, request_id, rest)


def body_end(request_id: int = 1) -> bytes:
    """The empty STDIN record."""
    return protocol.encode_record(protocol.RecordType.STDIN, request_id)


def reply(stream: Stream) -> Iterator[bytes]:
    """The contents of the reply's STDOUT records, up to END_REQUEST.

    :raises BadReplyError: another record came, or bytes after the last one, or the stream ended.
    """
    decoder = protocol.Decoder()
    while True:
        record = decoder.next_record()
        if record is None:
            data = stream.receive()
            if not data:
                raise BadReplyError("the child closed the stream instead of answering")
            decoder.feed(data)
        elif record.type == protocol.RecordType.STDOUT:
            yield record.content
        elif record.type == protocol.RecordType.END_REQUEST and not decoder.pending:
            return
        else:
            raise BadReplyError(f"not what IIS takes: {record!r}")


def check(response: bytes, expected: bytes) -> None:
    """Refuse a *response* that is not a 200 with the *expected* body.

    :raises BadReplyError: with the beginning of the response in its message.
    """
    head_, _, received = response.partition(b"\r\n\r\n")
    if not head_.startswith(b"Status: 200 ") or received != expected:
        raise BadReplyError(f"expected 200 and {expected[:60]!r}, got {response[:300]!r}")
