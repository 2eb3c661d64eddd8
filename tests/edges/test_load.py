"""The clients: a wrong answer, a failure and a client that leaves are told apart."""

from __future__ import annotations

import random

from edges.load import MEMORY, SIZES, Load, Request, usual
from iiswsgi.host.failure import WorkerFailure


class OneReply:
    """A pool that answers every request with the same."""

    def __init__(self, content=b"hello\n", status=200, failure=None):
        self.status = status
        self.read = []
        self.closed = 0
        self._content = content
        self._failure = failure

    def exchange(self, variables, body):
        if body is not None:
            self.read.append(b"".join(iter(lambda: body(9216), b"")))
        if self._failure:
            raise self._failure
        self.body = iter([self._content])
        return self

    def close(self):
        self.closed += 1


def ask(request, **reply):
    pool = OneReply(**reply)
    load = Load(pool, usual)
    load.ask(request, random.Random(0))
    return pool, load.tally


HELLO = Request("/", MEMORY[:100_000], b"hello\n".__eq__)


def test_a_right_answer():
    pool, tally = ask(HELLO)
    assert (tally.sent, tally.answered, tally.failed, pool.closed) == (1, 1, 0, 1)
    assert pool.read == [HELLO.body]


def test_a_wrong_answer():
    for reply in ({"content": b"hello"}, {"status": 500}):
        _, tally = ask(HELLO, **reply)
        assert (tally.answered, tally.failed) == (0, 1)
        assert tally.lost[0].startswith("/ with 100000 bytes: the answer was ")


def test_a_failure_is_lost_unless_it_is_allowed():
    killed = WorkerFailure("killed", "by the stand-in")
    _, tally = ask(HELLO, failure=killed)
    assert tally.lost == ["/ with 100000 bytes: IISWSGI-H06: by the stand-in"]
    _, tally = ask(Request("/", may_fail=frozenset({"killed"})), failure=killed)
    assert (tally.lost, tally.killed, tally.failed) == ([], {"killed": 1}, 1)


def test_whatever_the_stand_in_raises_is_a_loss():
    _, tally = ask(HELLO, failure=ValueError("a fault"))
    assert tally.lost == ["/ with 100000 bytes: the stand-in raised ValueError('a fault')"]


def test_clients_leave():
    for when in ("sending", "waiting", "receiving"):
        pool, tally = ask(Request("/", MEMORY[:1000], leaves=when))
        assert (tally.left, tally.answered, tally.failed) == ({when: 1}, 0, 0)
        assert pool.read == ([MEMORY[:1000]] if when == "receiving" else [])


def test_the_usual_requests_have_every_size():
    chance = random.Random(0)
    requests = [usual(chance) for _ in range(500)]
    assert {len(request.body) for request in requests if request.body is not None} == set(SIZES)
    names = [request.mark for request in requests if request.mark]
    assert len(names) == len(set(names)) > 10


def test_clients_in_threads():
    tally = Load(OneReply(), lambda chance: HELLO, clients=3, pause=0.01).run(0.2)
    assert tally.answered == tally.sent >= 3
