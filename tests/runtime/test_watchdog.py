"""A request that hangs is reported once, with every thread's stack; one that does not, never."""

import threading
import time

import pytest

from iiswsgi.runtime import logentry, logtext, running
from iiswsgi.runtime.watchdog import Watchdog

VARIABLES = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/slow?password=1"}


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def shown(record):
    return logtext.render(logentry.of_record(record)).decode()


def hang_here(event):
    event.wait(20)


@pytest.fixture
def hanging():
    """A thread in the middle of a request: the request's number, in a list."""
    release = threading.Event()
    numbers = []
    with Watchdog(0.1):

        def run():
            numbers.append(running.begin(VARIABLES))
            hang_here(release)
            running.end()

        thread = threading.Thread(target=run, name="worker")
        thread.start()
        yield numbers
        release.set()
        thread.join()


def test_a_request_that_hangs_is_reported_once_with_all_stacks(hanging, caplog):
    assert wait_for(lambda: caplog.records)
    time.sleep(0.3)
    (record,) = caplog.records
    text = shown(record)
    assert f" {hanging[0]} WARNING iiswsgi.runtime.watchdog: IISWSGI-W30: GET /slow has run" in text
    assert "password" not in text
    assert "    thread 'worker' (the request):" in text
    assert "in hang_here" in text
    assert text.index("hang_here") < text.index("thread 'MainThread'")
    assert "iiswsgi-watchdog" not in text


def test_loading_that_hangs_is_reported(caplog):
    with Watchdog(0.1) as watchdog:
        watchdog.begin_loading()
        assert wait_for(lambda: caplog.records)
    (record,) = caplog.records
    text = shown(record)
    assert "IISWSGI-S17: the application has been loading for 0 seconds" in text
    assert "    thread 'MainThread' (loading):" in text
    assert "in test_loading_that_hangs_is_reported" in text


def test_requests_in_time_are_not_reported(caplog):
    with Watchdog(0.2):
        for _ in range(30):
            running.begin(VARIABLES)
            time.sleep(0.01)
            running.end()
    assert not caplog.records


def test_a_limit_of_none_watches_nothing(caplog):
    threads = threading.active_count()
    with Watchdog(0):
        running.begin(VARIABLES)
        assert threading.active_count() == threads
        running.end()
    assert not caplog.records
