"""Programs that start the gateway, or speak to it, and are no web servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fixtureapps.app import CHUNK
from interop.client import ask
from interop.processes import GATEWAY, TESTS, free_port, program, running
from interop.servers import gateway, nginx_alone, write_ini

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("unix", [False, True])
def test_spawn_fcgi(tmp_path, unix):
    program("nginx")
    port = free_port()
    place = ["-s", tmp_path / "app.sock"] if unix else ["-a", "127.0.0.1", "-p", port]
    address = f"unix:{tmp_path}/app.sock" if unix else f"127.0.0.1:{port}"
    command = [program("spawn-fcgi"), "-n", *place, "--", *GATEWAY, write_ini(tmp_path)]
    ready = tmp_path / "app.sock" if unix else port
    with (
        running(command, tmp_path / "out", ready=ready),
        nginx_alone(tmp_path, address) as server,
    ):
        assert ask(server.port, "/").text == "hello\n"
        assert ask(server.port, "/echo", "POST", CHUNK).body == CHUNK


def cgi(command, target, method="GET", body=b""):
    """A CGI request by way of cgi-fcgi: head, body and exit status."""
    path, _, query = target.partition("?")
    variables = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.0",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/cgi-bin/app",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TESTS),
    }
    command = [program("cgi-fcgi"), *map(str, command)]
    done = subprocess.run(
        command, input=body, env=variables, capture_output=True, timeout=20, check=False
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), content, done.returncode


@pytest.fixture(scope="module", params=["TCP", "Unix"])
def connect(request, tmp_path_factory):
    """The arguments for cgi-fcgi to reach a gateway that listens."""
    program("cgi-fcgi")
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    unix = request.param == "Unix"
    with gateway(folder, f"unix:{folder}/app.sock" if unix else f"127.0.0.1:{port}"):
        yield ["-bind", "-connect", f"{folder}/app.sock" if unix else f"127.0.0.1:{port}"]


def test_cgi_fcgi_gets_a_page(connect):
    head, content, status = cgi(connect, "/")
    assert head[0] == "Status: 200 OK"
    assert "Content-Length: 6" in head
    assert (content, status) == (b"hello\n", 0)


def test_cgi_fcgi_passes_on_the_variables(connect):
    _, content, _ = cgi(connect, "/env/caf\u00e9?a=b")
    environ = json.loads(content)["environ"]
    assert environ["SCRIPT_NAME"] == "/cgi-bin/app"
    assert environ["PATH_INFO"] == "/env/caf\xc3\xa9"
    assert environ["QUERY_STRING"] == "a=b"


@pytest.mark.parametrize("length", [1, 5000, 1_000_000])
def test_cgi_fcgi_carries_bodies(connect, length):
    body = (CHUNK * 16)[:length]
    assert cgi(connect, "/echo", "POST", body)[1] == body


def test_cgi_fcgi_sees_failures(connect):
    assert cgi(connect, "/raise")[0][0] == "Status: 500 Internal Server Error"
    assert cgi(connect, "/raise-late")[1] == b"first chunk\n"
    assert cgi(connect, "/")[1] == b"hello\n"


def test_cgi_fcgi_starts_the_gateway(tmp_path):
    script = tmp_path / "app.fcgi"
    ini = write_ini(tmp_path)
    script.write_text(
        f"#!{sys.executable}\nfrom iiswsgi.cli import main\n"
        f"raise SystemExit(main(['serve', {str(ini)!r}]))\n"
    )
    script.chmod(0o755)
    socket = tmp_path / "app.sock"
    command = [program("cgi-fcgi"), "-start", "-connect", socket, script]
    with running(command, tmp_path / "out", ready=socket):
        assert cgi(["-bind", "-connect", socket], "/")[1] == b"hello\n"
    assert "the end: SIGTERM" in (tmp_path / "iiswsgi.log").read_text(encoding="utf-8")
