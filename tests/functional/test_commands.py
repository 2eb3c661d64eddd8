"""``iiswsgi host`` and ``iiswsgi request`` as a person starts them."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys

import pytest

from functional.commands import ask, hosting
from functional.sites import EXAMPLES, make_site

SAMPLE = str(EXAMPLES / "sample.msdeploy")


def request(*arguments, data=None):
    command = [sys.executable, "-m", "iiswsgi", "request", *arguments]
    return subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)


def test_host_serves_the_sample():
    with hosting(SAMPLE) as host:
        status, page = ask(host.port, "/some/where?format=text")
        assert status == 200
        assert b"PATH_INFO = /some/where\n" in page
        assert f"HTTP_HOST = 127.0.0.1:{host.port}\n".encode() in page


def test_host_passes_bodies_and_breaks_off_what_is_broken(tmp_path):
    with hosting(str(make_site(tmp_path, response_buffer_limit=0))) as host:
        body = bytes(range(256)) * 1000
        assert ask(host.port, "/echo", "POST", body) == (200, body)
        with pytest.raises(http.client.IncompleteRead):
            ask(host.port, "/raise-late")
        assert ask(host.port, "/") == (200, b"hello\n")


def test_host_below_a_virtual_path():
    with hosting(SAMPLE, "--virtual-path", "/app") as host:
        assert b"SCRIPT_NAME = /app\n" in ask(host.port, "/app/x?format=text")[1]
        assert ask(host.port, "/elsewhere")[0] == 404


if sys.platform != "win32":  # tests/host has the same for Windows

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_host_ends_its_workers_when_it_is_stopped(number):
        with hosting(SAMPLE) as host:
            ask(host.port, "/")
            host.process.send_signal(number)
            assert host.process.wait(30) == 0
        assert any("left with exit code 0" in line for line in host.said)


def test_request_prints_the_response_and_the_log(tmp_path):
    site = str(make_site(tmp_path))
    result = request(site, "/print/ByRequest")
    assert result.returncode == 0
    assert result.stdout.startswith(b"HTTP/1.1 200 OK")
    assert b"ByRequest print" in result.stdout + result.stderr
    assert b"exit code 0" in result.stdout + result.stderr


def test_a_site_whose_registration_is_elsewhere_is_shown_all_the_same(tmp_path):
    site = make_site(tmp_path, "use = egg:iiswsgi#test_app")
    config = site / "web.config"
    text = config.read_text(encoding="utf-8")
    begin, end = text.index("<fastCgi>"), text.index("</fastCgi>") + len("</fastCgi>")
    config.write_text(text[:begin] + text[end:], encoding="utf-8")
    result = request(str(site), "/")
    assert result.stdout.startswith(b"HTTP/1.1 200 OK")
    assert b"IISWSGI-H43" in result.stderr
    assert b"C05" not in result.stderr
    empty = tmp_path / "applicationHost.config"
    empty.write_text("<configuration/>", encoding="utf-8")
    result = request(str(site), "/", "--apphost", str(empty))
    assert b"IISWSGI-C05" in result.stderr


IN_THE_WAY = {"html.py": "", "ipaddress.py": "", "resource.py": "", "resource/logo.png": ""}
"""Files of a site that have names of Python's modules, which are imported late or not at all."""


@pytest.mark.parametrize(
    ("application", "status", "said"),
    [
        ("def application(environ, start_response): raise KeyError", 500, b"W01"),
        ("raise ImportError", 500, b"S16"),
        (
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [b'here']\n",
            200,
            b"here",
        ),
    ],
    ids=["fails", "cannot be loaded", "works"],
)
def test_files_of_the_site_that_have_names_of_modules(application, status, said, tmp_path):
    for name, text in IN_THE_WAY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "run.wsgi").write_text(application, encoding="utf-8")
    site = make_site(tmp_path, arguments=f'-m iiswsgi serve "{tmp_path / "run.wsgi"}"')
    result = request(str(site), "/", "-H", "Accept: text/html")
    assert result.stdout.startswith(f"HTTP/1.1 {status} ".encode())
    assert said in result.stdout + result.stderr
    assert b"exit code 0" in result.stdout + result.stderr or said == b"S16"


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


if sys.platform != "win32":  # ctypes makes an exception of it there

    def test_host_shows_the_stacks_of_a_crash(tmp_path):
        with hosting(str(make_site(tmp_path))) as host:
            for target in ("/crash", "/print/Mark", "/crash"):  # in a first request, and later
                page = ask(host.port, target)[1]
                assert (b"most recent call first" in page) == (target == "/crash")
                assert b"IISWSGI-L14" not in page
        said = "".join(host.said)
        assert re.findall("IISWSGI-H0[0-9]", said) == ["IISWSGI-H02", "IISWSGI-H03"]
        assert said.count("Fatal Python error") == 2
        assert "in crash" in said


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_log_that_the_site_has_moved_is_shown(tmp_path, log_format):
    own = tmp_path / "own.log"
    own.write_text("of yesterday\n", encoding="utf-8")
    site = str(make_site(tmp_path, options=f"log_file = {own}\nlog_format = {log_format}"))
    with hosting(site) as host:
        assert ask(host.port, "/raise")[0] == 500
        page = ask(host.port, "/exit/7")[1].decode()
        assert f"iiswsgi.log, {own}</dd>" in page
    said = "".join(host.said)
    assert "RuntimeError: raised on request" in said
    assert f"the workers' log goes on in {own}" in said
    result = request(site, "/raise")
    assert b"RuntimeError: raised on request" in result.stderr
    assert b"of yesterday" not in result.stderr


def test_request_says_why_the_exit_code_is_1(tmp_path):
    site = make_site(tmp_path, "paste.app_factory = fixtureapps.app:make_broken_app")
    result = request(str(site), "/")
    assert b"left with exit code 1, as it does when its application" in result.stderr


def test_a_folder_without_a_configuration_is_a_mistake(tmp_path):
    result = request(str(tmp_path), "/")
    assert result.returncode == 2
    assert b"web.config" in result.stderr
