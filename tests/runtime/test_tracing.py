import re

import pytest

from iiswsgi.runtime import running, tracing
from iiswsgi.runtime.logentry import Entry, entry
from iiswsgi.runtime.tracing import MAX_EVENTS, MAX_TEXT, Tracing, frame

FRAME = re.compile(rb"IIS_TRACE_(INFO|WARNING|ERROR):(.*):IIS_TRACE_END", re.DOTALL)


@pytest.fixture
def events():
    """Those of a request that this thread serves."""
    running.begin({})
    made = Tracing()
    made.begin()
    yield made
    running.end()
    assert not made._events


@pytest.mark.parametrize(
    ("level", "word"),
    [
        ("DEBUG", "INFO"),
        ("INFO", "INFO"),
        ("WARNING", "WARNING"),
        ("ERROR", "ERROR"),
        ("CRITICAL", "ERROR"),
        ("Level 35", "INFO"),
    ],
)
def test_an_event(level, word):
    found = frame(entry(level, "app", "caf\u00e9", "Traceback\n  x\n"))
    text = f"IIS_TRACE_{word}:app: caf\u00e9\nTraceback\n  x:IIS_TRACE_END"
    assert found == text.encode()


@pytest.mark.parametrize(
    "hostile",
    [":IIS_TRACE_END", ":IIS_TRACE_ENDoops", "IIS_TRACE_ERROR:x", "\0", "\udce9", "x" * 100000],
)
def test_nothing_in_a_text_ends_an_event_or_begins_one(hostile):
    found = frame(entry("INFO", "n", hostile, hostile))
    level, text = FRAME.fullmatch(found).groups()
    assert level == b"INFO"
    assert b"IIS_TRACE" not in text
    assert b"\0" not in text
    assert len(text) <= MAX_TEXT + len(" ...")


def test_the_entries_of_a_request_are_its_events(events):
    events.add(entry("INFO", "n", "one"))
    events.add(Entry("INFO", "n", "of nobody", "", 0.0, None))
    events.add(Entry("INFO", "n", "of another", "", 0.0, 10**9))
    events.add(entry("ERROR", "n", "two"))
    assert [FRAME.fullmatch(each)[2] for each in events.take()] == [b"n: one", b"n: two"]
    events.add(entry("INFO", "n", "too late"))
    assert events.take() == []


def test_a_request_that_ends_otherwise_leaves_nothing(events):
    events.add(entry("INFO", "n", "one"))
    # The fixture looks.


def test_the_events_of_a_request_are_limited(events):
    for number in range(MAX_EVENTS + 10):
        events.add(entry("INFO", "n", str(number)))
    *whole, last = events.take()
    assert len(whole) == MAX_EVENTS
    assert last == b"IIS_TRACE_WARNING:n: more events are left out:IIS_TRACE_END"


def test_between_requests_there_are_none():
    made = Tracing()
    made.begin()
    made.add(entry("INFO", "n", "one"))
    assert made.take() == []
    assert tracing.running.number() is None
