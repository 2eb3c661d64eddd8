"""Programs started for a test and ended with everything that they started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
GATEWAY = [sys.executable, "-m", "iiswsgi", "serve"]

PACKAGES = {
    "nginx": "nginx",
    "lighttpd": "lighttpd",
    "apache2": "apache2 libapache2-mod-fcgid",
    "/usr/lib/apache2/modules/mod_fcgid.so": "libapache2-mod-fcgid",
    "cgi-fcgi": "libfcgi-bin",
    "spawn-fcgi": "spawn-fcgi",
}


def program(name):
    """The path of a program or file; skips where it is missing, and says how to get it."""
    path = shutil.which(name, os.F_OK, os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        pytest.skip(f"no {name} here; apt-get install {PACKAGES[name]}")
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_until(condition, seconds=15, otherwise=lambda: "it did not happen"):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.02)


def answers(address):
    """Whether somebody accepts connections to a port of this machine or a Unix socket."""
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    place = ("127.0.0.1", address) if isinstance(address, int) else str(address)
    with socket.socket(family) as sock:
        return sock.connect_ex(place) == 0


def members(session):
    """The processes of a session that still run, as ids."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, _group, its_session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(stat.parent.name))
    return found


def wait_for_members(session, seconds):
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not members(session), seconds)
    return members(session)


@contextlib.contextmanager
def running(command, output, *, ready=None, **options):
    """A program in a session of its own, until the end of the block.

    :param output: path of a file for what it prints.
    :param ready: port or Unix socket to wait for.
    """
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with Path(output).open("ab") as file:
        process = subprocess.Popen(
            list(map(str, command)),
            **{"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, **options},
            start_new_session=True,
            env=environment,
        )
    try:
        if ready is not None:
            wait_until(
                lambda: process.poll() or answers(ready),
                otherwise=lambda: Path(output).read_text(),
            )
            assert not process.poll(), Path(output).read_text()
        yield process
    finally:
        left = end(process)
    assert not left, f"processes {left} outlive {command[0]}"


def end(process, seconds=10):
    """End a program and its session; which processes had to be killed.

    A program that has left by itself, as a launcher does, leaves its children to be asked.
    """
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    else:
        send(signal.SIGTERM, members(process.pid))
    left = wait_for_members(process.pid, seconds)
    send(signal.SIGKILL, left)
    process.wait(seconds)
    return left


def send(number, pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
