"""Clients in threads that keep a pool busy, check every answer and count what became of it."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from edges import aftermath
from fixtureapps.app import CHUNK
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.variables import HttpRequest, Place, make_variables

SIZES = (0, 1, 100, 9216, 9217, 65536, 300_000, 1 << 20)
"""Bytes of a body: none, one, some, IIS's record and one more, and several of all buffers."""

MEMORY = random.Random(1).randbytes(1 << 20)
"""What bodies are cut from."""


class ClientLeft(Exception):
    """A client of ours left on purpose."""


@dataclass(frozen=True)
class Request:
    """What a client asks for, and what it must get."""

    target: str
    body: bytes | None = None
    expected: Callable[[bytes], bool] = lambda content: True
    status: int = 200
    leaves: str = ""
    """``sending``, ``waiting`` or ``receiving``: then the client leaves."""
    may_fail: frozenset[str] = frozenset()
    """Kinds of failure that are IIS's own doing."""
    mark: str = ""
    """The name that it leaves in the log."""


@dataclass
class Tally:
    """What became of the requests."""

    sent: int = 0
    answered: int = 0
    left: Counter[str] = field(default_factory=Counter)
    """Clients that left, by when they did."""
    killed: Counter[str] = field(default_factory=Counter)
    """Failures that IIS itself would make, by kind."""
    lost: list[str] = field(default_factory=list)
    """Every other failure, in words; there must be none."""
    marks: list[str] = field(default_factory=list)
    """Names that the log must hold, since their requests were answered."""
    failures: list[tuple[WorkerFailure, str]] = field(default_factory=list)
    """With the time when the client learnt of it, as the log writes times."""

    @property
    def failed(self):
        return sum(self.killed.values()) + len(self.lost)


class Load:
    """Clients for *pool*, all with the same *mix*.

    :param mix: makes the next request of a client out of its own ``random.Random``.
    :param pause: the most seconds that a client waits between two requests.
    """

    def __init__(self, pool, mix, *, clients=4, seed=1, pause=0.0):
        self.tally = Tally()
        self._pool = pool
        self._mix = mix
        self._pause = pause
        self._place = Place("/site", site_name="site", separator="/")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(random.Random(f"{seed}-{number}"),))
            for number in range(clients)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def run(self, seconds, meanwhile=lambda: time.sleep(0.05)):
        """Keep the clients busy so long, and *meanwhile* too, over and over."""
        with self:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                meanwhile()
        return self.tally

    def _client(self, chance):
        while not self._stop.is_set():
            self.ask(self._mix(chance), chance)
            self._stop.wait(chance.uniform(0, self._pause))

    def ask(self, request, chance):
        """Send one request and count what became of it."""
        with self._lock:
            self.tally.sent += 1
        try:
            complaint = self._exchange(request, chance)
        except ClientLeft:
            with self._lock:
                self.tally.left[request.leaves] += 1
        except WorkerFailure as failure:
            self._failed(request, failure)
        except Exception as error:
            self._lost(request, f"the stand-in raised {error!r}")
        else:
            if complaint:
                self._lost(request, complaint)
            else:
                with self._lock:
                    self.tally.answered += 1
                    self.tally.marks += [request.mark] if request.mark else []

    def _exchange(self, request, chance):
        length = len(request.body or b"")
        method = "GET" if request.body is None else "POST"
        http = HttpRequest(method, request.target, [("Host", "localhost")], length)
        body = None if request.body is None else self._body(request, chance)
        reply = self._pool.exchange(make_variables(http, self._place), body)
        try:
            if request.leaves:
                next(reply.body, b"")
                raise ClientLeft
            content = b"".join(reply.body)
        finally:
            reply.close()
        if reply.status != request.status or not request.expected(content):
            return f"the answer was {reply.status} with {len(content)} bytes {content[:80]!r}"
        return ""

    def _body(self, request, chance):
        """Reads the body in pieces of any size, with a client that may leave meanwhile."""
        data = memoryview(request.body)
        if request.leaves == "sending":
            data = data[: len(data) // 2]

        def read(size):
            nonlocal data
            size = chance.randint(1, size)
            piece, data = bytes(data[:size]), data[size:]
            if not piece and request.leaves in ("sending", "waiting"):
                time.sleep(0.05)
                raise ClientLeft
            return piece

        return read

    def _failed(self, request, failure):
        with self._lock:
            self.tally.failures.append((failure, aftermath.stamp()))
            if failure.kind in request.may_fail:
                self.tally.killed[failure.kind] += 1
                return
        self._lost(request, str(failure))

    def _lost(self, request, why):
        size = "" if request.body is None else f" with {len(request.body)} bytes"
        with self._lock:
            self.tally.lost.append(f"{request.target}{size}: {why}")


_names = itertools.count(1)


def _digest_of(body):
    wanted = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return lambda content: json.loads(content) == wanted


def _echo(chance, body):
    return Request("/echo", body, body.__eq__)


def _count(chance, body):
    return Request("/count", body, _digest_of(body))


def _unread(chance, body):
    """The body waits in memory or in a temporary file while the response is sent."""
    expected = b"chunk 0\nchunk 1\nchunk 2\n"
    return Request("/stream/3?pause=0.02", body, expected.__eq__)


def _hello(chance, body):
    return Request("/", None, b"hello\n".__eq__)


def _size(chance, body):
    size = len(body)
    expected = (CHUNK * (size // len(CHUNK) + 1))[:size]
    return Request(f"/size/{size}", None, expected.__eq__)


def _mark(chance, body):
    name = f"m{next(_names)}"
    return Request(f"/mark/{name}", None, f"marked {name}\n".encode().__eq__, mark=name)


def _raise(chance, body):
    return Request("/raise", None, lambda content: content.startswith(b"500 "), status=500)


KINDS = (_echo, _count, _unread, _hello, _size, _mark, _raise)


def usual(chance):
    """Any kind of request that has an end of its own, with a body of any size."""
    size = chance.choice(SIZES)
    start = chance.randint(0, len(MEMORY) - size)
    return chance.choice(KINDS)(chance, MEMORY[start : start + size])
