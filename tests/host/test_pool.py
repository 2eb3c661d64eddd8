from __future__ import annotations

import ctypes
import dataclasses
import io
import os
import sys
import threading
import time
import venv
from pathlib import Path

import pytest

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.modes import Modes, Wire
from iiswsgi.host.report import Counters
from iiswsgi.host.worker import Worker

ON_WINDOWS = sys.platform == "win32"

START = 1.5 if not ON_WINDOWS else 5
"""Seconds in which a process has started and answered, on a busy machine too."""


def fails(pool, do, kind, **variables):
    with pytest.raises(WorkerFailure) as caught:
        pool.ask(do, **variables)
    assert caught.value.kind == kind, caught.value
    return caught.value


def outcome(pool, do=""):
    """The body of the reply, or the failure."""
    try:
        return pool.ask(do).text
    except WorkerFailure as failure:
        return failure


class Together:
    """Requests sent from threads of their own."""

    def __init__(self, pool, dos):
        self.replies = [None] * len(dos)
        self.threads = [
            threading.Thread(target=self._ask, args=(pool, number, do))
            for number, do in enumerate(dos)
        ]
        for thread in self.threads:
            thread.start()

    def _ask(self, pool, number, do):
        self.replies[number] = outcome(pool, do)

    def join(self):
        for thread in self.threads:
            thread.join()
        return self.replies


# One request.


def test_a_request_is_answered(make_pool):
    reply = make_pool().ask()
    assert (reply.status, reply.reason) == (200, "OK")
    assert reply.headers == [("Content-Type", "text/plain")]
    assert reply.text == b"hello"


def test_variables_arrive_in_order_and_whole(make_pool):
    given = {"EMPTY": "", "LONG": "x" * 200_000, "LATIN": "caf\xe9"}
    text = make_pool().ask("variables", **given).text.decode("utf-8")
    assert [line.split("=") for line in text.splitlines()] == [
        ["DO", "variables"],
        *([name, value] for name, value in given.items()),
    ]


def test_a_body_arrives_whole(make_pool):
    body = os.urandom(300_000)
    assert make_pool().ask("body", body).text == body


def test_a_large_response_arrives_whole(make_pool):
    assert len(make_pool().ask(f"big {5 << 20}").text) == 5 << 20


def test_nothing_goes_out_before_the_buffer_limit(make_pool):
    for limit, first in ((4194304, b"first,second"), (0, b"first,")):
        pool = make_pool(response_buffer_limit=limit)
        reply = pool.exchange([("DO", "drip 0.3")], None)
        assert next(reply.body) == first
        assert first + b"".join(reply.body) == b"first,second" + b"" * limit
        reply.close()


def test_the_worker_sees_what_iis_would_show_it(make_pool):
    pool = make_pool(environment_variables=(("MINE", "configured"), ("PATH", "first")))
    assert pool.ask("streams").text == b"(None, None)"
    environment = pool.ask("environment").text.decode("utf-8").splitlines()
    assert "MINE=configured" in environment
    assert "PATH=first" in environment
    assert not [line for line in environment if line.startswith("_FCGI_MUTEX_")]
    assert not [line for line in environment if line.startswith("_FCGI_SHUTDOWN_EVENT_")]
    assert [line for line in environment if line.startswith(r"_FCGI_X_PIPE_=\\.\pipe\IISFCGI-")]
    assert not [line for line in environment if line.startswith("PYTEST")]


def test_arguments_arrive_as_registered(make_pool):
    pool = make_pool('"a b"', r"c\d", '""', r"quo\"te")
    assert pool.ask("argv").text.decode().split("\n") == ["a b", r"c\d", "", 'quo"te']


def test_the_current_directory_is_a_setting(make_pool, tmp_path):
    pool = make_pool(modes=Modes(current_directory=tmp_path))
    assert os.path.samefile(pool.ask("cwd").text.decode(), tmp_path)


def test_ids_count_up_and_wrap(make_pool):
    pool = make_pool(modes=Modes(wire=Wire(first_id=300, last_id=301)))
    assert [pool.ask("id").text for _ in range(3)] == [b"300", b"301", b"300"]


@pytest.mark.parametrize("seed", range(12))
def test_hostile_but_legal_requests_are_answered(make_pool, seed):
    pool = make_pool(modes=Modes(wire=Wire.hostile(seed)))
    body = bytes(range(256)) * (20 if not ON_WINDOWS else 2)  # Wine's writes are slow
    for _ in range(3):
        assert pool.ask("body", body, OTHER="y" * 200).text == body


def test_management_records_may_be_answered(make_pool):
    noise = frozenset({"unknown", "get_values"})
    pool = make_pool(modes=Modes(wire=Wire(noise=noise)))
    assert pool.ask().text == b"hello"


def test_tcp_hands_over_a_listening_socket(make_pool):
    pool = make_pool("--tcp", protocol="Tcp")
    assert pool.ask("body", b"z" * 100_000).text == b"z" * 100_000
    assert b"_FCGI_X_PIPE_" not in pool.ask("environment").text


# Failures in words.


def test_a_program_that_is_not_there(make_pool, tmp_path):
    failure = fails(make_pool(full_path=str(tmp_path / "none")), "", "never_started")
    assert failure.hresult == "0x80070002"
    assert str(tmp_path / "none") in failure.sentence


def test_what_is_secret_in_the_command_line_is_not_told(make_pool, tmp_path):
    started = make_pool("--start-fails", "db_password=x1y2")
    failure = fails(started, "", "died_in_start")
    missing = fails(
        make_pool(full_path=str(tmp_path / "none"), arguments="db_password=x1y2"),
        "",
        "never_started",
    )
    told = [failure.sentence, missing.sentence, *started.events]
    assert "x1y2" not in "".join(told)
    assert sum("db_password=***" in each for each in told) >= 3


if not ON_WINDOWS:

    def test_a_program_for_windows_only(make_pool):
        pool = make_pool(full_path=r"C:\PHP\php-cgi.exe", monitor_changes_to="php.ini")
        assert "Windows program" in fails(pool, "", "never_started").sentence

    def test_a_windows_python_is_run_as_our_own(make_pool):
        pool = make_pool(full_path=r"C:\site\Scripts\python.exe")
        assert pool.ask().text == b"hello"
        assert "is run as" in pool.events[0]


def test_a_death_in_start_shows_its_log(make_pool):
    failure = fails(make_pool("--start-fails"), "", "died_in_start")
    assert failure.exit_code == 5
    assert failure.hresult == "0x00000005"
    assert "a setting that cannot be used" in failure.sentence
    assert "cannot be imported" not in failure.sentence
    assert "no module named app" in failure.log_lines[0]
    assert failure.log_lines[1] == "    more of it"


def test_a_death_in_a_request_shows_only_its_own_log(make_pool):
    pool = make_pool()
    pool.ask("log earlier")
    failure = fails(pool, "log-exit the reason", "died_in_request")
    assert failure.exit_code == 7
    assert "the reason" in failure.log_lines[0]
    assert not [line for line in failure.log_lines if "earlier" in line]
    assert [line for line in pool.log_lines() if "earlier" in line]
    assert pool.ask().text == b"hello"


def test_a_death_after_the_first_byte_breaks_the_body_off(make_pool):
    pool = make_pool(response_buffer_limit=0)
    reply = pool.exchange([("DO", "half 4")], None)
    assert next(reply.body) == b"half a respon"
    with pytest.raises(WorkerFailure) as caught:
        next(reply.body)
    reply.close()
    assert caught.value.kind == "died_in_request"


@pytest.mark.parametrize(
    ("do", "part"),
    [
        ("garbage", "no FastCGI"),
        ("wrong-id", "request id"),
        ("wrong-type", "type 11"),
        ("refuse", "protocol status 3"),
        ("head nothing", "header block"),
        ("head Status: soon||", "no HTTP status"),
    ],
)
def test_a_bad_reply_is_told(make_pool, do, part):
    failure = fails(make_pool(), do, "bad_reply")
    assert part in failure.sentence
    assert failure.hresult == "0x8007000d"


def test_bytes_after_the_end_are_told_then_or_with_the_next_request(make_pool):
    pool = make_pool()
    failure = fails_now_or_next(pool, "after-end 0")
    assert "after END_REQUEST" in failure.sentence


def fails_now_or_next(pool, do):
    with pytest.raises(WorkerFailure) as caught:  # noqa: PT012
        pool.ask(do)
        time.sleep(0.3)
        pool.ask()
    assert caught.value.kind == "bad_reply"
    return caught.value


def test_late_bytes_after_the_end_fail_the_next_request(make_pool):
    pool = make_pool()
    failure = fails_now_or_next(pool, "after-end 0.1")
    assert "after END_REQUEST" in failure.sentence


if ON_WINDOWS:

    @pytest.mark.parametrize("synchronous", [False, True])
    def test_the_handle_may_be_overlapped_or_not(make_pool, synchronous):
        pool = make_pool(modes=Modes(synchronous_handle=synchronous))
        assert pool.ask("body", b"z" * 100_000).text == b"z" * 100_000
        assert pool.ask().text == b"hello"

    @pytest.mark.parametrize("synchronous", [False, True])
    @pytest.mark.parametrize("seconds", [0, 0.01, 1.5])
    def test_the_host_may_connect_early_or_late(make_pool, synchronous, seconds):
        modes = Modes(synchronous_handle=synchronous, late_connect=seconds)
        pool = make_pool("--connect", modes=modes)
        assert pool.ask("body", b"z" * 100_000).text == b"z" * 100_000

    def test_a_virtual_environments_redirector_ends_with_its_child(make_pool, tmp_path):
        pool = make_pool(full_path=str(virtual_environment(tmp_path / "venv")))
        reply = pool.ask("pid")
        interpreter = int(reply.text)
        assert interpreter != reply.pid
        pool.recycle()
        pool.wait_for("ended: recycled")
        deadline = time.monotonic() + 20
        while runs(interpreter):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def virtual_environment(folder):
        """By hand: Wine lacks what the module venv copies with."""
        launchers = Path(venv.__file__).parent / "scripts" / "nt"
        # Called python.exe before 3.13.
        launcher = next(p for p in map(launchers.joinpath, LAUNCHERS) if p.exists())
        python = folder / "Scripts" / "python.exe"
        python.parent.mkdir(parents=True)
        python.write_bytes(launcher.read_bytes())
        home = f"home = {Path(sys.executable).parent}\n"
        (folder / "pyvenv.cfg").write_text(home, encoding="utf-8")
        return python

    LAUNCHERS = ("venvlauncher.exe", "python.exe")

    def runs(pid):
        import _winapi

        try:
            handle = _winapi.OpenProcess(0x100000, False, pid)
        except OSError:
            return False
        try:
            return _winapi.WaitForSingleObject(handle, 0) == _winapi.WAIT_TIMEOUT
        finally:
            _winapi.CloseHandle(handle)


if ON_WINDOWS and not hasattr(ctypes.WinDLL("ntdll"), "wine_get_version"):
    # A zero-byte write never arrives on Wine 8.
    def test_a_zero_byte_write_is_told(make_pool):
        assert "zero bytes" in fails(make_pool(), "zero", "bad_reply").sentence


def test_a_closed_descriptor_is_told(make_pool):
    failure = fails(make_pool(), "close", "died_in_request")
    assert failure.hresult == "0x8007006d"


def test_activity_timeout(make_pool):
    pool = make_pool(activity_timeout=START)
    failure = fails(pool, "sleep 30", "timed_out_activity")
    assert failure.hresult == "0x80070102"
    assert pool.ask().text == b"hello"


def test_request_timeout(make_pool):
    failure = fails(make_pool(request_timeout=1), "sleep 30", "timed_out_request")
    assert "requestTimeout" in failure.sentence


def test_a_browser_that_takes_nothing_does_not_keep_the_process(make_pool):
    limit = 1.5 if not ON_WINDOWS else 6  # Wine's processes start slowly
    pool = make_pool(request_timeout=limit, response_buffer_limit=0, max_instances=1)
    reply = pool.exchange([("DO", "drip 30")], None)
    assert next(reply.body) == b"first,"
    assert pool.ask("served").text == b"1"  # by another process, when the time is up
    with pytest.raises(WorkerFailure, match="requestTimeout") as caught:
        next(reply.body)
    reply.close()
    assert caught.value.kind == "timed_out_request"
    pool.close()
    assert pool.counters.failed == {"timed_out_request": 1}
    assert (pool.counters.answered, pool.counters.client_gone) == (1, 0)


@pytest.mark.parametrize("mode", ["ReturnStdErrIn500", "ReturnGeneric500", "TerminateProcess"])
def test_stderr_makes_an_error(make_pool, mode):
    pool = make_pool(stderr_mode=mode)
    pid = int(pool.ask("pid").text)
    failure = fails(pool, "stderr oops", "stderr")
    assert failure.stderr == (b"oops" if mode == "ReturnStdErrIn500" else b"")
    assert (int(pool.ask("pid").text) == pid) == (mode != "TerminateProcess")


def test_stderr_may_be_ignored(make_pool):
    reply = make_pool(stderr_mode="IgnoreAndReturn200").ask("stderr oops")
    assert (reply.status, reply.text) == (200, b"after stderr")


def test_traces_are_no_errors(make_pool):
    pool = make_pool()
    assert pool.ask("stderr IIS_TRACE_INFO:all well:IIS_TRACE_END").text == b"after stderr"
    pool.wait_for("traced info: all well")


def test_stderr_after_the_first_byte_breaks_the_body_off(make_pool):
    pool = make_pool(response_buffer_limit=0)
    reply = pool.exchange([("DO", "late-stderr oops")], None)
    assert next(reply.body) == b"before stderr"
    with pytest.raises(WorkerFailure) as caught:
        next(reply.body)
    assert caught.value.kind == "stderr"


# Several processes.


def test_processes_are_as_many_as_are_busy_and_the_last_used_is_used(make_pool):
    pool = make_pool(max_instances=3)
    assert Together(pool, ["sleep 1"] * 2).join() == [b"slept"] * 2
    assert pool.counters.started == 2
    assert len({pool.ask("pid").text for _ in range(5)}) == 1
    assert pool.counters.started == 2


def test_requests_wait_for_a_process(make_pool):
    pool = make_pool(max_instances=1)
    replies = Together(pool, ["sleep 0.2"] * 4).join()
    assert replies == [b"slept"] * 4
    assert pool.counters.started == 1


def test_a_full_queue_is_503(make_pool):
    pool = make_pool(max_instances=1, queue_length=1)
    pool.ask()
    replies = Together(pool, ["sleep 1"] * 4).join()
    failures = [reply for reply in replies if isinstance(reply, WorkerFailure)]
    assert len(failures) == 2
    assert {(f.kind, f.status, f.substatus) for f in failures} == {("queue_full", 503, 4)}


def test_a_failed_start_lets_the_next_in_the_queue_try(make_pool, tmp_path):
    pool = make_pool(full_path=str(tmp_path / "none"), max_instances=1)
    replies = Together(pool, [""] * 5).join()
    assert {reply.kind for reply in replies} == {"never_started"}


def test_rapid_failures_stop_the_starting(make_pool):
    pool = make_pool("--start-fails", rapid_fails_per_minute=2)
    for _ in range(3):
        fails(pool, "", "died_in_start")
    failure = fails(pool, "", "rapid_fail")
    assert failure.hresult == "0x80004005"
    assert pool.counters.started == 3


def test_no_maximum_means_at_least_two(make_pool):
    assert make_pool(max_instances=0).max_instances >= 2


# Replacing processes.


def test_instance_max_requests(make_pool):
    pool = make_pool(instance_max_requests=3, max_instances=1)
    assert [pool.ask("served").text for _ in range(7)] == [b"1", b"2", b"3"] * 2 + [b"1"]


def test_idle_timeout(make_pool):
    pool = make_pool(idle_timeout=0.3, signal_before_terminate_seconds=10)
    pool.ask()
    pool.wait_for("idle for idleTimeout")
    pool.wait_for("left with exit code 0")


def test_a_changed_file_recycles(make_pool, tmp_path):
    watched = tmp_path / "web.config"
    watched.write_text("one", encoding="utf-8")
    pool = make_pool(monitor_changes_to=str(watched), max_instances=1)
    if not ON_WINDOWS:  # a POSIX path is taken as it stands
        assert str(watched) == pool.application.monitor_changes_to
    first = pool.ask("pid").text
    assert pool.ask("pid").text == first
    watched.write_text("changed", encoding="utf-8")
    assert pool.ask("pid").text != first


def test_a_missing_file_fails_every_request(make_pool):
    failure = fails(make_pool(monitor_changes_to="no.such"), "", "nothing_to_monitor")
    assert "monitorChangesTo" in failure.sentence


@pytest.mark.parametrize("seconds", [10, 4294967295])
def test_recycling_lets_an_idle_worker_go(make_pool, seconds):
    pool = make_pool(signal_before_terminate_seconds=seconds)
    first = pool.ask("pid").text
    pool.recycle()
    pool.wait_for("left with exit code 0")
    assert pool.ask("pid").text != first


if not ON_WINDOWS:  # there the redirector's test shows it

    def test_what_a_worker_started_ends_with_it(make_pool, tmp_path):
        held = tmp_path / "held"
        os.mkfifo(held)
        reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
        try:
            pool = make_pool(signal_before_terminate_seconds=10)
            assert pool.ask(f"child {held}").text == b"started"
            with pytest.raises(BlockingIOError):
                os.read(reader, 1)
            pool.recycle()
            pool.wait_for("left with exit code 0")
            time.sleep(0.2)  # a killed process needs a moment
            assert os.read(reader, 1) == b""
        finally:
            os.close(reader)


def test_recycling_lets_a_running_request_finish(make_pool):
    pool = make_pool(signal_before_terminate_seconds=10)
    pool.ask()
    together = Together(pool, ["sleep 1"])
    time.sleep(0.3)
    pool.recycle()
    assert pool.ask("served").text == b"1"
    assert together.join()[0] == b"slept"
    pool.wait_for("left with exit code 0")


def test_recycling_makes_room_for_those_who_wait(make_pool):
    pool = make_pool(signal_before_terminate_seconds=30, max_instances=1)
    pool.ask()
    running = Together(pool, ["sleep 5"])
    time.sleep(0.3)
    waiting = Together(pool, ["served"])
    time.sleep(0.3)
    pool.recycle()
    assert waiting.join() == [b"1"]
    assert running.threads[0].is_alive()
    assert running.join() == [b"slept"]


def test_a_grace_period_that_is_too_short_loses_the_request(make_pool):
    pool = make_pool("--deaf", signal_before_terminate_seconds=0.5)
    pool.ask()
    together = Together(pool, ["sleep 30"])
    time.sleep(0.3)
    pool.recycle()
    failure = together.join()[0]
    assert failure.kind == "killed"
    assert "signalBeforeTerminateSeconds" in failure.sentence


def test_killing_without_notice_loses_the_request(make_pool):
    pool = make_pool(modes=Modes(kill_without_notice=True))
    pool.ask()
    together = Together(pool, ["sleep 30"])
    time.sleep(0.3)
    pool.recycle()
    failure = together.join()[0]
    assert failure.kind == "killed"
    assert failure.hresult == "0x800703e3"


@pytest.mark.parametrize("order", ["close_first", "signal_first"])
def test_an_orderly_end_in_either_order(make_pool, order):
    pool = make_pool(modes=Modes(end_order=order), signal_before_terminate_seconds=10)
    pool.ask()
    pool.close()
    assert "left with exit code 0" in pool.events[-1]


def test_a_worker_that_does_not_leave_is_killed(make_pool):
    pool = make_pool(
        "--deaf", modes=Modes(end_order="signal_first"), signal_before_terminate_seconds=0.3
    )
    pool.ask()
    pool.close()
    assert any("IISWSGI-H12" in event for event in pool.events)
    if not ON_WINDOWS:
        assert pool.events[-1].endswith("it left with exit code -9 (signal 9)")


def test_a_worker_that_is_asked_while_it_starts_leaves_after_its_request(make_pool):
    pool = make_pool(
        "--slow-start", modes=Modes(end_order="signal_first"), signal_before_terminate_seconds=10
    )
    together = Together(pool, [""])
    pool.wait_for("started")
    time.sleep(0.3)
    pool.recycle()
    assert together.join()[0] == b"hello"
    pool.wait_for("it left with exit code 0", seconds=8)


def test_a_request_that_ends_while_the_pool_is_recycled(make_pool, monkeypatch):
    """Its worker is chosen to go, and not yet told: nobody else may get it."""
    retire = Worker.retire

    def retire_late(worker):
        assert running.join() == [b"slept"]
        after.append(pool.ask("served").text)
        retire(worker)

    monkeypatch.setattr(Worker, "retire", retire_late)
    pool = make_pool(signal_before_terminate_seconds=30, max_instances=2)
    pool.ask()
    after = []
    running = Together(pool, ["sleep 0.5"])
    time.sleep(0.2)
    pool.recycle()
    assert after == [b"1"]
    pool.wait_for("left with exit code 0")


def test_recycling_under_load_loses_nothing(make_pool):
    pool = make_pool(signal_before_terminate_seconds=30, max_instances=2, instance_max_requests=5)
    stop = threading.Event()
    wrong = []

    def ask_on_and_on():
        while not stop.is_set():
            text = outcome(pool)
            if text != b"hello":
                wrong.append(text)

    threads = [threading.Thread(target=ask_on_and_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        answered = pool.counters.answered
        while pool.counters.answered == answered:
            time.sleep(0.05)
        pool.recycle()
    stop.set()
    for thread in threads:
        thread.join()
    counters = pool.counters
    assert not wrong
    assert counters.sent == counters.answered > 8
    assert not counters.failed


def test_an_idle_worker_that_dies_costs_no_request(make_pool):
    pool = make_pool()
    assert pool.ask("late-exit 3").text == b"bye"
    pool.wait_for("IISWSGI-H14")
    assert pool.ask("served").text == b"1"


# The client.


@pytest.mark.parametrize("how", ["kill", "close", "abort"])
def test_a_client_that_leaves_never_harms_the_next(make_pool, how):
    pool = make_pool(
        modes=Modes(client_gone=how), response_buffer_limit=0, activity_timeout=20, max_instances=1
    )
    reply = pool.exchange([("DO", "drip 0.5")], None)
    assert next(reply.body) == b"first,"
    reply.close()
    assert pool.ask().text == b"hello"
    assert pool.counters.client_gone == 1


def test_an_abort_that_is_not_obeyed_costs_the_process(make_pool):
    pool = make_pool(modes=Modes(client_gone="abort"), response_buffer_limit=0, activity_timeout=5)
    reply = pool.exchange([("DO", "drip 30")], None)
    next(reply.body)
    reply.close()
    assert pool.ask("served").text == b"1"


@pytest.mark.parametrize("how", ["kill", "abort"])
def test_a_client_that_leaves_while_sending(make_pool, how):
    pool = make_pool(modes=Modes(client_gone=how), activity_timeout=20)

    def read(_count):
        if parts:
            return parts.pop()
        raise ConnectionResetError("the browser left")

    parts = [b"half a body"]
    with pytest.raises(ConnectionResetError):
        pool.exchange([("DO", "body")], read)
    served = pool.ask("served").text
    assert served == (b"2" if how == "abort" else b"1")


def test_counters(make_pool):
    pool = make_pool()
    pool.ask()
    fails(pool, "exit 1", "died_in_request")
    pool.close()
    expected = Counters(sent=2, answered=1, failed={"died_in_request": 1}, started=1, ended=1)
    assert pool.counters == expected
    assert dataclasses.is_dataclass(pool.counters)


def test_a_closed_pool_refuses(make_pool):
    pool = make_pool()
    pool.close()
    fails(pool, "", "killed")


def test_closing_ends_running_requests(make_pool):
    pool = make_pool(signal_before_terminate_seconds=0)
    pool.ask()
    together = Together(pool, ["sleep 30"])
    time.sleep(0.3)
    pool.close()
    assert together.join()[0].kind == "killed"


def test_closing_refuses_those_who_wait(make_pool):
    pool = make_pool(max_instances=1)
    pool.ask()
    running = Together(pool, ["sleep 30"])
    time.sleep(0.3)
    waiting = Together(pool, ["", ""])
    time.sleep(0.3)
    pool.close()
    assert {failure.kind for failure in (*running.join(), *waiting.join())} == {"killed"}


def test_a_death_while_the_body_is_sent(make_pool):
    failure = fails(make_pool("--start-fails"), "", "died_in_start", body=bytes(1 << 20))
    assert failure.exit_code == 5


def test_a_death_is_noticed_though_the_connection_is_held_open(make_pool):
    pool = make_pool()
    pool.ask()
    began = time.monotonic()
    failure = fails(pool, "orphan", "died_in_request")
    assert failure.exit_code == 9
    assert ON_WINDOWS or time.monotonic() - began < 2.5


def test_flushing_shows_a_body_that_nobody_reads(make_pool):
    pool = make_pool("--early", flush_named_pipe=True, activity_timeout=START)
    failure = fails(pool, "", "timed_out_activity", body=b"x" * 100)
    assert "flushNamedPipe" in failure.sentence


def test_begin_may_share_its_write(make_pool):
    wire = Wire(begin_alone=False, join_without_body=False)
    assert make_pool(modes=Modes(wire=wire)).ask("body", b"x").text == b"x"


def test_a_body_that_the_worker_reads_slowly_is_not_lost(make_pool):
    pool = make_pool()
    body = b"0123456789" * 50_000
    reply = pool.exchange([("DO", "body")], io.BytesIO(body).read)
    assert b"".join(reply.body) == body


def test_flush_named_pipe(make_pool):
    assert make_pool(flush_named_pipe=True).ask("body", b"x" * 10_000).text == b"x" * 10_000


if sys.platform == "linux":

    def test_no_descriptor_is_left_behind(make_pool):
        pool = make_pool(instance_max_requests=1, rapid_fails_per_minute=1000)

        def use():
            for do in ("", "exit 1", "garbage"):
                outcome(pool, do)
            pool.recycle()
            deadline = time.monotonic() + 20
            while pool.counters.ended < pool.counters.started and time.monotonic() < deadline:
                time.sleep(0.02)
            return len(os.listdir("/proc/self/fd"))

        before = use()
        for _ in range(3):
            assert use() <= before


def test_the_figures_add_up(make_pool):
    pool = make_pool(
        max_instances=3, queue_length=2, rapid_fails_per_minute=1000, instance_max_requests=4
    )
    dos = ["", "exit 1", "garbage", "sleep 0.05", "stderr oops", "drip 0.1", "head nothing"]

    def ask(number):
        do = dos[number % len(dos)]
        if number % 5 == 0:
            try:
                pool.exchange([("DO", "drip 0.2")], io.BytesIO(b"x").read).close()
            except WorkerFailure:
                return
        else:
            outcome(pool, do)

    def ask_some(start):
        for number in range(start, start + 15):
            ask(number)

    threads = [threading.Thread(target=ask_some, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(0.3)
        pool.recycle()
    for thread in threads:
        thread.join()
    pool.close()
    counters = pool.counters
    failed = sum(counters.failed.values())
    assert counters.sent == 90 == counters.answered + counters.client_gone + failed
    assert counters.started == counters.ended
