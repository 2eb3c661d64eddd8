"""The application that the fuzzer asks, kind by kind, and what each kind must answer."""

from __future__ import annotations

import io
from zlib import crc32

BROKEN = "broken"
"""Instead of an answer: the response began and was then broken off."""
UNKNOWN = "unknown"
"""Instead of an answer: it depends on how the records were cut."""
LARGE = 70_000
"""Bytes of the large answer, more than one record holds."""


def application(environ, start_response):
    """Answer by the kind in the path; each kind reads, writes or fails in a way of its own."""
    return KINDS[environ["PATH_INFO"][1:]](environ, start_response)


def summary(environ):
    """What tells whether the server variables came unharmed."""
    own = sorted((n, v) for n, v in environ.items() if n.startswith("HTTP_X_"))
    return b"%08x " % crc32(repr((own, environ["QUERY_STRING"])).encode())


def digest(body):
    """What tells whether the body came unharmed."""
    return b"%d bytes %08x" % (len(body), crc32(body))


def _ok(start_response, *headers):
    return start_response("200 OK", [("Content-Type", "text/plain"), *headers])


def _whole(environ, start_response):
    body = environ["wsgi.input"].read()
    _ok(start_response)
    return [summary(environ), digest(body)]


def _lines(environ, start_response):
    body = b"".join(environ["wsgi.input"])
    _ok(start_response)
    return iter([summary(environ), digest(body)])


def _parts(environ, start_response):
    body = b"".join(iter(lambda: environ["wsgi.input"].read(77), b""))
    text = summary(environ) + digest(body)
    _ok(start_response, ("Content-Length", str(len(text))))
    return (text,)


def _stream(environ, start_response):
    _ok(start_response)
    yield summary(environ)
    yield digest(b"".join(iter(lambda: environ["wsgi.input"].read(1000), b"")))


def _partial(environ, start_response):
    start = environ["wsgi.input"].read(10)
    _ok(start_response)
    return [summary(environ), digest(start)]


def _unread(environ, start_response):
    _ok(start_response)
    return [summary(environ)]


def _write(environ, start_response):
    write = _ok(start_response)
    write(summary(environ))
    write(b"written")
    return []


def _file(environ, start_response):
    _ok(start_response)
    return environ["wsgi.file_wrapper"](io.BytesIO(summary(environ) * 20), 50)


def _large(environ, start_response):
    _ok(start_response)
    return [summary(environ), b"L" * LARGE]


class _Late:
    """Reads the body when all is over."""

    def __init__(self, environ):
        self.environ = environ

    def __iter__(self):
        return iter([summary(self.environ)])

    def close(self):
        self.environ["wsgi.input"].read()


def _late(environ, start_response):
    _ok(start_response)
    return _Late(environ)


def _noisy(environ, start_response):
    environ["wsgi.errors"].write("a line\r\nand another\n" * 3)
    environ["wsgi.errors"].flush()
    return _whole(environ, start_response)


def _swallows(environ, start_response):
    read = b"nothing"
    for _ in range(3):
        try:
            read = digest(environ["wsgi.input"].read())
            break
        except Exception:
            continue
    _ok(start_response)
    return [summary(environ), read]


def _fails(environ, start_response):
    environ["wsgi.input"].read()
    raise ValueError("a failure\r\nof two lines")


def _fails_short(environ, start_response):
    _ok(start_response, ("Content-Length", "1000"))
    yield summary(environ)
    raise ValueError("after the first byte")


def _fails_broken(environ, start_response):
    _ok(start_response)
    yield summary(environ)
    raise ValueError("after the first byte")


KINDS = {
    "whole": _whole,
    "lines": _lines,
    "parts": _parts,
    "stream": _stream,
    "partial": _partial,
    "unread": _unread,
    "write": _write,
    "file": _file,
    "large": _large,
    "late": _late,
    "noisy": _noisy,
    "swallows": _swallows,
    "fails": _fails,
    "fails_short": _fails_short,
    "fails_broken": _fails_broken,
}

_READING = ("whole", "lines", "parts", "noisy", "fails")
_TEXTS = {
    "partial": lambda told, body: told + digest(body[:10]),
    "unread": lambda told, body: told,
    "write": lambda told, body: told + b"written",
    "file": lambda told, body: told * 20,
    "large": lambda told, body: told + b"L" * LARGE,
    "late": lambda told, body: told,
    "fails_short": lambda told, body: told,
}


def answer(kind, variables, body, *, too_large):
    """Status code and body of the answer that is due (None: any body), or what comes instead.

    :param too_large: whether the body is over the gateway's limit.
    """
    told = summary(variables)
    if too_large:
        if kind in _READING or kind == "swallows":
            return 413, None
        if kind == "stream":
            return BROKEN
        if kind == "partial":
            return UNKNOWN
    if kind == "fails":
        return 500, None
    if kind == "fails_broken":
        return BROKEN
    text = _TEXTS.get(kind, lambda told, body: told + digest(body))(told, body)
    return 200, b"" if variables["REQUEST_METHOD"] == "HEAD" else text
