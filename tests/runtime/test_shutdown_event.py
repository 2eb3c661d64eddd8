"""IIS's shutdown event: a handle's number in the environment; Windows only."""

import _overlapped
import time

import pytest

from iiswsgi.runtime.shutdown import Shutdown


@pytest.fixture
def shutdown():
    value = Shutdown()
    yield value
    value.close()


def make_event():
    return _overlapped.CreateEvent(None, True, False, None)


def test_setting_it_asks_for_the_end(shutdown):
    event = make_event()
    assert shutdown.watch_event(event)
    assert not shutdown.requested
    _overlapped.SetEvent(event)
    deadline = time.monotonic() + 10
    while not shutdown.requested and time.monotonic() < deadline:
        time.sleep(0.01)
    assert shutdown.reason == "the shutdown event"


def test_one_that_is_set_already_counts(shutdown):
    event = make_event()
    _overlapped.SetEvent(event)
    assert shutdown.watch_event(event)
    assert shutdown.requested


def test_a_stale_number_is_refused(shutdown):
    assert not shutdown.watch_event(0xFFF0)
