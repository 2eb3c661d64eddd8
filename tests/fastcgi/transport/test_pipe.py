"""The named pipe: late clients, both kinds of handle, and being woken while idle."""

import _winapi
import threading
import time
import uuid

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.fastcgi.transport.pipe import PipeTransport
from iiswsgi.runtime.shutdown import Shutdown

OVERLAPPED = 0x40000000
DUPLEX = 3
READ_WRITE = 0xC0000000
OPEN_EXISTING = 3


class Pipe:
    """A transport on the server end, and the client end as IIS would hold it."""

    def __init__(self, flags, *, connect=True):
        self.name = rf"\\.\pipe\IISFCGI-{uuid.uuid4()}"
        server = _winapi.CreateNamedPipe(self.name, DUPLEX | flags, 0, 1, 4096, 4096, 0, 0)
        self.client = 0
        if connect:
            self.connect()
        self.shutdown = Shutdown()
        self.transport = PipeTransport(server, self.shutdown, self.name)

    def connect(self):
        self.client = _winapi.CreateFile(self.name, READ_WRITE, 0, 0, OPEN_EXISTING, OVERLAPPED, 0)

    def write(self, data):
        overlapped, _ = _winapi.WriteFile(self.client, data, overlapped=True)
        overlapped.GetOverlappedResult(True)

    def read(self):
        overlapped, _ = _winapi.ReadFile(self.client, 65536, overlapped=True)
        overlapped.GetOverlappedResult(True)
        return bytes(overlapped.getbuffer())

    def leave(self):
        if self.client:
            _winapi.CloseHandle(self.client)
            self.client = 0

    def close(self):
        self.leave()
        self.transport.close()
        self.shutdown.close()


@pytest.fixture(params=[OVERLAPPED, 0], ids=["overlapped", "synchronous"])
def flags(request):
    return request.param


@pytest.fixture
def pipe(flags):
    value = Pipe(flags)
    yield value
    value.close()


def later(function, *args):
    timer = threading.Timer(0.2, function, args)
    timer.start()
    return timer


def test_bytes_go_both_ways(pipe):
    for _ in range(3):
        pipe.write(b"question")
        assert pipe.transport.receive_idle() == b"question"
        pipe.transport.send(b"answer")
        assert pipe.read() == b"answer"


def test_a_client_that_connects_late_is_waited_for(flags):
    pipe = Pipe(flags, connect=False)

    def come():
        pipe.connect()
        pipe.write(b"at last")

    timer = later(come)
    assert pipe.transport.receive_idle() == b"at last"
    timer.join()
    pipe.close()


def test_a_stop_while_nobody_has_connected(flags):
    pipe = Pipe(flags, connect=False)
    timer = later(pipe.shutdown.request, "test")
    assert pipe.transport.receive_idle() == b""
    timer.join()
    pipe.close()


@pytest.mark.parametrize("method", ["receive", "receive_idle"])
def test_the_end_of_input_is_no_bytes(pipe, method):
    pipe.leave()
    assert getattr(pipe.transport, method)() == b""


def test_sending_to_nobody_says_that_the_client_left(pipe):
    pipe.leave()
    with pytest.raises(ClientDisconnected, match="IISWSGI-P10"):
        pipe.transport.send(b"x")


def test_a_stop_wakes_the_idle_reader_at_once(pipe):
    timer = later(pipe.shutdown.request, "test")
    start = time.monotonic()
    assert pipe.transport.receive_idle() == b""
    assert time.monotonic() - start < 5
    timer.join()


def test_what_came_before_the_stop_is_still_given_out(pipe):
    pipe.write(b"just in time")
    pipe.shutdown.request("test")
    assert pipe.transport.receive_idle() == b"just in time"
    assert pipe.transport.receive_idle() == b""


def test_a_stop_does_not_interrupt_a_request(pipe):
    timer = later(pipe.write, b"the rest")
    pipe.shutdown.request("test")
    assert pipe.transport.receive() == b"the rest"
    timer.join()


def test_large_data_passes_the_pipes_small_buffers(pipe):
    data = bytes(i % 251 for i in range(1_000_000))
    found = []

    def take():
        while sum(map(len, found)) < len(data):
            found.append(pipe.read())

    thread = threading.Thread(target=take)
    thread.start()
    pipe.transport.send(data)
    thread.join()
    assert b"".join(found) == data


def test_closing_twice_does_nothing_more(pipe):
    pipe.transport.close()
    pipe.transport.close()
    assert pipe.transport.receive() == b""


def test_it_says_whether_there_is_something_to_receive(pipe):
    assert not pipe.transport.has_data()
    pipe.write(b"word")
    assert pipe.transport.has_data()
    assert pipe.transport.receive() == b"word"
    assert not pipe.transport.has_data()
    pipe.leave()
    assert not pipe.transport.has_data()
