"""A signal is heard whichever thread the system hands it to."""

import os
import signal
import socket
import sys
import threading
import time

import pytest

from iiswsgi.runtime import signalthread
from iiswsgi.runtime.shutdown import Shutdown

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a signal has its own thread on Windows")


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def handled():
    """Numbers of SIGINT and SIGTERM that Python's handler has seen."""
    numbers = []
    before = {
        number: signal.signal(number, lambda number, _frame: numbers.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def test_each_signal_is_passed_on_and_handled_too(handled):
    heard = []
    with signalthread.heard(heard.append):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert wait_for(lambda: len(heard) == 2)
    assert heard == handled == [signal.SIGTERM, signal.SIGINT]


@pytest.mark.usefixtures("handled")
def test_afterwards_nothing_is_passed_on_and_no_thread_is_left():
    threads, heard = threading.active_count(), []
    with signalthread.heard(heard.append):
        assert threading.active_count() == threads + 1
    signal.raise_signal(signal.SIGTERM)
    assert (heard, threading.active_count()) == ([], threads)


def test_who_listened_before_listens_again():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno())
        with signalthread.heard(print):
            pass
        assert signal.set_wakeup_fd(before) == theirs.fileno()


def test_who_listened_before_may_be_gone():
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno())
    with signalthread.heard(print):
        ours.close()
        theirs.close()
    assert signal.set_wakeup_fd(before) == -1


def test_who_listens_meanwhile_keeps_listening():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with signalthread.heard(print):
            before = signal.set_wakeup_fd(theirs.fileno())
        assert signal.set_wakeup_fd(-1) == theirs.fileno()
        assert before != -1


@POSIX
def test_a_child_that_leaves_in_order_ends_nothing_of_its_parents(programs):
    result = programs.run(
        """
        import signal, threading, time
        from iiswsgi.runtime.shutdown import Shutdown

        with Shutdown().signals():
            child = os.fork()
            if not child:
                sys.exit(7)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            time.sleep(0.2)
            print(status, [thread.name for thread in threading.enumerate()])
        """
    )
    assert result.stdout.split(b" ", 1) == [b"7", b"['MainThread', 'iiswsgi-signals']\n"], (
        result.stderr
    )


@POSIX
def test_a_signal_that_another_thread_takes_wakes_whoever_waits():
    shutdown = Shutdown()
    polled = shutdown.fileno()
    with socket.socket(fileno=os.dup(polled)) as sock, shutdown.signals():
        sock.settimeout(10)

        def take():
            time.sleep(0.2)
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

        thread = threading.Thread(target=take)
        thread.start()
        assert sock.recv(1) == b""
        thread.join()
    shutdown.close()
    assert shutdown.reason == "SIGTERM"


@POSIX
def test_a_listener_ends_though_a_connections_thread_takes_the_signal(programs):
    answer = programs.ask_served(
        """
        import signal, threading
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        start_response("200 OK", [])
        return [b"done"]
        """,
        terminate=False,
    )
    assert b"done" in answer
    assert "the end: SIGTERM" in programs.log


def test_what_the_application_has_taken_over_is_its_own(handled):
    shutdown = Shutdown()
    with shutdown.signals():
        ours = signal.signal(signal.SIGTERM, lambda number, _frame: handled.append(number))
        signal.raise_signal(signal.SIGTERM)
        assert wait_for(lambda: handled)
        time.sleep(0.2)  # in which the thread would have heard it
        signal.signal(signal.SIGTERM, ours)
    shutdown.close()
    assert not shutdown.requested


@POSIX
def test_a_child_that_is_forked_off_does_not_speak_for_its_parent(programs):
    result = programs.run(
        """
        import signal, time
        from iiswsgi.runtime.shutdown import Shutdown

        shutdown = Shutdown()
        with shutdown.signals():
            child = os.fork()
            if not child:
                signal.signal(signal.SIGTERM, lambda number, frame: os._exit(7))
                signal.raise_signal(signal.SIGTERM)
            status = os.waitpid(child, 0)[1]
            time.sleep(0.2)
        print(os.waitstatus_to_exitcode(status), shutdown.requested)
        """
    )
    assert result.stdout.split() == [b"7", b"False"], result.stderr


@POSIX
def test_the_end_does_not_wait_for_a_child_that_lives_on(programs):
    result = programs.run(
        """
        import signal, time
        from iiswsgi.runtime.shutdown import Shutdown

        with Shutdown().signals():
            child = os.fork()
            if not child:
                time.sleep(60)
                os._exit(0)
        os.kill(child, signal.SIGKILL)
        """,
        timeout=30,
    )
    assert result.returncode == 0, result.stderr
