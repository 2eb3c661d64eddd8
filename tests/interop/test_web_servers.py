"""The same questions through every web server: what a browser gets, and what it cannot break."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import threading
import time

import pytest

from fixtureapps.app import CHUNK
from interop.client import ask, asking, is_broken, leave_in_download, leave_in_upload
from interop.processes import wait_until
from interop.servers import apache, lighttpd, nginx

pytestmark = pytest.mark.interop

SERVERS = {
    "nginx": nginx,
    "nginx, connections kept": lambda folder: nginx(folder, keep=True),
    "nginx, unbuffered, Unix socket": lambda folder: nginx(folder, unix=True, unbuffered=True),
    "nginx, unbuffered, connections kept, Unix socket": lambda folder: nginx(
        folder, unix=True, unbuffered=True, keep=True
    ),
    "lighttpd": lighttpd,
    "apache": apache,
}
STREAMING = [name for name in SERVERS if "nginx" not in name or "unbuffered" in name]


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    with SERVERS[request.param](folder) as running:
        running.name = request.param
        yield running


@pytest.fixture
def port(server):
    """The server's, and at the end a look at what the gateway has logged."""
    yield server.port
    assert "IISWSGI-P0" not in server.log, "the conversation itself was at fault"
    assert "Exception in thread" not in server.log


def blob(length):
    return (CHUNK * (length // len(CHUNK) + 1))[:length]


def pieces(data):
    """An iterator makes http.client send chunks."""
    yield from (data[i : i + 70_000] for i in range(0, len(data), 70_000))


def test_a_page(port):
    answer = ask(port, "/")
    assert (answer.status, answer.text) == (200, "hello\n")


PATHS = {
    "": ("", ""),
    "/": ("", "/"),
    "/a%20b": ("", "/a b"),
    "/caf%C3%A9": ("", "/caf\xc3\xa9"),
    "/caf%E9": ("", "/caf\xe9"),
    "/50%25?x": ("x", "/50%"),
    "/a+b;c=d?q=%C3%A9&r=a+b": ("q=%C3%A9&r=a+b", "/a+b;c=d"),
    "/%F0%9F%90%8D/%E4%B8%AD": ("", "/\xf0\x9f\x90\x8d/\xe4\xb8\xad"),
}


@pytest.mark.parametrize("mount", ["", "/app"])
@pytest.mark.parametrize("path", PATHS)
def test_paths(port, mount, path):
    environ = ask(port, f"{mount}/env{path}").json["environ"]
    query, decoded = PATHS[path]
    assert environ["SCRIPT_NAME"] == mount
    assert environ["PATH_INFO"] == f"/env{decoded}"
    assert environ["QUERY_STRING"] == query


def test_the_rest_of_the_environ(port):
    # Debian's nginx passes on the Host without its port.
    headers = [("Host", f"localhost:{port}"), ("X-Any", "a value"), ("Cookie", "a=b")]
    environ = ask(port, "/env", headers=headers).json["environ"]
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["SERVER_PORT"] == str(port)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["HTTP_HOST"] in ("localhost", f"localhost:{port}")
    assert environ["HTTP_X_ANY"] == "a value"
    assert environ["HTTP_COOKIE"] == "a=b"
    assert environ["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("length", [0, 1, 1000, 1_000_000, 20_000_000])
def test_a_body_comes_back(port, length):
    body = blob(length)
    answer = ask(port, "/echo", "POST", body)
    assert answer.status == 200
    assert answer.body == body


@pytest.mark.parametrize("length", [1000, 3_000_000])
def test_a_body_sent_in_chunks(port, length):
    body = blob(length)
    answer = ask(port, "/count", "PUT", pieces(body))
    assert answer.json == {"length": length, "sha256": hashlib.sha256(body).hexdigest()}


@pytest.mark.parametrize("chunks", [False, True])
def test_a_body_that_is_too_large(port, chunks):
    body = blob(40_000_000)
    answer = ask(port, "/count", "PUT", pieces(body) if chunks else body)
    assert answer.status == 413
    assert "too large" in answer.text.lower()
    assert ask(port, "/").text == "hello\n"


def test_the_lines_of_one_header(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest("GET", "/env")
        for name, value in (("X-List", "a"), ("Cookie", "b=1"), ("X-List", "c"), ("Cookie", "d=2")):
            connection.putheader(name, value)
        connection.endheaders()
        environ = json.loads(connection.getresponse().read())["environ"]
    assert environ["HTTP_X_LIST"] == "a, c"
    assert environ["HTTP_COOKIE"].replace(",", ";") == "b=1; d=2"  # a comma is Apache's doing


def test_a_body_left_unread(port):
    assert ask(port, "/read-partial/10", "POST", blob(1_000_000)).text == "read 10\n"
    assert ask(port, "/", "POST", blob(1_000_000)).text == "hello\n"


def test_a_large_response(port):
    answer = ask(port, "/size/20000000")
    assert answer.headers["Content-Length"] == "20000000"
    assert answer.body == blob(20_000_000)


def test_chunks_arrive_as_they_are_made(server, port):
    if server.name not in STREAMING:
        assert ask(port, "/stream/3?pause=0.01").text == "chunk 0\nchunk 1\nchunk 2\n"
        return
    with asking(port, "/stream/3?pause=0.4") as response:
        began, times = time.monotonic(), []
        while response.read1():
            times.append(time.monotonic() - began)
    assert len(times) == 3
    assert times[0] < 0.3 < times[1] < 0.7 < times[2]


def test_head(port):
    answer = ask(port, "/size/1000", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "1000"


@pytest.mark.parametrize("code", [204, 304, 404, 503])
def test_status(port, code):
    answer = ask(port, f"/status/{code}")
    assert answer.status == code
    assert answer.text == ("" if code in (204, 304) else f"status {code}\n")


def test_large_response_headers(port):
    answer = ask(port, "/big-headers/20000")
    assert answer.text == "big\n"
    assert sum(len(value) for name, value in answer.headers.items() if "Big" in name) == 20 * 988


def test_several_clients_at_once(port):
    wrong = []

    def visit(number):
        for turn in range(10):
            body = f"{number}/{turn} ".encode() * 500
            if ask(port, "/echo", "POST", body).body != body:
                wrong.append((number, turn))

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert not wrong


def test_clients_that_leave_harm_nobody(server, port):
    for _ in range(5):  # one more than the gateway has threads
        leave_in_upload(port, "/echo")
        leave_in_download(port, "/size/50000000")
    assert ask(port, "/").text == "hello\n"
    if server.name in STREAMING:  # the others may have taken all of it by then
        wait_until(lambda: "IISWSGI-W12: GET /size/50000000: the client left" in server.log)


def test_an_exception_before_the_first_byte(port):
    answer = ask(port, "/raise")
    assert answer.status == 500
    assert "Error id" in answer.text
    assert "secret-detail" not in answer.text


def test_an_exception_after_the_first_byte_cannot_be_taken_for_the_end(server, port):
    if server.name == "apache":  # which adds its own error page to what was sent
        assert "500 Internal Server Error" in ask(port, "/late/0.1").text
    else:
        assert is_broken(port, "/late/0.1")
    assert ask(port, "/").text == "hello\n"


def test_a_response_that_is_shorter_than_promised_keeps_nobody_waiting(port):
    began = time.monotonic()
    assert is_broken(port, "/cut-short")
    assert time.monotonic() - began < 4
    assert ask(port, "/").text == "hello\n"
