"""Places: who is asked to leave when there are too few."""

import logging
import time

import pytest

from iiswsgi.fastcgi.transport import places
from iiswsgi.fastcgi.transport.accepted import Phase
from iiswsgi.fastcgi.transport.places import Places

NEW, IDLE, BUSY, SLOW = Phase


class Holder:
    def __init__(self, name, seconds, at=IDLE, *, recovers=False):
        self.name = name
        self.seconds = seconds
        self.at = at
        self.recovers = recovers
        self.asked = []

    def phase(self, now):
        return self.at, self.seconds

    def leave(self):
        self.asked.append("leave")

    def cut_off(self):
        if not self.recovers:
            self.asked.append("cut off")
        return not self.recovers


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
    return [" ".join(holder.asked) for holder in holders]


def test_a_place_that_is_given_back_can_be_taken(room):
    made = room(Holder("busy", 0, BUSY))
    assert not made.take()
    made.give_back()
    assert made.take()


def test_the_longest_idle_is_asked_first(room, caplog):
    holders = Holder("a", 0.2), Holder("b", 5), Holder("busy", 99, BUSY), Holder("slow", 99, SLOW)
    room(*holders).take()
    assert asked(*holders) == ["", "leave", "", ""]
    assert (
        "P15: connection_limit = 4 is reached, and another connection waits: b, idle for 5 seconds,"
        " is ended." in caplog.text
    )


def test_a_connection_that_is_new_has_a_second_for_its_first_request(room):
    holders = Holder("new", 0.9, NEW), Holder("idle", 0.1)
    room(*holders).take()
    assert asked(*holders) == ["", "leave"]
    holder = Holder("new", 1, NEW)
    room(holder).take()
    assert asked(holder) == ["leave"]


def test_while_an_idle_one_leaves_no_other_is_asked(room):
    first, second = Holder("a", 5), Holder("b", 2)
    made = room(first, second)
    made.take()
    made.take()
    assert asked(first, second) == ["leave", ""]


def test_when_it_got_a_request_before_it_left_another_is_asked(room):
    first, second = Holder("a", 5), Holder("b", 2)
    made = room(first, second)
    made.take()
    first.at, first.seconds = BUSY, 0
    made.take()
    assert asked(first, second) == ["leave", "leave"]


def test_without_an_idle_one_a_slow_one_is_cut_off(room, caplog):
    holders = Holder("a", 20, SLOW), Holder("b", 30, SLOW), Holder("c", 50, BUSY)
    room(*holders).take()
    assert asked(*holders) == ["", "cut off", ""]
    assert "b, whose peer is slower than min_rate, is ended in the middle of a request." in (
        caplog.text
    )


def test_of_one_that_has_become_faster_nothing_is_said(room, caplog):
    room(Holder("a", 20, SLOW, recovers=True)).take()
    assert not caplog.records


def test_else_the_oldest_requests_are_the_last_of_their_connections(room, caplog):
    holders = [Holder(str(number), number, BUSY) for number in range(4)]
    made = room(*holders)
    made.take()
    assert asked(*holders) == ["", "", "", "leave"]
    assert "3, in a request for 3 seconds, ends after it." in caplog.text
    made.take()
    assert asked(*holders) == ["", "leave", "leave", "leave"]
    made.take()
    made.take()
    assert asked(*holders) == ["leave"] * 4


def test_one_that_is_to_leave_and_becomes_slow_is_cut_off(room):
    holder = Holder("a", 5, BUSY)
    made = room(holder)
    made.take()
    holder.at = SLOW
    made.take()
    assert asked(holder) == ["leave cut off"]


def test_a_shortage_without_anybody_to_ask_is_none(room):
    first, second = Holder("a", 0.5, NEW), Holder("b", 0.4, NEW)
    made = room(first, second)
    made.take()
    first.seconds, second.seconds = 6, 5
    made.take()
    assert asked(first, second) == ["leave", ""]


def test_in_one_episode_twice_as_many_are_asked_each_time(room, monkeypatch):
    holders = [Holder(str(number), 100 - number) for number in range(10)]
    made = room(*holders)
    gone = set()
    for _ in range(3):
        made.take()
        for holder in holders:
            if holder.asked and holder not in gone:
                gone.add(holder)
                made.give_back(holder)
                assert made.take()
    assert asked(*holders) == ["leave"] * 7 + [""] * 3
    monkeypatch.setattr(places, "_EPISODE", 0)
    time.sleep(0.02)  # Windows's clock goes in steps of 16 ms
    made.take()
    assert asked(*holders) == ["leave"] * 8 + [""] * 2


def test_a_shortage_that_lasts_is_told_once_a_minute(room, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    holders = [Holder(str(number), number, BUSY) for number in range(8)]
    made = room(*holders)
    made.take()
    made.take()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG"]
    monkeypatch.setattr(places, "_TELL_AGAIN", 0)
    made.take()
    assert caplog.records[3].levelname == "WARNING"
