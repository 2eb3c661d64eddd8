"""Processes that are asked to leave, under load, and processes that die."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from interop.client import ask, is_broken
from interop.processes import GATEWAY, answers, free_port, program, running, wait_until
from interop.servers import apache, gateway, lighttpd, nginx, nginx_alone, write_ini

pytestmark = pytest.mark.interop


class Visitors:
    """Clients in threads; ``seen`` is (target, status, seconds) of each answer, in order."""

    def __init__(self, port):
        self.port = port
        self.seen = []
        self.leaving = threading.Event()
        self._threads = []

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.leaving.set()
        for thread in self._threads:
            thread.join()

    def ask(self, target, method="GET", body=None):
        began = time.monotonic()
        status = ask(self.port, target, method, body).status
        self.seen.append((target, status, time.monotonic() - began))

    def send(self, target):
        self._start(lambda: self.ask(target))

    def send_many(self):
        """Until ``leaving`` is set."""

        def visit():
            while not self.leaving.is_set():
                self.ask("/sleep/0.005")
                # Of methods that may be repeated: a kept connection may close at any moment, and
                # nginx repeats no POST.
                self.ask("/echo", "PUT", b"x" * 10_000)

        self._start(visit)

    def _start(self, target):
        thread = threading.Thread(target=target)
        self._threads.append(thread)
        thread.start()

    @property
    def statuses(self):
        return {status for _, status, _ in self.seen}


@pytest.mark.parametrize("unix", [False, True])
def test_what_was_accepted_is_answered_and_who_comes_later_is_refused(tmp_path, unix):
    program("nginx")
    address = f"unix:{tmp_path}/app.sock" if unix else f"127.0.0.1:{free_port()}"
    with gateway(tmp_path, address) as process, nginx_alone(tmp_path, address) as server:
        with Visitors(server.port) as visitors:
            for number in range(7):  # four threads: three of these wait for one
                visitors.send(f"/sleep/0.{6 + number % 4}")
            time.sleep(0.4)
            process.terminate()
            wait_until(lambda: not answers(tmp_path / "app.sock" if unix else int(address[10:])))
            visitors.ask("/too-late")
        assert process.wait(10) == 0
    (late,) = [answer for answer in visitors.seen if answer[0] == "/too-late"]
    assert late[1] == 502
    assert late[2] < 0.5
    assert [status for target, status, _ in visitors.seen if target != "/too-late"] == [200] * 7
    assert not (tmp_path / "app.sock").exists()
    assert "the end: SIGTERM" in server.log


@pytest.mark.parametrize("keep", [False, True])
def test_processes_that_share_a_socket_replace_each_other_unnoticed(tmp_path, keep):
    program("nginx")
    ini = write_ini(tmp_path)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "app.sock"))
        listener.listen(100)

        def start():
            return stack.enter_context(running([*GATEWAY, ini], tmp_path / "out", stdin=listener))

        processes = [start()]
        server = stack.enter_context(nginx_alone(tmp_path, f"unix:{tmp_path}/app.sock", keep=keep))
        with Visitors(server.port) as visitors:
            visitors.ask("/")
            for _ in range(4):
                visitors.send_many()
            for _ in range(2):
                new = start()
                processes.append(new)
                started = f" {new.pid} - INFO iiswsgi.launch: STDIN is a listening socket"
                wait_until(lambda started=started: started in server.log)
                time.sleep(0.4)
                old = processes.pop(0)
                old.terminate()
                assert old.wait(10) == 0
    assert visitors.statuses == {200}
    assert len(visitors.seen) > 100


@pytest.mark.parametrize("server", [lighttpd, apache])
def test_a_process_that_the_web_server_started_finishes_its_request(tmp_path, server):
    tmp_path.chmod(0o755)
    with server(tmp_path) as running_server:
        with Visitors(running_server.port) as visitors:
            visitors.ask("/")
            visitors.send("/sleep/0.8")
            time.sleep(0.4)
            lines = running_server.log.splitlines()
            workers = {int(line.split()[1]) for line in lines if "STDIN is a listening" in line}
            for pid in workers:
                os.kill(pid, signal.SIGTERM)
        assert visitors.statuses == {200}
        wait_until(lambda: running_server.log.count("the end: SIGTERM") == len(workers))
        wait_until(lambda: ask(running_server.port, "/").status == 200)


@pytest.mark.parametrize("server", [lighttpd, apache, lambda folder: nginx(folder, keep=True)])
def test_what_a_dying_process_left_cannot_be_taken_for_a_response(tmp_path, server):
    tmp_path.chmod(0o755)
    with server(tmp_path) as running_server:
        if server is apache:  # which adds its own error page to what was sent
            assert "500 Internal Server Error" in ask(running_server.port, "/gone/0.2").text
        else:
            assert is_broken(running_server.port, "/gone/0.2")
        if server in (lighttpd, apache):
            wait_until(lambda: ask(running_server.port, "/").status == 200)
