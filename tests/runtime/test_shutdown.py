"""One fact, several causes: whoever asks, those who wait are told once."""

import os
import select
import signal
import socket
import sys
import threading
import time

import pytest

from iiswsgi.runtime.shutdown import Shutdown


@pytest.fixture
def shutdown():
    value = Shutdown()
    yield value
    value.close()


def is_readable(shutdown):
    return bool(select.select([shutdown.fileno()], [], [], 0)[0])


def test_nothing_is_requested_at_first(shutdown):
    assert not shutdown.requested
    assert shutdown.reason == ""
    assert not is_readable(shutdown)


def test_the_first_request_counts(shutdown):
    told = []
    shutdown.add_waker(lambda: told.append(shutdown.reason))
    shutdown.request("first")
    shutdown.request("second")
    assert (shutdown.requested, shutdown.reason, told) == (True, "first", ["first"])


@pytest.mark.parametrize("polled_before", [True, False])
def test_whoever_polls_sees_it_for_good(shutdown, polled_before):
    if polled_before:
        assert not is_readable(shutdown)
    shutdown.request("test")
    assert is_readable(shutdown)
    assert is_readable(shutdown)


def test_a_waker_that_comes_late_is_told_at_once(shutdown):
    shutdown.request("test")
    told = []
    shutdown.add_waker(lambda: told.append(True))
    assert told == [True]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_ask_for_the_end_within_the_block_only(shutdown, name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with shutdown.signals():
        signal.raise_signal(number)
        deadline = time.monotonic() + 10
        while not shutdown.requested and time.monotonic() < deadline:
            time.sleep(0.01)
    assert shutdown.reason == name
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_interrupts_as_usual(shutdown):
    with shutdown.signals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def signals_restored():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_restored")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_loading_and_a_second_one_no_exit_hook(shutdown, name):
    number = getattr(signal, name)
    shutdown.own_signals()
    with pytest.raises(SystemExit) as ending:
        signal.raise_signal(number)
    assert ending.value.code == 0
    assert (shutdown.reason, shutdown.left_loading) == (name, True)
    if number == signal.SIGINT:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    else:
        signal.raise_signal(number)


@pytest.mark.usefixtures("signals_restored")
def test_a_signal_waits_until_it_can_be_heeded(shutdown):
    shutdown.hold_signals()
    signal.raise_signal(signal.SIGTERM)
    assert (shutdown.reason, shutdown.left_loading) == ("SIGTERM", False)
    with pytest.raises(SystemExit) as ending:
        shutdown.own_signals()
    assert ending.value.code == 0
    assert shutdown.left_loading


@pytest.mark.usefixtures("signals_restored")
def test_after_the_serving_a_signal_ends_no_exit_hook(shutdown):
    shutdown.own_signals()
    with shutdown.signals():
        pass
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_applications_default_for_sockets_does_not_matter(shutdown):
    socket.setdefaulttimeout(0.01)
    try:
        with shutdown.signals():
            time.sleep(0.1)
            signal.raise_signal(signal.SIGTERM)
            deadline = time.monotonic() + 10
            while not shutdown.requested and time.monotonic() < deadline:
                time.sleep(0.01)
    finally:
        socket.setdefaulttimeout(None)
    assert shutdown.reason == "SIGTERM"


def test_other_threads_handle_no_signals(shutdown):
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run():
        with shutdown.signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.skipif(sys.platform == "win32", reason="there are events on Windows")
def test_events_are_for_windows(shutdown):
    assert shutdown.watch_event(4) is False


def test_the_wake_up_socket_is_not_inherited(shutdown):
    assert not os.get_inheritable(shutdown.fileno()) if sys.platform != "win32" else True


FORKS = pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")


@FORKS
def test_a_child_that_lives_on_does_not_hide_the_request(shutdown):
    polled = shutdown.fileno()
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    try:
        shutdown.request("the test")
        assert select.select([polled], [], [], 10)[0]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@FORKS
@pytest.mark.parametrize("when", ["hold_signals", "own_signals", "signals"])
def test_a_child_ends_as_python_does_when_it_is_told_to(programs, when):
    result = programs.run(
        f"""
        import contextlib, multiprocessing, signal, time
        from iiswsgi.runtime.shutdown import Shutdown

        shutdown = Shutdown()
        with shutdown.{when}() or contextlib.nullcontext():
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
            child.start()
            child.terminate()
            child.join(20)
        print(child.exitcode, shutdown.requested)
        """
    )
    assert result.stdout.split() == [b"-15", b"False"], result.stderr
