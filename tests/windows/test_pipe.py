"""What a named pipe can be besides the one that IIS is believed to hand over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest

from functional.sites import make_site, serving, wait_until
from iiswsgi.host.modes import Modes, Wire
from iiswsgi.runtime.shutdown import Shutdown

pytestmark = pytest.mark.windows

BODY = bytes(range(256)) * 4000


def check(client):
    """A page, a body both ways, several requests, and an orderly end."""
    assert client.get("/").text == "hello\n"
    assert client.post("/echo", BODY).body == BODY
    assert client.get("/size/1000000").status == 200
    assert client.get("/print/Printed").status == 200
    assert client.post("/read-partial/10", BODY).text == "read 10\n"
    assert len({client.get("/pid").text for _ in range(3)}) == 1
    client.wait_for_log("Printed print")
    client.pool.recycle()
    wait_until(lambda: [event for event in client.pool.events if " ended: " in event])
    ended = [event for event in client.pool.events if " ended: " in event]
    assert ended[0].endswith("it left with exit code 0"), ended
    assert not client.pool.counters.failed


@pytest.mark.parametrize("late_connect", [0, 0.5, 3])
@pytest.mark.parametrize("synchronous_handle", [False, True])
@pytest.mark.parametrize("end_order", ["close_first", "signal_first"])
def test_every_kind_of_pipe(tmp_path, late_connect, synchronous_handle, end_order):
    modes = Modes(
        late_connect=late_connect,
        synchronous_handle=synchronous_handle,
        end_order=end_order,
        tick=0.05,
    )
    with serving(make_site(tmp_path), modes) as client:
        check(client)


@pytest.mark.parametrize("seed", range(2))
def test_hostile_cuts_on_a_synchronous_handle(tmp_path, seed):
    modes = Modes(wire=Wire.hostile(seed), synchronous_handle=True, tick=0.05)
    with serving(make_site(tmp_path), modes) as client:
        assert client.post("/echo", BODY[:20_000]).body == BODY[:20_000]
        assert client.get("/").text == "hello\n"


@pytest.mark.parametrize("synchronous_handle", [False, True])
def test_the_event_alone_ends_an_idle_process(tmp_path, synchronous_handle):
    """The pipe stays open: the process is blocked on it, and must notice the event."""
    modes = Modes(synchronous_handle=synchronous_handle, end_order="signal_first", tick=0.05)
    with serving(make_site(tmp_path), modes) as client:
        client.get("/")
        time.sleep(0.5)
        began = time.monotonic()
        client.pool.recycle()
        wait_until(lambda: [event for event in client.pool.events if " ended: " in event])
        assert time.monotonic() - began < 5


def test_a_signal_just_before_the_idle_read_ends_it(monkeypatch):
    """Its handler runs in the very thread that is about to read."""
    import _winapi

    from iiswsgi.fastcgi.transport.pipe import PipeTransport
    from iiswsgi.win32 import PipeEnd

    name = rf"\\.\pipe\iiswsgi-test-{uuid.uuid4()}"
    open_mode = _winapi.PIPE_ACCESS_DUPLEX | _winapi.FILE_FLAG_OVERLAPPED
    theirs = _winapi.CreateNamedPipe(name, open_mode, _winapi.PIPE_WAIT, 1, 4096, 4096, 0, 0)
    access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
    ours = _winapi.CreateFile(name, access, 0, 0, _winapi.OPEN_EXISTING, 0, 0)
    read = PipeEnd.read

    def read_late(end):
        signal.raise_signal(signal.SIGBREAK)
        return read(end)

    monkeypatch.setattr(PipeEnd, "read", read_late)
    shutdown = Shutdown()
    transport = PipeTransport(theirs, shutdown, "the test's pipe")
    with shutdown.signals():
        assert transport.receive_idle() == b""
    transport.close()
    shutdown.close()
    _winapi.CloseHandle(ours)


def test_no_event_and_no_notice(tmp_path):
    with serving(make_site(tmp_path, signalBeforeTerminateSeconds=0)) as client:
        assert client.get("/").text == "hello\n"
        assert "the shutdown event" not in client.log


def test_tcp(tmp_path):
    with serving(make_site(tmp_path, protocol="Tcp")) as client:
        check(client)


def test_grandchildren_do_not_hold_the_pipe(tmp_path):
    """A process that the application started must not keep the host from seeing the end."""
    with serving(make_site(tmp_path)) as client:
        client.get("/detach/60")
        assert client.get("/exit/7").status == 500
        assert client.pool.counters.failed == {"died_in_request": 1}
        assert client.get("/").text == "hello\n"


def test_it_is_killed_while_it_writes(tmp_path):
    site = make_site(tmp_path, signalBeforeTerminateSeconds=0, response_buffer_limit=0)
    with serving(site, Modes(tick=0.05, kill_without_notice=True)) as client:
        reply = client.open("/size/100000000")
        next(reply)
        client.pool.recycle()
        with pytest.raises(Exception, match="IISWSGI-H"):
            list(reply)
        reply.close()
        assert client.get("/").text == "hello\n"


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """A virtual environment's python.exe, which starts the base interpreter as a second process."""
    folder = tmp_path_factory.mktemp("venv") / "env"
    options = ["--without-pip", "--system-site-packages"]
    subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True, timeout=120)
    return folder / "Scripts" / "python.exe"


@pytest.mark.parametrize("late_connect", [0, 1])
def test_in_a_virtual_environment(tmp_path, venv, late_connect):
    with serving(make_site(tmp_path, python=venv), Modes(late_connect=late_connect)) as client:
        assert client.get("/env").json["executable"].lower() == str(venv).lower()
        check(client)


def test_a_virtual_environment_that_is_killed(tmp_path, venv):
    site = make_site(tmp_path, python=venv, signalBeforeTerminateSeconds=0)
    with serving(site, Modes(tick=0.05, kill_without_notice=True)) as client:
        first = client.get("/pid").text
        client.pool.recycle()
        assert client.get("/pid").text != first


def test_two_thousand_requests_leave_no_handles_behind(tmp_path):
    with serving(make_site(tmp_path, instanceMaxRequests=10000)) as client:
        for _ in range(200):
            client.get("/")
        before = int(client.get("/handles").text)
        for number in range(2000):
            client.post("/read-partial/1", b"x" * (number % 100))
        assert int(client.get("/handles").text) <= before + 5


def test_idle_time_costs_nothing(tmp_path):
    """The process waits for the pipe and the event; it does not poll."""
    with serving(make_site(tmp_path)) as client:
        client.get("/")
        before = float(client.get("/cpu").text)
        time.sleep(2)
        assert float(client.get("/cpu").text) - before < 0.3


def test_clients_in_threads(tmp_path):
    failures = []

    def ask(number):
        for i in range(10):
            body = f"{number}-{i};".encode() * 3000
            try:
                assert client.post("/echo", body).body == body
            except Exception as error:
                failures.append(error)

    with serving(make_site(tmp_path, maxInstances=2, instanceMaxRequests=9)) as client:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert client.pool.counters.answered == 40
