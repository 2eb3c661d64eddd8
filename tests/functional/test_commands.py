"""``iiswsgi host`` and ``iiswsgi request`` as a person starts them."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import threading

import pytest

from functional.sites import EXAMPLES, make_site

SAMPLE = str(EXAMPLES / "sample.msdeploy")


@contextlib.contextmanager
def hosting(*arguments):
    """Run ``iiswsgi host`` on a free port; gives the port, the process and what it says."""
    command = [sys.executable, "-m", "iiswsgi", "host", *arguments, "--bind", "127.0.0.1:0"]
    flags = subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" else 0
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        creationflags=flags,
    )
    said = []
    port = None
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                port = int(found[1])
                break
        assert port, "".join(said)
        reader = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
        reader.start()
        yield port, process, said
    finally:
        process.kill()
        process.wait(20)
        if port:
            reader.join(20)
        process.stderr.close()


def ask(port, target, method="GET", body=None, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()


def request(*arguments, data=None):
    command = [sys.executable, "-m", "iiswsgi", "request", *arguments]
    return subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)


def test_host_serves_the_sample():
    with hosting(SAMPLE) as (port, _, _):
        status, page = ask(port, "/some/where?format=text")
        assert status == 200
        assert b"PATH_INFO = /some/where\n" in page
        assert f"HTTP_HOST = 127.0.0.1:{port}\n".encode() in page


def test_host_passes_bodies_and_breaks_off_what_is_broken(tmp_path):
    with hosting(str(make_site(tmp_path, response_buffer_limit=0))) as (port, _, _):
        body = bytes(range(256)) * 1000
        assert ask(port, "/echo", "POST", body) == (200, body)
        with pytest.raises(http.client.IncompleteRead):
            ask(port, "/raise-late")
        assert ask(port, "/") == (200, b"hello\n")


def test_host_below_a_virtual_path():
    with hosting(SAMPLE, "--virtual-path", "/app") as (port, _, _):
        assert b"SCRIPT_NAME = /app\n" in ask(port, "/app/x?format=text")[1]
        assert ask(port, "/elsewhere")[0] == 404


@pytest.mark.skipif(sys.platform == "win32", reason="Wine has no Ctrl-Break for a process group")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_host_ends_its_workers_when_it_is_stopped(number):
    with hosting(SAMPLE) as (port, process, said):
        ask(port, "/")
        process.send_signal(number)
        assert process.wait(30) == 0
    assert any("left with exit code 0" in line for line in said)


def test_request_prints_the_response_and_the_log(tmp_path):
    site = str(make_site(tmp_path))
    result = request(site, "/print/ByRequest")
    assert result.returncode == 0
    assert result.stdout.startswith(b"HTTP/1.1 200 OK")
    assert b"ByRequest print" in result.stdout + result.stderr
    assert b"exit code 0" in result.stdout + result.stderr


def test_request_sends_headers_and_a_body(tmp_path):
    site = str(make_site(tmp_path))
    result = request(site, "/echo", "-X", "PUT", "-H", "X-Any: thing", "-d", "@-", data=b"a body")
    assert result.returncode == 0
    assert b"a body" in result.stdout


def test_request_says_why_there_is_no_answer(tmp_path):
    site = str(make_site(tmp_path))
    result = request(site, "/exit/7")
    assert result.returncode == 1
    assert b"0x00000007" in result.stdout + result.stderr


def test_a_folder_without_a_configuration_is_a_mistake(tmp_path):
    result = request(str(tmp_path), "/")
    assert result.returncode == 2
    assert b"web.config" in result.stderr
