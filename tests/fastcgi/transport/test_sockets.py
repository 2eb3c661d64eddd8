"""A connected stream socket: what arrives, what the end looks like, and being woken while idle."""

import sys
import threading
import time

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.blocking import BlockingTransport
from iiswsgi.fastcgi.transport.sockets import SocketTransport

from .helpers import send_much

KINDS = [SocketTransport] if sys.platform == "win32" else [SocketTransport, BlockingTransport]


@pytest.fixture(params=KINDS)
def transport(request, pair, shutdown):
    return request.param(pair[0], shutdown, "the test's socket")


def test_bytes_go_both_ways(pair, shutdown, transport):
    pair[1].sendall(b"question")
    assert transport.receive_idle() == b"question"
    transport.send(b"answer")
    assert pair[1].recv(100) == b"answer"


@pytest.mark.parametrize("method", ["receive", "receive_idle"])
def test_the_end_of_input_is_no_bytes(pair, transport, method):
    pair[1].close()
    assert getattr(transport, method)() == b""


@pytest.mark.parametrize("method", ["receive", "receive_idle"])
def test_a_socket_closed_under_the_transport_is_the_end(pair, transport, method):
    transport.close()
    transport.close()
    assert getattr(transport, method)() == b""


def test_sending_to_nobody_says_that_the_client_left(pair, shutdown, transport):
    pair[1].close()
    with pytest.raises(ClientDisconnected, match="IISWSGI-P10: the test's socket is gone"):
        send_much(transport)


def test_what_was_sent_before_the_close_arrives(pair, shutdown, transport):
    transport.send(b"last words")
    transport.close()
    assert pair[1].recv(100) == b"last words"
    assert pair[1].recv(100) == b""


def test_a_stop_wakes_the_idle_reader_at_once(pair, shutdown, transport):
    timer = threading.Timer(0.1, shutdown.request, ["test"])
    timer.start()
    start = time.monotonic()
    assert transport.receive_idle() == b""
    assert time.monotonic() - start < 5
    timer.join()


def test_a_stop_does_not_interrupt_a_request(pair, shutdown, transport):
    shutdown.request("test")
    timer = threading.Timer(0.1, pair[1].sendall, [b"the rest"])
    timer.start()
    assert transport.receive() == b"the rest"
    timer.join()


def test_what_came_before_the_stop_is_still_given_out(pair, shutdown, transport):
    pair[1].sendall(b"just in time")
    shutdown.request("test")
    assert transport.receive_idle() == b"just in time"
    assert transport.receive_idle() == b""


def test_it_says_whether_there_is_something_to_receive(pair, shutdown, transport):
    assert not transport.has_data()
    shutdown.request("test")
    assert not transport.has_data()
    pair[1].sendall(b"word")
    assert transport.has_data()
    assert transport.receive() == b"word"
    assert not transport.has_data()
    pair[1].close()
    assert transport.has_data()  # the end, which is received at once
    transport.close()
    assert transport.has_data() in (True, False)  # as before, or nothing: no exception
