from __future__ import annotations

import socket
import sys
import threading
import time

import pytest

from iiswsgi.host import sockets
from iiswsgi.host.channel import ChannelBroken


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    channel = sockets.SocketChannel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_a_pump_reads_and_writes(pair):
    channel, peer = pair
    assert channel.pump(b"abc", True, 0) == (3, None)
    assert peer.recv(9) == b"abc"
    peer.sendall(b"xyz")
    assert channel.pump(b"", True, 5) == (0, b"xyz")
    assert channel.pump(b"", True, 0) == (0, None)
    assert channel.pump(b"", False, 0) == (0, None)


def test_a_pump_waits_for_what_comes_first(pair):
    channel, peer = pair
    timer = threading.Timer(0.1, peer.sendall, (b"late",))
    timer.start()
    assert channel.pump(b"", True, 5).received == b"late"
    timer.join()


def test_both_directions_may_be_full(pair):
    channel, peer = pair
    data = bytes(1 << 20)

    def echo():
        left = len(data)
        while left:
            peer.sendall(piece := peer.recv(65536))
            left -= len(piece)

    thread = threading.Thread(target=echo)
    thread.start()
    rest, came = data, b""
    while len(came) < len(data):
        written, received = channel.pump(rest, True, 5)
        rest = rest[written:]
        came += received or b""
    thread.join()
    assert came == data


def test_the_end_is_seen_after_the_last_bytes(pair):
    channel, peer = pair
    peer.sendall(b"last")
    peer.close()
    assert channel.pump(b"", True, 5).received == b"last"
    assert not channel.ended
    channel.pump(b"", True, 5)
    assert channel.ended


def test_writing_to_nobody(pair):
    channel, peer = pair
    peer.close()
    # TCP learns of it only from the answer to the first bytes.
    with pytest.raises(ChannelBroken):  # noqa: PT012
        for _ in range(100):
            channel.pump(b"x", False, 0)
            time.sleep(0.01)


if sys.platform == "linux":

    def test_drained(pair):
        channel, peer = pair
        channel.pump(b"abc", False, 0)
        assert not channel.drained(0.05)
        peer.recv(9)
        assert channel.drained(5)


def test_a_listener_is_on_loopback():
    with sockets.listen() as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        channel = sockets.connect(listener)
        accepted, _ = listener.accept()
        with accepted:
            channel.pump(b"x", False, 5)
            assert accepted.recv(1) == b"x"
        channel.close()
        channel.close()
