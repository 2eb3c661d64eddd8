"""The read that waits for the next request itself: ended by a signal, and else by the kernel."""

import os
import signal
import sys
import threading
import time

import pytest

from iiswsgi.fastcgi.transport import blocking
from iiswsgi.fastcgi.transport.blocking import BlockingTransport

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="no signal interrupts a read on Windows; run it on POSIX"
)


@pytest.fixture
def patient(monkeypatch):
    """Nothing but a signal ends a wait in the time of a test."""
    monkeypatch.setattr(blocking, "_LOOK", 60)


def signal_soon(number=signal.SIGTERM):
    timer = threading.Timer(0.2, os.kill, [os.getpid(), number])
    timer.start()
    return timer


@pytest.mark.usefixtures("patient")
def test_a_signal_ends_the_wait_at_once(pair, shutdown):
    transport = BlockingTransport(pair[0], shutdown, "test")
    with shutdown.signals():
        timer = signal_soon()
        start = time.monotonic()
        assert transport.receive_idle() == b""
        assert 0.1 < time.monotonic() - start < 10
        timer.join()


@pytest.mark.usefixtures("patient")
def test_a_signal_does_not_interrupt_a_request(pair, shutdown):
    transport = BlockingTransport(pair[0], shutdown, "test")
    with shutdown.signals():
        timers = [signal_soon(), threading.Timer(0.6, pair[1].sendall, [b"the rest"])]
        timers[1].start()
        assert transport.receive() == b"the rest"
        assert shutdown.requested
        for timer in timers:
            timer.join()


@pytest.mark.usefixtures("patient")
def test_what_is_on_its_way_at_the_stop_is_still_given_out(pair, shutdown, monkeypatch):
    monkeypatch.setattr(blocking, "_LAST_CALL", 30)
    transport = BlockingTransport(pair[0], shutdown, "test")
    with shutdown.signals():
        timers = [signal_soon(), threading.Timer(0.6, pair[1].sendall, [b"just in time"])]
        timers[1].start()
        assert transport.receive_idle() == b"just in time"
        assert shutdown.requested
        for timer in timers:
            timer.join()


def test_a_signal_that_no_read_hears_is_heeded_a_little_later(pair, shutdown, monkeypatch):
    """It came between Python's last look and the read: here, from a thread that wakes nobody."""
    monkeypatch.setattr(blocking, "_LOOK", 0.3)
    transport = BlockingTransport(pair[0], shutdown, "test")
    timer = threading.Timer(0.1, shutdown.request, ["test"])
    timer.start()
    assert transport.receive_idle() == b""
    timer.join()


@pytest.mark.usefixtures("patient")
def test_a_peer_without_a_pause_does_not_keep_it_after_the_stop(pair, shutdown):
    transport = BlockingTransport(pair[0], shutdown, "test")
    shutdown.request("test")
    pair[1].sendall(b"x" * 200_000)
    assert transport.receive_idle() == b"x" * 65536
    assert transport.receive_idle() == b""


@pytest.mark.usefixtures("patient")
def test_the_rest_of_a_record_is_waited_for_at_the_stop_but_not_for_ever(pair, shutdown):
    transport = BlockingTransport(pair[0], shutdown, "test")
    shutdown.request("test")
    pair[1].sendall(b"begins")
    assert transport.receive_idle() == b"begins"
    pair[1].sendall(b"goes on")
    assert transport.receive_idle(begun=True) == b"goes on"
    assert transport.receive_idle(begun=True) == b""


def test_an_idle_wait_is_no_end(pair, shutdown, monkeypatch):
    monkeypatch.setattr(blocking, "_LOOK", 0.05)
    transport = BlockingTransport(pair[0], shutdown, "test")
    timer = threading.Timer(0.4, pair[1].sendall, [b"late"])
    timer.start()
    assert transport.receive_idle() == b"late"
    timer.join()


def test_a_stop_after_the_close_is_nobodys_business(pair, shutdown):
    BlockingTransport(pair[0], shutdown, "test").close()
    shutdown.request("test")
