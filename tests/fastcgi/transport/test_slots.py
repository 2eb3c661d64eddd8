"""A slot is held while a request runs, and by nobody who waits for his peer."""

import threading

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.slots import SlottedTransport


class Peer:
    """Notes at each call whether the slot was free."""

    name = "the test's peer"
    answers_management = shows_break = True

    def __init__(self, slots):
        self.slots = slots
        self.calls = []

    def receive(self):
        return self._note("receive")

    def receive_idle(self):
        return self._note("receive_idle")

    def has_data(self):
        return True

    def send(self, data):
        self._note(data)
        raise ClientDisconnected("P10", "the test's peer has left")

    def close(self):
        self._note("close")

    def _note(self, what):
        free = self.slots.acquire(blocking=False)
        if free:
            self.slots.release()
        self.calls.append((what, free))
        return b"data"


@pytest.fixture
def slots():
    return threading.Semaphore(1)


def test_a_slot_is_held_within_the_block_save_in_waits(slots):
    peer = Peer(slots)
    transport = SlottedTransport(peer, slots)
    assert (transport.name, transport.answers_management) == (peer.name, True)
    assert transport.shows_break
    with transport:
        assert not slots.acquire(blocking=False)
        assert transport.receive() == b"data"
        with pytest.raises(ClientDisconnected):
            transport.send(b"data")
        assert not slots.acquire(blocking=False)
    assert peer.calls == [("receive", True), (b"data", True)]


def test_outside_the_block_there_is_no_slot_to_give_up(slots):
    peer = Peer(slots)
    transport = SlottedTransport(peer, slots)
    with slots:
        transport.receive()
        transport.receive_idle()
        with pytest.raises(ClientDisconnected):
            transport.send(b"data")
        transport.close()
    assert {free for _, free in peer.calls} == {False}
    assert slots.acquire(blocking=False)


def test_a_slot_that_is_not_shared_is_held_in_waits_too(slots):
    peer = Peer(slots)
    with SlottedTransport(peer, slots, shares=False) as transport:
        transport.receive()
    assert peer.calls == [("receive", False)]
    assert slots.acquire(blocking=False)
