"""What a web server sends over one connection, legal throughout, with the answers that are due."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import RecordType

from . import site


class Profile(NamedTuple):
    """What of the gateway's settings changes its answers."""

    name: str
    management: bool = False
    stderr_records: bool = False
    max_request_body: int = 0
    max_params: int = 2000
    max_params_bytes: int = 1 << 20
    spool_limit: int = 1 << 19
    chunked_bodies: str = "streamed"


TIGHT = Profile(
    "tight",
    management=True,
    stderr_records=True,
    max_request_body=3000,
    max_params=64,
    max_params_bytes=4096,
    spool_limit=500,
)

PROFILES = (
    Profile("IIS's pipe"),
    Profile("a socket", management=True, spool_limit=0),
    TIGHT,
    TIGHT._replace(name="tight and whole", chunked_bodies="whole"),
)

CAPABILITY = {"FCGI_MAX_CONNS": "1", "FCGI_MAX_REQS": "1", "FCGI_MPXS_CONNS": "0"}


class Due(NamedTuple):
    """One event that must be seen in the output, once the input is there up to *end*."""

    end: int
    """Bytes of the input that decide it."""
    event: tuple[Any, ...]


@dataclass
class Conversation:
    """Records as bytes, and what is due for them in order."""

    records: list[bytes] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)
    size: int = 0
    cut_matters: bool = False
    """Whether a legal answer depends on how the bytes were cut."""
    closed: bool = False
    """Whether the gateway is to close the connection by itself at the end of what is due."""

    def add(self, type_, request_id, content=b"", padding=0):
        """Append one record."""
        record = protocol.encode_record(type_, request_id, content, padding)
        self.records.append(record)
        self.size += len(record)

    def expect(self, *event):
        """Note what the bytes so far lead to; nothing counts once the connection is to close."""
        if not self.closed:
            self.due.append(Due(self.size, event))


def make(rng, profile):
    """A conversation of one to four requests."""
    conversation = Conversation()
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        _Request(rng, profile, conversation).send()
    return conversation


_NAMES = ("HTTP_X_TOKEN", "HTTP_X_LONG", "HTTP_X_EMPTY", "HTTP_X_LATIN")


class _Request:
    """One request on its way into the conversation."""

    def __init__(self, rng, profile, conversation):
        self.rng = rng
        self.profile = profile
        self.out = conversation
        self.id = rng.choice((1, 1, 1, 2, 255, 256, rng.randint(1, 65535)))
        self.kind = rng.choice(tuple(site.KINDS))
        self.body = _body(rng)
        self.variables = self._variables()
        self.role = 1 if rng.random() < 0.95 else rng.choice((2, 3, 0, 77, 65535))
        self.flags = 1 if rng.random() < 0.92 else rng.choice((0, 2, 254))
        self.aborted = False

    def _variables(self):
        rng = self.rng
        variables = {
            "REQUEST_METHOD": "HEAD" if self.kind == "whole" and rng.random() < 0.2 else "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/{self.kind}",
            "QUERY_STRING": f"q={rng.getrandbits(32)}",
            "SERVER_NAME": "fuzz",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": rng.choice((str(len(self.body)), str(len(self.body)), "-1", "", "7")),
        }
        values = (str(rng.random()), "x" * rng.randint(100, 1000), "", "\xe9\r\n\0\xff")
        own = zip(_NAMES, values, strict=True)
        variables.update((name, value) for name, value in own if rng.random() < 0.5)
        if rng.random() < 0.02:
            variables.update((f"HTTP_X_{n}", "v" * n) for n in range(90))
        if rng.random() < 0.03:
            variables["CONTENT_LENGTH"] = rng.choice(("+5", "x", "9" * 5000, "\xb2", "-2"))
        return variables

    def send(self):
        """The whole request, or one that is given up in between."""
        content = protocol.encode_begin(self.id, self.role, self.flags)[8:]
        self.out.add(RecordType.BEGIN_REQUEST, self.id, content, self._padding())
        pairs = protocol.encode_pairs(self.variables)
        self._stream(RecordType.PARAMS, pairs)
        if not self.aborted:
            if self.role in (protocol.Role.RESPONDER, protocol.Role.FILTER):
                self._serve(len(pairs))
            else:
                self._refuse()
        if not self.flags & 1:
            self.out.closed = True

    def _serve(self, params_bytes):
        """The body, whose end is answered."""
        self._stream(RecordType.STDIN, self.body)
        if not self.aborted:
            self._expect(params_bytes)

    def _refuse(self):
        """A role that may have no body is refused without one; if it comes, it is stray."""
        self.out.expect("end", self.id, 0, protocol.ProtocolStatus.UNKNOWN_ROLE)
        if self.rng.random() < 0.5:
            self.out.add(RecordType.STDIN, self.id, self.body[:1000])
            self.out.add(RecordType.STDIN, self.id, b"")

    def _stream(self, type_, data):
        """*data* in records of any size, with noise in between, and the empty record."""
        rng = self.rng
        step = rng.choice((9000, 9000, 65535, 500, rng.randint(1, 100) + len(data) // 20))
        for start in range(0, len(data), step):
            self._between()
            if self.aborted:
                return
            self.out.add(type_, self.id, data[start : start + step], self._padding())
        self._between()
        if not self.aborted:
            self.out.add(type_, self.id, b"", self._padding())

    def _padding(self):
        return self.rng.randint(1, 255) if self.rng.random() < 0.1 else 0

    def _between(self):
        chance = self.rng.random()
        if chance < 0.06:
            self.rng.choice(_NOISES)(self)
        elif chance < 0.063:
            self.out.add(RecordType.ABORT_REQUEST, self.id)
            self.out.expect("end", self.id, 1, 0)
            self.aborted = True

    # Noise: legal, or to be skipped; the request must not suffer.

    def _unknown_type(self):
        type_ = self.rng.choice((0, 3, 6, 7, 10, 11, 12, 99, 255))
        request_id = self.rng.choice((0, self.id, 77))
        self.out.add(type_, request_id, self.rng.randbytes(self.rng.randint(0, 20)))
        if self.profile.management and not request_id:
            self.out.expect("unknown", type_)

    def _values(self):
        names = [n for n in (*CAPABILITY, "FCGI_X", "") if self.rng.random() < 0.5]
        many = b"\x01\0a" * 3000 if self.rng.random() < 0.03 else b""
        content = many + protocol.encode_pairs(dict.fromkeys(names, ""))
        self.out.add(RecordType.GET_VALUES, 0, content)
        if self.profile.management:
            known = {n: CAPABILITY[n] for n in names if n in CAPABILITY}
            self.out.expect("values", tuple(known.items()))

    def _foreign(self):
        """Records of a request that has ended, or never began."""
        type_ = self.rng.choice((2, 4, 5, 8))
        content = self.rng.choice((b"", b"stray"))
        self.out.add(type_, self.rng.choice((0, self._other_id())), content)

    def _data(self):
        self.out.add(RecordType.DATA, self.id, b"of the filter role")

    def _second(self):
        """A request beside the running one, which cannot be served."""
        other = self._other_id()
        self.out.add(RecordType.BEGIN_REQUEST, other, protocol.encode_begin(other)[8:])
        self.out.expect("end", other, 0, protocol.ProtocolStatus.CANT_MPX_CONN)

    def _other_id(self):
        return self.id % 65535 + 1

    # What is due.

    def _expect(self, params_bytes):
        answer = self._answer(params_bytes)
        if answer is None:
            self.out.expect("end", self.id, 0, protocol.ProtocolStatus.UNKNOWN_ROLE)
        elif answer == site.BROKEN:
            self.out.expect("broken", self.id)
            self.out.closed = True
        elif answer == site.UNKNOWN:
            self.out.expect("any", self.id)
            self.out.cut_matters = True
        else:
            self.out.expect("answer", self.id, *answer)

    def _answer(self, params_bytes):
        limit = self.profile.max_request_body
        length = self.variables["CONTENT_LENGTH"]
        if self.role != protocol.Role.RESPONDER:
            return None
        if params_bytes > self.profile.max_params_bytes:
            return 431, None
        if len(self.variables) > self.profile.max_params:
            return 431, None
        if length in ("+5", "x", "9" * 5000, "\xb2", "-2"):
            return 400, None
        if length in ("", "-1"):  # then all that is counted is what has come before the call
            length = len(self.body) if self.profile.chunked_bodies == "whole" else 0
        if limit and int(length) > limit:
            return 413, None
        if self.kind == "fails_short" and self.profile.management:
            return site.BROKEN  # a socket's connection costs little
        too_large = bool(limit) and len(self.body) > limit
        return site.answer(self.kind, self.variables, self.body, too_large=too_large)


_NOISES = (
    _Request._unknown_type,
    _Request._values,
    _Request._foreign,
    _Request._data,
    _Request._second,
)


def _body(rng):
    chance = rng.random()
    if chance < 0.3:
        return b""
    if chance < 0.9:
        return rng.randbytes(rng.randint(1, 2000))
    line = rng.randbytes(50).replace(b"\n", b"") + b"\n"
    return line * rng.choice((50, 100, 500, 1500))
