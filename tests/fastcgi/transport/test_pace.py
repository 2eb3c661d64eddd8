"""A slow peer is told from a fast one, and from a slow application."""

import pytest

from iiswsgi.fastcgi.transport import pace
from iiswsgi.fastcgi.transport.pace import Pace


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    value = Clock()
    monkeypatch.setattr(pace, "time", value)
    return value


@pytest.fixture
def wait(clock):
    """Wait so many seconds for so many bytes; gives whether the peer was slow before they came."""

    def wait(peer, seconds, size):
        peer.wait()
        clock.now += seconds
        slow = peer.is_slow(clock.now)
        peer.go_on(size)
        return slow

    return wait


@pytest.mark.parametrize(("rate", "slow"), [(500, True), (1, True), (0, False)])
def test_a_silent_peer_is_slow_after_twenty_seconds(wait, rate, slow):
    assert not wait(Pace(rate), 20, 0)
    assert wait(Pace(rate), 20.1, 0) is slow


def test_what_is_not_waited_for_does_not_count(wait, clock):
    peer = Pace(500)
    for _ in range(10):
        assert not wait(peer, 1, 0)
        clock.now += 100
        assert not peer.is_slow(clock.now)


@pytest.mark.parametrize(("size", "slow"), [(1, True), (499, True), (500, False), (5000, False)])
def test_one_that_drips_is_slow_below_the_rate(wait, size, slow):
    peer = Pace(500)
    found = [wait(peer, 1, size) for _ in range(20_000)]
    assert any(found) is slow


def test_what_came_fast_is_no_credit_for_later(wait):
    peer = Pace(500)
    assert not wait(peer, 1, 1 << 30)
    assert wait(peer, 21, 0)


def test_a_long_silence_is_no_debt(wait):
    peer = Pace(500)
    assert wait(peer, 1000, 5000)
    assert not wait(peer, 9, 0)


def test_each_request_begins_anew(wait):
    peer = Pace(500)
    assert not wait(peer, 15, 0)
    peer.begin()
    assert not wait(peer, 15, 0)
