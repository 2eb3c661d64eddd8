"""Peers that stall and requests over the limits, against the real process on a socket."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import RecordType

TESTS = Path(__file__).resolve().parent.parent
PEERS = 200
INI = """\
[app:main]
paste.app_factory = fuzz.abused:make_app

[server:iis]
use = egg:iiswsgi#iis
listen = 127.0.0.1:{port}
log_file = {folder}/iiswsgi.log
threads = 4
{options}
"""
STALLS = """\
connection_limit = 300
channel_timeout = 2
"""
LIMITS = """\
max_request_body = 10000
max_header_bytes = 2K
max_params = 64
max_params_bytes = 8K
"""


class Gateway:
    """The running process."""

    def __init__(self, port, log):
        self.port = port
        self.log = log

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def ask(self, path="/", body=b""):
        """One request on a connection of its own: its status line, its body, and seconds."""
        start = time.monotonic()
        with self.connect() as sock:
            status, answer = ask(sock, request(path, body))
        return status, answer, time.monotonic() - start


@contextlib.contextmanager
def gateway(folder, options):
    """The gateway with these options; at the end it must leave in order by itself."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    ini, log = folder / "app.ini", folder / "iiswsgi.log"
    ini.write_text(INI.format(port=port, folder=folder, options=options), encoding="utf-8")
    command = [sys.executable, "-m", "iiswsgi", "serve", str(ini)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent)))}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment
    )
    try:
        yield Gateway(port, log) if _ready(process, port) else None
        assert process.poll() is None, log.read_text(encoding="utf-8")
    finally:
        process.terminate()
        process.wait(40)
    assert os.name == "nt" or process.returncode == 0, log.read_text(encoding="utf-8")


def _ready(process, port):
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    raise AssertionError("the gateway does not listen")


def request(path, body=b"", **variables):
    """One whole request."""
    variables = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        **variables,
    }
    pairs = protocol.encode_pairs(variables)
    return b"".join(
        (
            protocol.encode_begin(1),
            *protocol.split_content(RecordType.PARAMS, 1, pairs),
            protocol.encode_record(RecordType.PARAMS, 1),
            *protocol.split_content(RecordType.STDIN, 1, body),
            protocol.encode_record(RecordType.STDIN, 1),
        )
    )


def ask(sock, data, began=b""):
    """Status line and body of the answer, which *began* with what was received already."""
    sock.sendall(data)
    decoder, stdout = protocol.Decoder(), bytearray()
    decoder.feed(began)
    while True:
        record = decoder.next_record()
        if record is None:
            received = sock.recv(65536)
            assert received, "the gateway closed the connection"
            decoder.feed(received)
        elif record.type == RecordType.STDOUT:
            stdout += record.content
        elif record.type == RecordType.END_REQUEST:
            head, _, body = bytes(stdout).partition(b"\r\n\r\n")
            return head.split(b"\r\n")[0].decode(), body


def stalls():
    """What a peer sends before it stalls: cut anywhere, also where the application waits."""
    whole = request("/count", b"b" * 1000)
    yield b""
    yield whole[:5]
    yield whole[:16]
    yield whole[:100]
    yield whole[:-1008]
    yield whole[:-500]
    yield whole[:-8]
    yield request("/give/100000000")  # and takes none of it


@pytest.fixture
def stalled():
    """Connects any number of peers that stall in all ways."""
    with contextlib.ExitStack() as stack:

        def connect(gateway, count):
            ways = list(stalls())
            peers = [stack.enter_context(gateway.connect()) for _ in range(count)]
            for number, peer in enumerate(peers):
                peer.sendall(ways[number % len(ways)])
            return peers

        yield connect


@pytest.mark.once
def test_peers_that_stall_harm_nobody_and_are_cut_off(tmp_path, stalled):
    with gateway(tmp_path, STALLS) as running:
        start = time.monotonic()
        peers = stalled(running, PEERS)
        for _ in range(20):
            status, body, seconds = running.ask("/count", b"x" * 5000)
            assert (status, body) == ("Status: 200 OK", b"5000 bytes")
            assert seconds < 10
        assert time.monotonic() - start < 30
        for peer in peers:
            with contextlib.suppress(ConnectionError):
                while peer.recv(1 << 20):
                    pass
        assert time.monotonic() - start < 60
        assert running.ask()[0] == "Status: 200 OK"
    assert "IISWSGI-P14" not in running.log.read_text(encoding="utf-8")


def test_those_who_say_nothing_leave_their_places(tmp_path):
    with gateway(tmp_path, "connection_limit = 10") as running, contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(running.connect())
        for _ in range(3):
            status, _, seconds = running.ask()
            assert status == "Status: 200 OK"
            assert seconds < 60, "channel_timeout is 120"


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("limited"), LIMITS) as running:
        yield running


OVER = {
    "a stated length": (request("/count", CONTENT_LENGTH="10001"), "413 Content Too Large"),
    "a body": (request("/count", b"x" * 10001), "413 Content Too Large"),
    "response headers": (request("/headers/3000"), "500 Internal Server Error"),
    "many variables": (
        request("/", **{f"HTTP_X_{n}": "" for n in range(60)}),
        "431 Request Header Fields Too Large",
    ),
    "long variables": (request("/", HTTP_X="x" * 8000), "200 OK"),
    "too long variables": (request("/", HTTP_X="x" * 8192), "431 Request Header Fields Too Large"),
}


@pytest.mark.parametrize("name", OVER)
def test_over_a_limit_there_is_an_answer_in_words_and_the_next_is_served(limited, name):
    data, expected = OVER[name]
    with limited.connect() as sock:
        for _ in range(2):
            status, body = ask(sock, data)
            assert status == f"Status: {expected}"
            assert body == b"hello" or expected.encode() in body
            assert ask(sock, request("/count", b"x" * 10000))[1] == b"10000 bytes"


@pytest.mark.parametrize("name", OVER)
def test_over_a_limit_nothing_happens_to_a_request_that_is_under_way(limited, name):
    """One that sends its body, and one whose response is being taken."""
    data, _ = OVER[name]
    upload = request("/count", b"x" * 10000)
    with limited.connect() as sends, limited.connect() as takes, limited.connect() as sock:
        sends.sendall(upload[:-5000])
        takes.sendall(request("/give/6553600"))
        began = takes.recv(100)
        for _ in range(2):
            ask(sock, data)
        sends.sendall(upload[-5000:])
        assert ask(sends, b"")[1] == b"10000 bytes"
        _, body = ask(takes, b"", began)
        assert body == b"g" * 6553600


def test_connections_in_constant_use_make_room_too(tmp_path):
    """And so do those whose peers drip, in the time that the setting gives them."""
    done = threading.Event()

    def use(running):
        while not done.is_set():
            with running.connect() as sock, contextlib.suppress(OSError, AssertionError):
                while not done.is_set():
                    assert ask(sock, request("/"))[1] == b"hello"

    with gateway(tmp_path, "connection_limit = 4") as running:
        users = [threading.Thread(target=use, args=(running,)) for _ in range(4)]
        for user in users:
            user.start()
        try:
            for _ in range(5):
                status, _, seconds = running.ask()
                assert status == "Status: 200 OK"
                assert seconds < 10
        finally:
            done.set()
            for user in users:
                user.join()
    assert running.log.read_text(encoding="utf-8").count("IISWSGI-P15") == 1
