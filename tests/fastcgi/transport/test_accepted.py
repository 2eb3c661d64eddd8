"""An accepted connection: what it forgives its peer, and how it ends when its place is needed."""

import socket
import sys
import threading
import time

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport import accepted, pace
from iiswsgi.fastcgi.transport.accepted import AcceptedTransport, Phase

from .helpers import send_much


def make(sock, shutdown, timeout=None, min_rate=500):
    return AcceptedTransport(sock, shutdown, "test", timeout, min_rate)


def test_management_records_are_answered():
    assert AcceptedTransport.answers_management


def test_a_first_request_is_waited_for_though_a_stop_is_requested(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 10)
    transport = make(pair[0], shutdown)
    shutdown.request("test")
    timer = threading.Timer(0.2, pair[1].sendall, [b"first"])
    timer.start()
    assert transport.receive_idle() == b"first"
    assert transport.receive_idle() == b"", "later ones are not"
    timer.join()


def test_patience_with_a_first_request_ends(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 0.05)
    transport = make(pair[0], shutdown)
    shutdown.request("test")
    assert transport.receive_idle() == b""


def test_at_the_stop_the_rest_of_a_record_is_waited_for(pair, shutdown, monkeypatch):
    transport = make(pair[0], shutdown)
    pair[1].sendall(b"begins")
    assert transport.receive_idle() == b"begins"
    shutdown.request("test")
    timer = threading.Timer(0.2, pair[1].sendall, [b"goes on"])
    timer.start()
    assert transport.receive_idle(begun=True) == b"goes on"
    monkeypatch.setattr(accepted, "_FIRST_REQUEST", 0.05)
    assert transport.receive_idle(begun=True) == b""
    timer.join()


def test_an_idle_connection_ends_after_its_time(pair, shutdown):
    assert make(pair[0], shutdown, 0.05).receive_idle() == b""


def test_it_looks_more_than_once_before_its_time_is_over(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_LOOK", 0.01)
    transport = make(pair[0], shutdown)
    timer = threading.Timer(0.2, pair[1].sendall, [b"late"])
    timer.start()
    assert transport.receive_idle() == b"late"
    timer.join()


def test_a_peer_that_stalls_in_a_request_is_gone_after_its_time(pair, shutdown):
    transport = make(pair[0], shutdown, 0.05)
    assert transport.receive() == b""
    because = "" if sys.platform == "win32" else "it took nothing for too long"
    with pytest.raises(ClientDisconnected, match=f"P10: .*{because}"):
        send_much(transport)


def phase(transport, seconds=0):
    """What it will be at in so many seconds, unless something comes."""
    return transport.phase(time.monotonic() + seconds)[0]


def test_it_knows_what_it_is_at(pair, shutdown):
    transport = make(pair[0], shutdown)
    assert phase(transport, 60) is Phase.NEW
    pair[1].sendall(b"request")
    assert transport.receive_idle() == b"request"
    assert phase(transport, 60) is Phase.BUSY, "the application's time is no fault of the peer's"
    thread = threading.Thread(target=transport.receive_idle)
    thread.start()
    wait_until(lambda: phase(transport) is Phase.IDLE)
    assert transport.phase(time.monotonic() + 60)[1] >= 60
    pair[1].sendall(b"the next")
    thread.join()
    assert phase(transport) is Phase.BUSY
    assert transport.phase(time.monotonic())[1] < 30


def begun(transport, peer):
    """A request is being received."""
    peer.sendall(b"begins")
    assert transport.receive_idle() == b"begins"


def rest_of_a_record(transport):
    return transport.receive_idle(begun=True)


WAITS = pytest.mark.parametrize(
    "act",
    [AcceptedTransport.receive, rest_of_a_record, send_much],
    ids=["receive", "rest of a record", "send"],
)


def in_thread(act, transport):
    ended = []

    def run():
        try:
            ended.append(act(transport))
        except ClientDisconnected as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, ended


@WAITS
def test_a_peer_that_is_slow_in_a_request_can_be_cut_off(pair, shutdown, act, monkeypatch):
    monkeypatch.setattr(pace, "_CREDIT", 0.2)
    transport = make(pair[0], shutdown, 60)
    begun(transport, pair[1])
    thread, ended = in_thread(act, transport)
    assert not transport.cut_off()
    wait_until(lambda: phase(transport) is Phase.SLOW)
    assert transport.cut_off()
    thread.join(10)
    assert not thread.is_alive()
    assert ended == [b""] or str(ended[0]).startswith("IISWSGI-P10")


@WAITS
def test_without_a_rate_no_peer_is_slow(pair, shutdown, act, monkeypatch):
    monkeypatch.setattr(pace, "_CREDIT", 0)
    transport = make(pair[0], shutdown, 60, min_rate=0)
    begun(transport, pair[1])
    thread, _ = in_thread(act, transport)
    time.sleep(0.1)
    assert phase(transport, 1000) is Phase.BUSY
    assert not transport.cut_off()
    pair[1].close()
    pair[0].shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_a_peer_that_takes_a_long_response_slowly_is_not_slow(pair, shutdown, monkeypatch):
    monkeypatch.setattr(pace, "_CREDIT", 2.0)
    transport = make(pair[0], shutdown, 60)
    begun(transport, pair[1])
    thread, _ = in_thread(lambda transport: transport.send(bytes(1_500_000)), transport)
    taken, slow = 0, False
    while taken < 1_500_000:  # takes some three seconds
        taken += len(pair[1].recv(10_000))
        slow = slow or phase(transport) is Phase.SLOW
        time.sleep(0.02)
    thread.join(10)
    assert not slow


def test_between_requests_time_is_no_debt(pair, shutdown, monkeypatch):
    monkeypatch.setattr(pace, "_CREDIT", 0.5)
    transport = make(pair[0], shutdown, 60)
    begun(transport, pair[1])
    timer = threading.Timer(0.7, pair[1].sendall, [b"the next"])
    timer.start()
    assert transport.receive_idle() == b"the next"
    thread, _ = in_thread(AcceptedTransport.receive, transport)
    assert phase(transport) is Phase.BUSY
    pair[1].sendall(b"more")
    thread.join(10)
    timer.join()


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_asked_to_leave_while_idle_it_ends(pair, shutdown, monkeypatch):
    monkeypatch.setattr(accepted, "_LOOK", 0.05)
    transport = make(pair[0], shutdown)
    thread, ended = in_thread(AcceptedTransport.receive_idle, transport)
    transport.leave()
    thread.join(10)
    assert ended == [b""]


def test_asked_to_leave_as_a_request_arrives_it_serves_that_and_ends(pair, shutdown):
    transport = make(pair[0], shutdown)
    pair[1].sendall(b"just in time")
    transport.leave()
    assert transport.receive_idle() == b"just in time"
    transport.send(b"answer")
    assert pair[1].recv(100) == b"answer"
    assert transport.receive_idle() == b""


def test_asked_to_leave_in_a_request_it_ends_after_it(pair, shutdown):
    transport = make(pair[0], shutdown)
    begun(transport, pair[1])
    transport.leave()
    timer = threading.Timer(0.2, pair[1].sendall, [b"goes on"])
    timer.start()
    assert transport.receive_idle(begun=True) == b"goes on"
    timer.join()
    pair[1].sendall(b"and on")
    assert transport.receive() == b"and on"
    transport.send(b"answer")
    assert transport.receive_idle() == b""
    assert pair[1].recv(100) == b"answer"


def test_a_response_before_it_leaves_arrives_whole(tcp_pair, shutdown):
    sock, peer = tcp_pair
    transport = make(sock, shutdown, 10)
    begun(transport, peer)
    transport.leave()

    ends = threading.Event()

    def respond(transport):
        transport.send(b"x" * 3_000_000)
        assert transport.receive_idle() == b""
        ends.set()
        transport.close()

    thread, _ = in_thread(respond, transport)
    received = 0
    while not ends.wait(0.001):
        received += len(peer.recv(65536))
    peer.sendall(b"the next request, too late")
    time.sleep(0.3)
    received += len(b"".join(iter(lambda: peer.recv(65536), b"")))
    assert received == 3_000_000
    peer.close()
    thread.join(10)


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
    transport = make(sock, shutdown, 10)
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
    transport = make(tcp_pair[0], shutdown, 10)
    transport.send(b"response")
    transport.close()
    assert tcp_pair[1].recv(100) == b"response"
    assert tcp_pair[1].recv(100) == b""
