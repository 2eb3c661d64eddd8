"""waitress in front of a fake pool, asked over real sockets."""

from __future__ import annotations

import http.client
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.host.http import Server, listen

from .fakes import CONFIG, FakePool, failure, site_from

if sys.platform == "win32":
    import ctypes

    ON_WINE = hasattr(ctypes.windll.ntdll, "wine_get_version")
else:
    ON_WINE = False

SMALL = CONFIG.replace(
    "<fastCgi>",
    "<security><requestFiltering><requestLimits "
    'maxAllowedContentLength="1000"/></requestFiltering></security><fastCgi>',
)

Connect = Callable[[], http.client.HTTPConnection]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Give connections to a server that runs in a thread."""
    site = site_from(tmp_path, SMALL)
    with listen("127.0.0.1:0") as listener:
        port = listener.getsockname()[1]
        server = Server(site, listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        opened: list[http.client.HTTPConnection] = []

        def connection() -> http.client.HTTPConnection:
            opened.append(http.client.HTTPConnection("127.0.0.1", port, timeout=20))
            return opened[-1]

        yield connection
        for one in opened:
            one.close()
        server.stop()
        thread.join(20)
        assert not thread.is_alive()
        server.close()


def get(connect: Connect, target: str = "/", method: str = "GET") -> http.client.HTTPResponse:
    connection = connect()
    connection.request(method, target)
    return connection.getresponse()


def raw(connect: Connect, request: bytes) -> bytes:
    """Send bytes, return everything that comes until the server closes."""
    connection = connect()
    connection.connect()
    connection.sock.sendall(request)
    received = b""
    while piece := connection.sock.recv(65536):
        received += piece
    return received


def test_a_request_reaches_the_pool_as_iis_would_send_it(connect: Connect) -> None:
    connection = connect()
    connection.request("POST", "/caf%C3%A9?x=%20", b"body", {"X-Forwarded-For": "192.0.2.1"})
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"hello")
    [pool] = FakePool.made
    variables = dict(pool.seen[0])
    assert variables["REQUEST_URI"] == "/caf%C3%A9?x=%20"
    assert variables["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert variables["CONTENT_LENGTH"] == "4"
    assert variables["SERVER_PORT"] == str(connection.port)
    assert variables["LOCAL_ADDR"] == "127.0.0.1"
    assert pool.bodies == [b"body"]


def test_a_chunked_upload_is_told_from_another(connect: Connect) -> None:
    connection = connect()
    connection.request("POST", "/", iter([b"one", b"two"]), encode_chunked=True)
    connection.getresponse().read()
    [pool] = FakePool.made
    variables = dict(pool.seen[0])
    assert variables["CONTENT_LENGTH"] == "-1"
    assert variables["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert "HTTP_CONTENT_LENGTH" not in variables
    assert pool.bodies == [b"onetwo"]


def test_a_response_without_a_length_is_chunked(connect: Connect) -> None:
    FakePool.answers(chunks=[b"one", b"two"])
    response = get(connect)
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.read() == b"onetwo"


def test_a_broken_chunked_response_does_not_look_whole(connect: Connect) -> None:
    FakePool.answers(chunks=[b"one", failure("died_in_request")])
    response = get(connect)
    with pytest.raises(http.client.IncompleteRead):
        response.read()


def test_a_broken_response_with_a_length_does_not_look_whole(connect: Connect) -> None:
    FakePool.answers(
        headers=[("Content-Length", "10")], chunks=[b"one", failure("died_in_request")]
    )
    response = get(connect)
    with pytest.raises(http.client.IncompleteRead):
        response.read()


if not ON_WINE:  # its close() never resets, whatever SO_LINGER says

    def test_a_broken_response_to_http_1_0_ends_in_a_reset(connect: Connect) -> None:
        FakePool.answers(chunks=[b"one", failure("died_in_request")])
        with pytest.raises(ConnectionResetError):
            raw(connect, b"GET / HTTP/1.0\r\n\r\n")


def test_head_keeps_the_length_and_has_no_body(connect: Connect) -> None:
    FakePool.answers(headers=[("Content-Length", "5")], chunks=[b"hello"])
    received = raw(connect, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 5" in head
    assert body == b""


def test_head_without_a_length_has_no_last_chunk_either(connect: Connect) -> None:
    FakePool.answers(chunks=[b"hello"])
    received = raw(connect, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(connect: Connect, status: int) -> None:
    FakePool.answers(status=status, chunks=[b"unlawful"])
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = raw(connect, request)
    assert received.startswith(f"HTTP/1.1 {status} As Asked".encode())
    assert received.endswith(b"\r\n\r\n")
    assert b"unlawful" not in received


def test_a_connection_serves_several_requests(connect: Connect) -> None:
    connection = connect()
    for _ in range(3):
        FakePool.answers(headers=[("Content-Length", "2")], chunks=[b"ok"])
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"


def test_a_body_that_is_too_large(connect: Connect) -> None:
    connection = connect()
    connection.request("POST", "/", b"x" * 1000)
    assert connection.getresponse().status == 200
    for headers, body in (({}, b"x" * 1001), ({"Transfer-Encoding": "chunked"}, [b"x" * 1001])):
        connection = connect()
        connection.request("POST", "/", body, headers, encode_chunked=bool(headers))
        response = connection.getresponse()
        assert response.status == 404
        assert b"404.13" in response.read()
    assert len(FakePool.made[0].seen) == 1


def test_what_is_no_http_gets_a_page_of_ours(connect: Connect) -> None:
    received = raw(connect, b"GET / HTTP/1.1\r\nno header at all\r\n\r\n")
    assert received.startswith(b"HTTP/1.0 400 Bad Request") or b" 400 " in received
    assert b"IIS stand-in" in received


def test_what_a_malformed_header_holds_is_not_told(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "iiswsgi"):
        received = raw(connect, b"GET / HTTP/1.1\r\n Cookie: s3cret\r\n\r\n")
    assert b"Malformed header line" in received
    assert "Malformed header line" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_client_that_sends_no_more_gets_its_answers(connect: Connect) -> None:
    def chunks() -> Iterator[bytes]:
        time.sleep(0.3)  # long enough for the end to be seen
        yield b"first"
        yield b"x" * 1_000_000

    connection = connect()
    connection.connect()
    for _ in range(2):
        FakePool.answers(headers=[("Content-Length", "1000005")], chunks=chunks())
    connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    connection.sock.shutdown(socket.SHUT_WR)
    received = b"".join(iter(lambda: connection.sock.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200") == 2
    assert len(received) > 2_000_000


def test_a_client_that_left_closes_the_reply(connect: Connect) -> None:
    left, sent = threading.Event(), threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"first"
        sent.set()
        assert left.wait(20)
        while True:
            yield b"x" * 100000

    closed = threading.Event()
    FakePool.answers(chunks=chunks())
    connection = connect()
    connection.request("GET", "/")
    response = connection.getresponse()
    FakePool.made[0].on_close = closed.set
    assert response.read(5) == b"first"
    assert sent.wait(20)
    response.close()
    connection.close()
    left.set()
    assert closed.wait(20)


class TestListen:
    def test_a_port_alone_means_this_machine(self) -> None:
        with listen("0") as listener:
            assert listener.getsockname()[0] == "127.0.0.1"

    def test_ipv6(self) -> None:
        try:
            with socket.socket(socket.AF_INET6) as trial:
                trial.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        with listen("[::1]:0") as listener:
            assert listener.getsockname()[0] == "::1"

    @pytest.mark.parametrize(
        "bind",
        ["", "x", "127.0.0.1:", ":80", "127.0.0.1:99999", "a b:1", "a..b:1", "a" * 64 + ":1"],
    )
    def test_no_address(self, bind: str) -> None:
        with pytest.raises(SettingError, match="IISWSGI-H36"):
            listen(bind)

    def test_a_port_in_use(self) -> None:
        with listen("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            with pytest.raises(SettingError, match=rf"IISWSGI-H36.*{port}.*another port"):
                listen(f"127.0.0.1:{port}")
