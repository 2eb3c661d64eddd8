"""An accepted connection: what it forgives its peer, and how it ends when its place is needed."""

import math
import socket
import sys
import threading
import time

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport import accepted
from iiswsgi.fastcgi.transport.accepted import AcceptedTransport

from .helpers import send_much


def test_management_records_are_answered():
    assert AcceptedTransport.answers_management


def test_a_first_request_is_waited_for_though_a_stop_is_requested(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 10)
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    shutdown.request("test")
    timer = threading.Timer(0.2, pair[1].sendall, [b"first"])
    timer.start()
    assert transport.receive_idle() == b"first"
    assert transport.receive_idle() == b"", "later ones are not"
    timer.join()


def test_patience_with_a_first_request_ends(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 0.05)
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    shutdown.request("test")
    assert transport.receive_idle() == b""


def test_at_the_stop_the_rest_of_a_record_is_waited_for(pair, shutdown, monkeypatch):
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    pair[1].sendall(b"begins")
    assert transport.receive_idle() == b"begins"
    shutdown.request("test")
    timer = threading.Timer(0.2, pair[1].sendall, [b"goes on"])
    timer.start()
    assert transport.receive_idle(begun=True) == b"goes on"
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 0.05)
    assert transport.receive_idle(begun=True) == b""
    timer.join()


def test_who_has_begun_a_record_is_not_idle(pair, shutdown, monkeypatch):
    transport = AcceptedTransport(pair[0], shutdown, "test", 0.2)
    thread = threading.Thread(target=transport.receive_idle, args=(True,))
    thread.start()
    wait_until(lambda: transport.waited(time.monotonic())[1] > 0.01)
    assert transport.waited(time.monotonic())[0] is False
    assert not transport.give_up(10)
    thread.join()


def test_an_idle_connection_ends_after_its_time(pair, shutdown):
    assert AcceptedTransport(pair[0], shutdown, "test", 0.05).receive_idle() == b""


def test_it_looks_more_than_once_before_its_time_is_over(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_LOOK", 0.01)
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    timer = threading.Timer(0.2, pair[1].sendall, [b"late"])
    timer.start()
    assert transport.receive_idle() == b"late"
    timer.join()


def test_a_peer_that_stalls_in_a_request_is_gone_after_its_time(pair, shutdown):
    transport = AcceptedTransport(pair[0], shutdown, "test", 0.05)
    assert transport.receive() == b""
    because = "" if sys.platform == "win32" else "it took nothing for too long"
    with pytest.raises(ClientDisconnected, match=f"P10: .*{because}"):
        send_much(transport)


def test_it_knows_how_long_it_has_waited(pair, shutdown):
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    assert transport.waited(time.monotonic() + 10)[0] is True, "from the beginning"
    assert transport.waited(time.monotonic() + 10)[1] >= 10
    pair[1].sendall(b"request")
    assert transport.receive_idle() == b"request"
    assert transport.waited(time.monotonic()) == (False, -math.inf), "the application's turn"


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_given_up_while_idle_it_ends(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_LOOK", 0.05)
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    assert transport.give_up(10)
    assert transport.receive_idle() == b""


def test_given_up_as_a_request_arrives_it_serves_that(pair, shutdown):
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    pair[1].sendall(b"just in time")
    assert transport.give_up(10)
    assert transport.receive_idle() == b"just in time"
    transport.send(b"answer")
    assert pair[1].recv(100) == b"answer"


def test_given_up_while_a_request_runs_it_goes_on(pair, shutdown):
    transport = AcceptedTransport(pair[0], shutdown, "test", None)
    pair[1].sendall(b"begins")
    assert transport.receive_idle() == b"begins"
    assert not transport.give_up(0.0)
    pair[1].sendall(b"goes on")
    assert transport.receive() == b"goes on"
    pair[1].sendall(b"the next")
    assert transport.receive_idle() == b"the next"


@pytest.mark.parametrize("act", [AcceptedTransport.receive, send_much], ids=["receive", "send"])
def test_given_up_in_the_middle_of_a_request_its_wait_ends(pair, shutdown, act):
    transport = AcceptedTransport(pair[0], shutdown, "test", 60)
    pair[1].sendall(b"begins")
    assert transport.receive_idle() == b"begins"
    ended = []

    def run():
        try:
            ended.append(act(transport))
        except ClientDisconnected as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: transport.waited(time.monotonic())[1] > 0.2)
    assert transport.give_up(0.1)
    thread.join(10)
    assert not thread.is_alive()
    assert ended == [b""] or str(ended[0]).startswith("IISWSGI-P10")


@pytest.fixture
def tcp_pair():
    """The transport's socket and its peer's, over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname(), 10)
        sock, _ = server.accept()
    with peer, sock:
        yield sock, peer


def test_a_response_arrives_whole_though_the_peer_has_sent_more_than_was_asked_for(
    tcp_pair, shutdown
):
    sock, peer = tcp_pair
    data = b"x" * 3_000_000
    transport = AcceptedTransport(sock, shutdown, "test", 10)
    peer.sendall(b"request and a stray record")
    assert transport.receive_idle() == b"request and a stray record"
    peer.sendall(b"another")

    def respond():
        transport.send(data)
        transport.close()

    thread = threading.Thread(target=respond)
    thread.start()
    time.sleep(0.3)
    peer.sendall(b"and another")
    assert b"".join(iter(lambda: peer.recv(65536), b"")) == data
    peer.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_peer_that_never_closes_is_not_waited_for_long(tcp_pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_LINGER", 0.1)
    transport = AcceptedTransport(tcp_pair[0], shutdown, "test", 10)
    transport.send(b"response")
    transport.close()
    assert tcp_pair[1].recv(100) == b"response"
    assert tcp_pair[1].recv(100) == b""
