"""Applications that break rules in any order, and what may come of it.

An :class:`Actor` notes what the gateway took from it, so that the output can be held against that:
nothing is lost, added or reordered, and half a response never looks whole.
"""

from __future__ import annotations

import builtins
import io
import sys
from typing import NamedTuple

from iiswsgi.errors import ClientDisconnected, RequestTooLarge
from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import RecordType
from iiswsgi.wsgi.filewrapper import FileWrapper
from tests.fuzz.awkward import AWKWARD

VARIABLES = {
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_NAME": "fuzz",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
}


def request(rng, request_id, path="/"):
    """A whole request of any method, with a small body or none."""
    body = b"" if rng.random() < 0.5 else bytes(rng.randint(1, 2000))
    variables = {
        **VARIABLES,
        "PATH_INFO": path,
        "REQUEST_METHOD": "GET" if path != "/" else rng.choice(("GET", "POST", "HEAD")),
        "HTTP_ACCEPT": rng.choice(("", "text/html")),
    }
    return b"".join(
        (
            protocol.encode_begin(request_id),
            protocol.encode_record(RecordType.PARAMS, request_id, protocol.encode_pairs(variables)),
            protocol.encode_record(RecordType.PARAMS, request_id),
            protocol.encode_record(RecordType.STDIN, request_id, body) if body else b"",
            protocol.encode_record(RecordType.STDIN, request_id),
        )
    )


class Text(str):
    """A string with other ideas of everything."""

    __slots__ = ()

    def __str__(self):
        return "\r\nX-Injected: 1"

    def __format__(self, spec):
        return "\r\nX-Injected: 1"

    def __len__(self):
        return 1

    def lower(self):
        return "content-type"

    def isascii(self):
        return True

    isprintable = isascii


class Bytes(bytes):
    """Bytes that lie about their length."""

    def __len__(self):
        return 3


class Angry:
    """Fails whatever is asked of it."""

    def _fail(self, *_):
        raise ValueError("angry")

    __str__ = __repr__ = __bool__ = __len__ = __iter__ = __eq__ = __format__ = _fail
    __hash__ = None


class AngryError(Exception):
    """An error that cannot be shown."""

    __str__ = __repr__ = Angry._fail


def _ring():
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    return one


def _chain():
    error = None
    for number in range(3000):
        error, cause = ValueError(number), error
        error.__cause__ = cause
    return error


def _group():
    kind = getattr(builtins, "ExceptionGroup", None)  # from Python 3.11 on
    return kind("several", [ValueError(1), AngryError()]) if kind else ValueError(1)


ERRORS = (
    lambda: ValueError("a\r\nfailure \u20ac \udcff"),
    lambda: SystemExit(3),
    lambda: KeyboardInterrupt(),
    lambda: GeneratorExit(),
    lambda: StopIteration(),
    lambda: MemoryError(),
    lambda: RecursionError("deep"),
    lambda: ConnectionResetError(104, "reset"),
    lambda: ClientDisconnected("P99", "not of this request"),
    lambda: RequestTooLarge("W20", "not of this request"),
    lambda: AngryError("angry"),
    _ring,
    _chain,
    _group,
    *AWKWARD.values(),
)

GOOD_STATUSES = (
    "200 OK",
    "200 OK",
    "200 OK",
    "404 Not Found",
    "204 No",
    "304 Not",
    "500 \xe9",
    "299",
)
BAD_STATUSES = (
    "100 Continue", "abc", "", "200 OK\r\nX: y", "200 \u20ac", b"200 OK", None, 200, Text("200 OK"),
    "2000 OK", "200\tOK", "200 OK\0", "\u0662\u0660\u0660 OK", Angry(), "200 OK\x85\u2028",
    "200 OK\n",
)  # fmt: skip
GOOD_HEADERS = (
    ("Content-Type", "text/plain"),
    ("Set-Cookie", "a=b; \xe9\tc"),
    ("X-Empty", ""),
    ("x-twice", "1"),
    ("X-Twice", "2"),
    ("Location", "/elsewhere"),
)
DROPPED_HEADERS = (("Status", "404 Not"), ("Transfer-Encoding", "chunked"), ("Connection", "close"))
BAD_HEADERS = (
    ("X-Split", "a\r\nX-Injected: 1"), ("X-Split", "a\nb"), ("X\r\nY", "1"), ("X Y", "1"),
    ("", "1"), ("X:", "1"), ("X-Wide", "\u20ac"), ("X-Nul", "\0"), (b"X-Bytes", "1"),
    ("X-Bytes", b"1"), ("X", None), ("X",), ("X", "1", "2"), ["X", "1"], "XY", None, 7, Angry(),
    (Angry(), "1"), ("X", Angry()), (Text("X:"), "1"), ("X-Markup", Text("a\r\nb")),
    ("Content-Length", "5, 5"), ("Content-Length", "+5"), ("Content-Length", "\u0665"),
    ("Content-Length", "9" * 5000),
    ("Content-Length", "-1"), ("Content-Length", ""), ("X-Large", "v" * 70_000), ("\xe9", "1"),
    ("X-Nel", "a\x85b\x7f"), ("Content-Length", " 5"),
)  # fmt: skip
BAD_CHUNKS = ("text", None, 7, [], bytearray(b"bytes"), memoryview(b"bytes"), Angry(), object())
SIZES = (1, 5, 100, 100, 1000, 65535, 65536, 70_000, 300_000)


class Taken(NamedTuple):
    """A head that start_response took."""

    status: str
    headers: tuple


class Actor:
    """A WSGI application that acts by chance, and remembers.

    :param problems: takes a sentence for each rule the gateway broke.
    """

    transport = None
    limit = 0

    def __init__(self, rng, problems):
        self.rng = rng
        self.problems = problems
        self.heads = []
        self.given = []
        self.closes = None
        self.trouble = False
        self.kind = "never called"
        self.old_write = None
        self.method = ""

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/honest":
            return self._honest(environ, start_response)
        self.method = environ["REQUEST_METHOD"]
        self.kind = "raised"
        try:
            result = self._act(environ, start_response)
        except BaseException:
            self.trouble = True
            raise
        self.kind = type(result).__name__
        if self.kind in ODD_RESULTS:
            self.trouble = True
        return result

    def _honest(self, environ, start_response):
        if self.old_write is not None:
            try:
                self.old_write(b"of an earlier request")
                self.problems.append("write works after the end of its response")
            except Exception:
                pass
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"honest"]

    # What it does.

    def _act(self, environ, start_response):
        rng = self.rng
        if rng.random() < 0.2:
            self._disturb(environ)
        if rng.random() < 0.05:
            raise rng.choice(ERRORS)()
        if rng.random() < 0.3:
            self._read(environ)
        if rng.random() < 0.93:
            self._start(start_response)
        if rng.random() < 0.05:
            self._start(start_response)
        for _ in range(rng.choice((0, 0, 0, 1, 3))):
            self._write(self._chunk())
        if rng.random() < 0.1:
            self._start(start_response, exc_info=True)
        if rng.random() < 0.05:
            raise rng.choice(ERRORS)()
        return self._result(start_response)

    def _disturb(self, environ):
        rng = self.rng
        stream = environ["wsgi.input"]
        rng.choice(
            (
                environ.clear,
                lambda: environ.update(REQUEST_METHOD=Angry(), PATH_INFO=Angry()),
                lambda: environ.update({"iiswsgi.raw_path": "/a\r\nb", "REMOTE_ADDR": 7}),
                lambda: environ.update({"iiswsgi.raw_path": Angry()}),
                lambda: environ.update(HTTP_ACCEPT=Angry()),
                lambda: environ.update({"wsgi.input": None, "wsgi.errors": None}),
                stream.close,
                stream.detach if hasattr(stream, "raw") else stream.close,
            )
        )()

    def _read(self, environ):
        stream = environ.get("wsgi.input")
        if stream is None or stream.closed:
            return
        how = self.rng.randrange(6)
        if how == 0:
            stream.read(self.rng.randrange(3000))
        elif how == 1:
            stream.readline(self.rng.choice((-1, 0, 5)))
        elif how == 2:
            stream.readlines(7)
        elif how == 3:
            next(stream, None)
        elif how == 4:
            stream.readinto(bytearray(10))
        else:
            stream.read1(5)

    def _start(self, start_response, exc_info=None):
        rng = self.rng
        status = rng.choice(GOOD_STATUSES if rng.random() < 0.9 else BAD_STATUSES)
        headers = [header for header in GOOD_HEADERS if rng.random() < 0.4]
        if rng.random() < 0.3:
            headers.append(("Content-Length", str(rng.choice((0, 1, 5, 1000, 65536, 10**6)))))
        if rng.random() < 0.1:
            headers.append(rng.choice(DROPPED_HEADERS))
        if rng.random() < 0.1:
            headers.insert(rng.randrange(len(headers) + 1), rng.choice(BAD_HEADERS))
        if rng.random() < 0.03:
            headers = rng.choice((tuple(headers), dict(GOOD_HEADERS), None, iter(headers), Angry()))
        try:
            self._call(start_response, status, headers, exc_info)
        except BaseException:
            if rng.random() < 0.5:
                return
            raise

    def _call(self, start_response, status, headers, exc_info):
        if exc_info:
            exc_info = self._exc_info()
            write = start_response(status, headers, exc_info)
        else:
            write = start_response(status, headers)
        self.old_write = write
        self.heads.append(Taken(status, tuple(headers)))

    def _exc_info(self):
        try:
            raise self.rng.choice(ERRORS)()
        except BaseException:
            real = sys.exc_info()
        return self.rng.choice(
            (real, real, real, (1, 2, 3), (None, None, None), True, "x", Angry())
        )

    def _write(self, chunk):
        if self.old_write is None:
            return
        try:
            self.given.append(chunk)
            self.old_write(chunk)
        except BaseException:
            self.given.pop()
            if self.rng.random() < 0.3:
                return
            raise

    def _chunk(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.04:
            return rng.choice(BAD_CHUNKS)
        if chance < 0.08:
            return Bytes(rng.choice((b"", b"a bytes that lies", bytes(70_000))))
        if chance < 0.15:
            return b""
        return bytes([rng.randrange(256)]) * rng.choice(SIZES[: 6 if rng.random() < 0.9 else None])

    # What it returns.

    def _result(self, start_response):
        rng = self.rng
        chance = rng.random()
        if chance < 0.04:
            return rng.choice((None, 7, "text", b"bytes", Angry(), object()))
        if chance < 0.3:
            chunks = [self._chunk() for _ in range(rng.choice((0, 1, 1, 2, 5, 30)))]
            self._give(chunks)
            return chunks if rng.random() < 0.7 else tuple(chunks)
        if chance < 0.45:
            return self._generator(start_response)
        if chance < 0.55:
            return self._file()
        self.closes = 0
        return rng.choice((Result, Sized, Closing, Subclass))(self, start_response)

    def _give(self, chunks):
        self.given += chunks
        if any(not isinstance(chunk, bytes) for chunk in chunks):
            self.trouble = True

    def _generator(self, start_response):
        rng = self.rng
        at_yield = False
        try:
            if rng.random() < 0.2:
                self._start(start_response)
            for _ in range(rng.choice((0, 1, 1, 2, 5))):
                if rng.random() < 0.05:
                    self._write(self._chunk())
                if rng.random() < 0.08:
                    raise rng.choice(ERRORS)()
                chunk = self._chunk()
                self._give([chunk])
                sent = len(self.transport.sent)
                at_yield = True
                yield chunk
                at_yield = False
                self._check_flushed(chunk, sent)
        except BaseException:
            self.trouble |= not at_yield  # where it is closed when enough was sent
            raise
        finally:
            if rng.random() < 0.1:
                self.trouble |= not at_yield
                raise rng.choice(ERRORS)()

    def _check_flushed(self, chunk, sent):
        """Each chunk leaves before the next is asked for, unless there is said to be one only."""
        if self.kind in ("Sized", "Subclass") or not isinstance(chunk, bytes):
            return
        if bytes(memoryview(chunk)) and self.method != "HEAD" and len(self.transport.sent) == sent:
            status = self.heads[-1].status[:3] if self.heads else ""
            lengths = dict(self.heads[-1].headers).get("Content-Length") if self.heads else None
            if status not in ("204", "304") and lengths is None:
                self.problems.append("a chunk was held back")

    def _file(self):
        data = self._chunk()
        self.closes = 0
        actor = self

        class File(io.BytesIO):
            def close(self):
                actor.closes += 1
                super().close()

        if not isinstance(data, bytes):
            data = b""
        data = bytes(memoryview(data))
        self.given.append(data)
        return FileWrapper(File(data), self.rng.choice((1000, 65536)))

    # What may have come of it.

    def judge(self, events, failure):
        """Hold the output against what was given; a word for what it was."""
        if self.closes is not None and self.closes != 1:
            self.problems.append(f"close() was called {self.closes} times")
        if not events:
            self.problems.append("there is no answer at all")
            return "nothing"
        event, *rest = events
        if event.kind == "broken":
            self._judge_broken(event, rest, failure)
            return "broken off"
        if [(e.kind, e.status, e.body) for e in rest] != [("answer", 200, b"honest")]:
            self.problems.append(f"the next request got {rest}")
        if failure is not None:
            self.problems.append(f"the conversation ended with {failure}")
        if event.kind == "end":
            self.problems.append(f"it ended without an answer: {event}")
            return "nothing"
        return self._judge_answer(event)

    def _judge_broken(self, event, rest, failure):
        if rest or failure is None or failure.code != "IISWSGI-W21":
            self.problems.append(f"broken off, and then {rest} {failure}")
        length = _length(event.headers)
        if not self.trouble and (length is None or length <= len(event.body)):
            self.problems.append("broken off without a reason")
        self._judge_body(event, whole=False)

    def _judge_answer(self, event):
        page = b"Error id" in event.body and not any(
            b"Error id" in chunk for chunk in self.given if isinstance(chunk, bytes)
        )
        excused = self.trouble or not self.heads
        if page or (self.method == "HEAD" and event.status in (413, 500) and excused):
            if not excused:
                self.problems.append(f"an error page without a reason: {event}")
            return f"page {event.status}"
        self._judge_body(event, whole=True)
        return "answered"

    def _judge_body(self, event, *, whole):
        taken = [head for head in self.heads if head.status[:3] == str(event.status)]
        if not taken:
            self.problems.append(f"nobody gave the status {event.status}")
            return
        given = b"".join(bytes(memoryview(c)) for c in self.given if isinstance(c, bytes))
        length = _length(event.headers)
        bodiless = self.method == "HEAD" or event.status in (204, 304)
        if bodiless:
            given = b""
        if not given.startswith(event.body):
            self.problems.append(f"{len(event.body)} bytes of body that were not given so")
        if whole and length is None and not bodiless and self.trouble:
            self.problems.append("a response that was cut short looks whole")
        if whole and not self.trouble and event.body != given[:length] and not bodiless:
            self.problems.append(f"{len(event.body)} bytes of {len(given)}, length {length}")


ODD_RESULTS = ("NoneType", "int", "str", "bytes", "Angry", "object")


def _length(headers):
    for line in headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return None


class Result:
    """A result with close()."""

    def __init__(self, actor, start_response):
        self.actor = actor
        self.chunks = actor._generator(start_response)

    def __iter__(self):
        return self.chunks

    def close(self):
        self.actor.closes += 1
        self.chunks.close()


class Closing(Result):
    """close() fails."""

    def close(self):
        super().close()
        raise self.actor.rng.choice(ERRORS)()


class Sized(Result):
    """It says that it has one item, whatever it has."""

    def __len__(self):
        return 1


class Subclass(list):
    """A list with another way to iterate."""

    def __init__(self, actor, start_response):
        super().__init__([b"never given"])
        self.actor = actor
        self.chunks = actor._generator(start_response)

    def __iter__(self):
        return self.chunks

    close = Result.close
