"""Places: who is asked to leave when there are too few."""

import time

import pytest

from iiswsgi.fastcgi.transport import places
from iiswsgi.fastcgi.transport.places import Places


class Holder:
    def __init__(self, name, seconds, *, idle=True, yields=True):
        self.name = name
        self.seconds = seconds
        self.idle = idle
        self.yields = yields
        self.asked = 0
        self.leaves = False

    def waited(self, now):
        return self.idle, self.seconds

    def give_up(self, stalled):
        self.asked += 1
        self.leaves = self.yields
        return self.yields


@pytest.fixture
def room(monkeypatch):
    """Places, all of them held by the given connections."""
    monkeypatch.setattr(places, "_PAUSE", 0.01)

    def make(*holders):
        made = Places(len(holders))
        for holder in holders:
            assert made.take()
            made.add(holder)
        return made

    return make


def asked(*holders):
    return [holder.asked for holder in holders]


def test_a_place_that_is_given_back_can_be_taken(room):
    made = room(Holder("busy", 0, idle=False))
    assert not made.take()
    made.give_back()
    assert made.take()


def test_the_longest_idle_is_asked_first_and_the_busy_never(room, caplog):
    holders = Holder("a", 2), Holder("b", 5), Holder("new", 0.5), Holder("busy", 99, idle=False)
    room(*holders).take()
    assert asked(*holders) == [0, 1, 0, 0]
    assert "P15: connection_limit = 4 is reached, and another connection waits: b, idle" in (
        caplog.text
    )


def test_while_one_leaves_no_other_is_asked(room):
    first, second = Holder("a", 5), Holder("b", 2)
    made = room(first, second)
    made.take()
    made.take()
    assert asked(first, second) == [1, 0]


def test_who_got_a_request_before_he_left_does_not_keep_the_others(room):
    first, second = Holder("a", 5), Holder("b", 2)
    made = room(first, second)
    made.take()
    first.idle, first.seconds, first.leaves = False, 0, False
    made.take()
    assert asked(first, second) == [1, 1]


def test_a_shortage_without_anybody_to_ask_is_none(room):
    first, second = Holder("a", 0.5), Holder("b", 0.4)
    made = room(first, second)
    made.take()
    first.seconds, second.seconds = 6, 5
    made.take()
    assert asked(first, second) == [1, 0]


def test_in_one_episode_twice_as_many_are_asked_each_time(room, monkeypatch):
    holders = [Holder(str(number), 100 - number) for number in range(10)]
    made = room(*holders)
    for _ in range(3):
        made.take()
        for holder in holders:
            if holder.asked and holder.leaves:
                holder.leaves = False
                made.give_back(holder)
                assert made.take()
    assert asked(*holders) == [1] * 7 + [0] * 3
    monkeypatch.setattr(places, "_EPISODE", 0)
    time.sleep(0.02)  # Windows's clock goes in steps of 16 ms
    made.take()
    assert asked(*holders) == [1] * 8 + [0] * 2


def test_without_an_idle_one_the_longest_stalled_is_ended(room, caplog):
    holders = Holder("a", 20, idle=False), Holder("b", 30, idle=False), Holder("c", 5, idle=False)
    room(*holders).take()
    assert asked(*holders) == [0, 1, 0]
    assert "b, in the middle of a request, but silent for 30 seconds" in caplog.text


def test_of_one_that_goes_on_after_all_nothing_is_said(room, caplog):
    room(Holder("a", 20, idle=False, yields=False)).take()
    assert not caplog.records
