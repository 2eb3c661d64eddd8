"""``iiswsgi host`` as a process of its own, and HTTP to ask it."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


if sys.platform == "win32":
    # Without a console, as on a build machine, nobody can send a signal: the process raises it.
    HOST = (
        sys.executable,
        "-c",
        "import signal, sys, threading\n"
        "from iiswsgi.cli import main\n"
        "def stop():\n"
        "    while sys.stdin.readline(): signal.raise_signal(signal.SIGBREAK)\n"
        "threading.Thread(target=stop, daemon=True).start()\n"
        "sys.exit(main())",
        "host",
    )

    def ask_to_stop(process):
        """Ask a process that was started with ``HOST`` to end in order."""
        process.stdin.write("\n")
        process.stdin.flush()

else:
    HOST = (sys.executable, "-m", "iiswsgi", "host")

    def ask_to_stop(process):
        """Ask a process to end in order."""
        process.send_signal(signal.SIGTERM)


@dataclass
class Host:
    """A running stand-in."""

    process: subprocess.Popen
    port: int
    said: list[str]
    """Its lines; complete once the process has ended and ``hosting`` is left."""


@contextlib.contextmanager
def hosting(*arguments, command=None):
    """Run ``iiswsgi host``, on a free port unless the command says otherwise; always ends it."""
    if command is None:
        command = [*HOST, *arguments, "--bind", "127.0.0.1:0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    host = Host(process, 0, [])
    reader = threading.Thread(target=host.said.extend, args=(process.stderr,), daemon=True)
    try:
        for line in process.stderr:
            host.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                host.port = int(found[1])
                break
        assert host.port, "".join(host.said)
        reader.start()
        yield host
    finally:
        stop(process)
        if host.port:
            reader.join(20)
        process.stderr.close()


def stop(process):
    """Ask politely first, so that the stand-in ends its workers.

    On Wine, a process that is killed leaves its connections behind, and Wine's server is busy with
    them to its end.
    """
    with process.stdin, contextlib.suppress(OSError, subprocess.TimeoutExpired):
        ask_to_stop(process)
        process.wait(40)
    process.kill()
    process.wait(20)


def ask(port, target, method="GET", body=None, headers=()):
    """One request over HTTP: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
