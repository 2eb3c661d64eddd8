"""A response that records what it is told, and an environ that wsgiref's lint accepts."""

from __future__ import annotations

import io

from iiswsgi.errors import ClientDisconnected
from iiswsgi.wsgi.call import call
from iiswsgi.wsgi.errorpage import ErrorPage

LEFT = ClientDisconnected("P99", "the client has left (a test)")


class Recorder:
    """A Response; ``events`` is what it was told, in order.

    :param leaves_at: the number of the event at which the client is gone.
    :param error: what says so.
    """

    def __init__(self, leaves_at=None, error=LEFT):
        self.events = []
        self.leaves_at = leaves_at
        self.error = error

    def head(self, status, headers):
        self._note("head", (status, headers))

    def body(self, chunk):
        assert type(chunk) is bytes
        assert chunk
        self._note("body", chunk)

    def flush(self):
        self._note("flush", None)

    def forget_body(self):
        assert "head" not in self.kinds, "too late"

    def check(self):
        if len(self.events) == self.leaves_at:
            raise self.error

    def _note(self, kind, what):
        self.check()
        if kind == "head":
            assert "head" not in self.kinds, "a second head"
        if kind == "body":
            assert "head" in self.kinds, "a body without a head"
        self.events.append((kind, what))

    @property
    def kinds(self):
        return [kind for kind, _ in self.events]

    @property
    def status(self):
        return self.events[0][1][0]

    @property
    def headers(self):
        return self.events[0][1][1]

    @property
    def content_length(self):
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        assert len(lengths) < 2
        return lengths[0] if lengths else None

    @property
    def sent(self):
        return b"".join(what for kind, what in self.events if kind == "body")


def make_request(method="GET", path="/page", **more):
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/app",
        "PATH_INFO": path,
        "QUERY_STRING": "secret=1",
        "SERVER_NAME": "www.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **more,
    }


def run(application, method="GET", *, response=None, **more):
    """One call; gives its outcome and the response."""
    names = ("error_page", "max_header_bytes", "variables")
    options = {name: more.pop(name) for name in names if name in more}
    options.setdefault("error_page", ErrorPage())
    response = response or Recorder()
    return call(application, make_request(method, **more), response, **options), response


def answers(result, status="200 OK", headers=()):
    """An application that returns this, or what this returns if it can be called."""

    def application(environ, start_response):
        start_response(status, [("Content-Type", "text/plain"), *headers])
        return result() if callable(result) else result

    return application


class Closable:
    """An iterable that notes when it is closed."""

    def __init__(self, chunks, error=None):
        self.chunks = iter(chunks)
        self.closed = 0
        self.error = error

    def __iter__(self):
        return self.chunks

    def close(self):
        self.closed += 1
        if self.error:
            raise self.error
