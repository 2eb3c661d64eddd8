"""Signals outside of serving: while the application loads, and while exit hooks run."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from functional.sites import wait_until
from tests.fastcgi.helpers import request_bytes

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="a process there cannot signal one other alone; run it on POSIX"
)

APPLICATION = """\
import atexit, pathlib, time

def hook():
    pathlib.Path("hook").touch()
    time.sleep({in_hook})
    pathlib.Path("done").touch()

atexit.register(hook)
pathlib.Path("loading").touch()
time.sleep({in_loading})

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"served"]
"""

INI = """\
[app:main]
paste.app_factory = slow:make_app

[server:iis]
use = egg:iiswsgi#iis
{listen}
log_file = %(here)s/iiswsgi.log
"""

SERVE = ["-m", "iiswsgi", "serve", "app.ini"]
PASTER = [
    "-c",
    "from paste.script.command import run; run()",
    "serve",
    "--server-name=iis",
    "app.ini",
]


@pytest.fixture
def start(tmp_path):
    """Start an application that takes so many seconds to load, and in its exit hook."""
    started = []

    def start_(command, in_loading=0.0, in_hook=0.0, stdin=None):
        source = APPLICATION.format(in_loading=in_loading, in_hook=in_hook)
        source += "\n\ndef make_app(global_conf):\n    return application\n"
        (tmp_path / "slow.py").write_text(source)
        listen = "listen = unix:%(here)s/socket" if stdin is None else ""
        (tmp_path / "app.ini").write_text(INI.format(listen=listen))
        started.append(subprocess.Popen([sys.executable, *command], cwd=tmp_path, stdin=stdin))
        return started[0]

    yield start_
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", [SERVE, PASTER], ids=["serve", "paster"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_application_loads(start, tmp_path, command, name):
    process = start(command, in_loading=60)
    wait_until((tmp_path / "loading").exists)
    process.send_signal(getattr(signal, name))
    assert process.wait(20) == 0
    log = (tmp_path / "iiswsgi.log").read_text(encoding="utf-8")
    assert f"the end: {name} while the application was loading" in log
    assert "IISWSGI-" not in log
    assert (tmp_path / "done").exists()
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("command", [SERVE, PASTER], ids=["serve", "paster"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_process_gets_ready(start, tmp_path, command, name):
    process = start(command, in_loading=60)
    deadline = time.monotonic() + 20
    while not (tmp_path / "socket").exists():  # at once, before the application is looked for
        assert time.monotonic() < deadline
    process.send_signal(getattr(signal, name))
    assert process.wait(20) == 0
    log = (tmp_path / "iiswsgi.log").read_text(encoding="utf-8")
    assert f"the end: {name} while the application was loading" in log
    assert "IISWSGI-" not in log
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("command", [SERVE, PASTER], ids=["serve", "paster"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_request_that_a_process_was_started_for_is_served_first(start, tmp_path, command, name):
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = start(command, in_loading=0.5, stdin=theirs)
        ours.sendall(request_bytes(params={"REQUEST_METHOD": "GET", "REQUEST_URI": "/"}))
        wait_until((tmp_path / "loading").exists)
        process.send_signal(getattr(signal, name))
        ours.settimeout(20)
        answer = ours.recv(65536)
        assert b"served" in answer
        assert process.wait(20) == 0
    log = (tmp_path / "iiswsgi.log").read_text(encoding="utf-8")
    assert f"the end: {name}" in log
    assert "IISWSGI-" not in log
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("command", [SERVE, PASTER], ids=["serve", "paster"])
def test_exit_hooks_are_not_interrupted(start, tmp_path, command):
    process = start(command, in_hook=1)
    log = tmp_path / "iiswsgi.log"
    wait_until(lambda: log.exists() and "listening on" in log.read_text(encoding="utf-8"))
    wait_until((tmp_path / "loading").exists)
    process.send_signal(signal.SIGTERM)
    wait_until((tmp_path / "hook").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert (tmp_path / "done").exists()
