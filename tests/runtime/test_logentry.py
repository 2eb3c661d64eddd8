import logging
import sys
import threading

import pytest

from iiswsgi.runtime import logentry, running


def record(message, *args, **kwargs):
    return logging.LogRecord(
        "app", logging.INFO, "f.py", 1, message, args, **{"exc_info": None, **kwargs}
    )


@pytest.fixture
def number():
    """That of a request which this thread serves."""
    yield running.begin({})
    running.end()


def test_a_record_with_arguments():
    found = logentry.of_record(record("%s!", "hi"))
    assert found[:4] == ("INFO", "app", "hi!", "")
    assert found.request is None
    assert not found.fields


def test_a_record_with_a_traceback_and_a_stack():
    try:
        raise ValueError("nasty\nvalue")
    except ValueError:
        made = record("failed", exc_info=sys.exc_info())
    made.stack_info = "Stack (most recent call last):\n  here"
    lines = logentry.of_record(made).details.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-4:] == [
        "ValueError: nasty",
        "value",
        "Stack (most recent call last):",
        "  here",
    ]


def test_what_is_said_in_a_request_belongs_to_it(number):
    assert logentry.entry("INFO", "n", "text").request == number
    assert logentry.of_record(record("text")).request == number


def test_a_record_of_another_thread_is_not_this_request_s(number):
    made = []
    thread = threading.Thread(target=lambda: made.append(record("queued")))
    thread.start()
    thread.join()
    assert logentry.of_record(made[0]).request is None


def test_a_record_without_a_thread_is_taken_for_this_one_s(number, monkeypatch):
    monkeypatch.setattr(logging, "logThreads", False)
    assert logentry.of_record(record("text")).request == number


def test_a_record_may_say_whose_it_is_and_what_it_says(number):
    made = record("text")
    made.iiswsgi_request = 1000000
    made.iiswsgi_fields = {"status": 200}
    found = logentry.of_record(made)
    assert found.request == 1000000
    assert found.fields == {"status": 200}


def test_a_call_gives_what_its_record_would(number):
    extra = {"iiswsgi_fields": {"status": 200}}
    for message, args in (("text, 100%", ()), ("%s %d", ("one", 2)), ("%s", ("one",))):
        made = logging.LogRecord("shop", logging.WARNING, __file__, 1, message, args, None)
        made.__dict__.update(extra)
        found = logentry.of_call("shop", logging.WARNING, message, args, extra)
        assert found._replace(created=0) == logentry.of_record(made)._replace(created=0)
        assert found.created >= made.created
    assert found.request == number
    assert logentry.of_call("shop", 20, "text", (), {"iiswsgi_request": 42}).request == 42
    with pytest.raises(TypeError):
        logentry.of_call("shop", 20, "%d", ("x",), {})
