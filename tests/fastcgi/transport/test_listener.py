"""Listening: addresses, limits, and an end that loses no connection."""

import errno
import socket
import threading
import time

import pytest

from iiswsgi.fastcgi.transport import accepted, pace
from iiswsgi.fastcgi.transport.address import open_listener
from iiswsgi.fastcgi.transport.listener import Listener
from iiswsgi.runtime.shutdown import Shutdown


def echo(transport):
    try:
        while data := transport.receive_idle():
            transport.send(data.upper())
    finally:
        transport.close()


def answering_at(release):
    """Serves one request, and answers it when *release* is set."""

    def serve(transport):
        data = transport.receive_idle()
        release.wait(10)
        transport.send(data)
        transport.close()

    return serve


class Running:
    """A listener in a thread of its own."""

    def __init__(self, serve=echo, **options):
        self.socket = open_listener(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.shutdown = Shutdown()
        options = {"connection_limit": 10, "timeout": 0, "graceful_timeout": 10, **options}
        self.listener = Listener(self.socket, self.shutdown, serve, **options)
        self.thread = threading.Thread(target=self.listener.run)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.shutdown.request("the test's end")
        self.thread.join(10)
        assert not self.thread.is_alive()
        for thread in list(self.listener._threads):
            thread.join(10)
        assert self.listener.join() == 0
        self.socket.close()
        self.shutdown.close()

    def ask(self, data=b"hello"):
        with socket.create_connection(self.address, 10) as sock:
            sock.sendall(data)
            return sock.recv(100)


def test_each_connection_is_served_beside_the_others():
    with Running() as running, socket.create_connection(running.address, 10) as idle:
        assert running.ask() == b"HELLO"
        idle.sendall(b"me too")
        assert idle.recv(100) == b"ME TOO"


def test_connections_over_the_limit_wait_and_are_not_lost():
    with Running(connection_limit=1) as running:
        first = socket.create_connection(running.address, 10)
        first.sendall(b"first")
        assert first.recv(100) == b"FIRST"
        second = socket.create_connection(running.address, 10)
        second.sendall(b"second")
        second.settimeout(0.2)
        with pytest.raises(TimeoutError):
            second.recv(100)
        first.close()
        second.settimeout(10)
        assert second.recv(100) == b"SECOND"
        second.close()


def test_the_connection_that_is_idle_longest_leaves_its_place(caplog):
    with Running(connection_limit=2) as running:
        first, second = (socket.create_connection(running.address, 10) for _ in range(2))
        for number, sock in enumerate((first, second, first)):
            sock.sendall(b"%d" % number)
            assert sock.recv(100) == b"%d" % number
            time.sleep(0.1)  # Windows's clock goes in steps of 16 ms
        assert running.ask(b"third") == b"THIRD"
        assert second.recv(100) == b"", "it had been idle longest"
        first.sendall(b"still here")
        assert first.recv(100) == b"STILL HERE"
        first.close()
        second.close()
    [record] = caplog.records
    assert record.getMessage().startswith("IISWSGI-P15: connection_limit = 2 is reached")


def test_a_request_that_stalls_leaves_its_place_to_one_that_does_not(monkeypatch, caplog):
    monkeypatch.setattr(pace, "_CREDIT", 0.2)

    def body(transport):
        if transport.receive_idle() == b"begins":
            ended.append(transport.receive())
        else:
            transport.send(b"served")
        transport.close()

    ended = []
    with Running(body, connection_limit=1, min_rate=500) as running:
        with socket.create_connection(running.address, 10) as stalls:
            stalls.sendall(b"begins")
            assert running.ask(b"whole") == b"served"
        assert ended == [b""]
    assert "slower than min_rate, is ended in the middle of a request" in caplog.text


def test_a_request_that_runs_keeps_its_place():
    release = threading.Event()
    with Running(answering_at(release), connection_limit=1) as running:
        first = socket.create_connection(running.address, 10)
        first.sendall(b"first")
        second = socket.create_connection(running.address, 10)
        second.sendall(b"second")
        second.settimeout(2)
        with pytest.raises(TimeoutError):
            second.recv(100)
        release.set()
        assert first.recv(100) == b"first"
        second.settimeout(10)
        assert second.recv(100) == b"second"
        first.close()
        second.close()


def test_the_stop_serves_what_was_queued_and_ends_idle_connections():
    release = threading.Event()

    def slow(transport):
        data = transport.receive_idle()
        release.wait(10)
        transport.send(data)
        assert transport.receive_idle() == b""
        transport.close()

    with Running(slow) as running:
        sock = socket.create_connection(running.address, 10)
        sock.sendall(b"running")
        time.sleep(0.2)
        running.shutdown.request("test")
        release.set()
        assert sock.recv(100) == b"running"
        assert sock.recv(100) == b""
        sock.close()


def test_who_comes_after_the_stop_is_refused_though_a_request_runs():
    release = threading.Event()

    def slow(transport):
        transport.receive_idle()
        release.wait(10)
        transport.close()

    with Running(slow) as running, socket.create_connection(running.address, 10) as sock:
        sock.sendall(b"x")
        time.sleep(0.2)
        running.shutdown.request("test")
        running.thread.join(10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(running.address, 10)
        release.set()


def test_what_still_runs_after_the_graceful_time_is_counted():
    release = threading.Event()

    def stuck(transport):
        transport.receive_idle()
        release.wait(10)
        transport.close()

    with Running(stuck, graceful_timeout=0.05) as running:
        with socket.create_connection(running.address, 10) as sock:
            sock.sendall(b"x")
            time.sleep(0.2)
            running.shutdown.request("test")
            running.thread.join(10)
            assert running.listener.join() == 1
        release.set()


def test_a_full_process_stops_though_a_connection_waits():
    release = threading.Event()

    def stuck(transport):
        release.wait(10)
        transport.close()

    with Running(stuck, connection_limit=1, graceful_timeout=0.5) as running:
        with (
            socket.create_connection(running.address, 10),
            socket.create_connection(running.address, 10),
        ):
            time.sleep(0.2)
            running.shutdown.request("test")
            running.thread.join(10)
            assert not running.thread.is_alive()
        release.set()


def test_who_waits_for_a_place_at_the_stop_gets_it_when_a_request_ends():
    release = threading.Event()
    with (
        Running(answering_at(release), connection_limit=1) as running,
        socket.create_connection(running.address, 10) as first,
        socket.create_connection(running.address, 10) as second,
    ):
        first.sendall(b"first")
        second.sendall(b"second")
        time.sleep(0.2)
        running.shutdown.request("test")
        time.sleep(0.7)
        release.set()
        assert first.recv(100) == b"first"
        assert second.recv(100) == b"second"


def test_without_descriptors_idle_connections_make_room_and_it_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(accepted, "_LINGER", 0.1)
    real, failures = socket.socket.accept, []

    def accept(sock):
        # As long as the first connection is there, and at least twice, the system has none more.
        if running.listener._places._holders or len(failures) == 1:
            failures.append(sock)
            raise OSError(errno.EMFILE, "Too many open files")
        return real(sock)

    monkeypatch.setattr(socket.socket, "accept", accept)
    with Running() as running, socket.create_connection(running.address, 10) as idle:
        idle.sendall(b"first")
        assert idle.recv(100) == b"FIRST"
        assert running.ask(b"second") == b"SECOND"
    assert len(failures) > 1  # all of one shortage
    told = [record.getMessage()[:11] for record in caplog.records]
    assert sorted(told) == ["IISWSGI-P14", "IISWSGI-P15"]


def test_only_named_peers_may_connect(caplog):
    with (
        Running(allowed=frozenset({"192.0.2.1"})) as running,
        socket.create_connection(running.address, 10) as stranger,
    ):
        assert stranger.recv(100) == b""
    assert "IISWSGI-P16: a connection from 127.0.0.1 is closed" in caplog.text


def test_without_a_thread_for_it_a_connection_is_closed_and_the_next_is_served(monkeypatch, caplog):
    real, refusals = threading.Thread.start, []

    def start(thread):
        if thread.name.startswith("the connection") and not refusals:
            refusals.append(thread)
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with Running(connection_limit=1) as running:
        with socket.create_connection(running.address, 10) as sock:
            assert sock.recv(100) == b""
        assert running.ask() == b"HELLO"
    assert [record.getMessage()[:11] for record in caplog.records] == ["IISWSGI-P14"]
