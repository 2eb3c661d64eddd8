"""The commands as whole processes, with a real worker behind them."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from functional.commands import HOST, ask_to_stop
from iiswsgi.host.application import is_loopback
from iiswsgi.host.command import _log_folder, add_arguments, heeding_signals

TESTS = Path(__file__).resolve().parent.parent
IISWSGI = (sys.executable, "-m", "iiswsgi")
SERVE = '-m iiswsgi serve "%(APPL_PHYSICAL_PATH)s\\app.ini"'

TEMPLATE = """<configuration><system.webServer>
<fastCgi><application fullPath={python} arguments={arguments} maxInstances="2"
  signalBeforeTerminateSeconds="10"><environmentVariables>
  <environmentVariable name="PYTHONPATH" value={tests}/>
</environmentVariables></application></fastCgi>
<handlers><add name="all" path="*" verb="*" modules="FastCgiModule" responseBufferLimit="0"
  scriptProcessor={processor}/></handlers>
</system.webServer></configuration>
"""

if sys.platform == "win32":
    import _winapi

    def is_running(pid: int) -> bool:
        try:
            handle = _winapi.OpenProcess(0x100000, False, pid)  # SYNCHRONIZE
        except OSError:
            return False
        try:
            return _winapi.WaitForSingleObject(handle, 0) != 0
        finally:
            _winapi.CloseHandle(handle)

else:

    def is_running(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Make a site of which there is a template only."""
    folder = tmp_path / "my shop"
    folder.mkdir()
    ini = "[app:main]\npaste.app_factory = fixtureapps.app:make_app\n"
    (folder / "app.ini").write_text(ini, encoding="utf-8")
    write_template(folder)
    return folder


def write_template(folder: Path, arguments: str = SERVE, python: str = sys.executable) -> None:
    text = TEMPLATE.format(
        python=quoteattr(python),
        arguments=quoteattr(arguments),
        processor=quoteattr(f"{python}|{arguments}"),
        tests=quoteattr(str(TESTS)),
    )
    (folder / "web.config.in").write_text(text, encoding="utf-8")


class Host:
    """A running ``iiswsgi host``.

    Its STDERR is a file: Wine's first program starts a desktop that would keep a pipe open.
    """

    def __init__(self, process: subprocess.Popen[str], log_file: Path) -> None:
        self.process = process
        self._log_file = log_file

    @property
    def lines(self) -> list[str]:
        return self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()

    def wait_for(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, "\n".join(self.lines))
            if match:
                return match
            assert time.monotonic() < deadline, "\n".join(self.lines)
            time.sleep(0.02)

    def get(self, path: str) -> tuple[int, str]:
        url = self.wait_for(r"(http://\S+)/ serves")[1]
        try:
            with urllib.request.urlopen(url + path, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()

    def stop(self) -> int:
        ask_to_stop(self.process)
        return self.process.wait(30)


@contextlib.contextmanager
def hosting(site: Path, *arguments: str) -> Iterator[Host]:
    command = [*HOST, str(site), "--bind", "127.0.0.1:0", *arguments]
    log_file = site.parent / f"{uuid.uuid4()}.log"
    with (
        log_file.open("wb") as stderr,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            yield Host(process, log_file)
        finally:
            process.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*IISWSGI, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


FULL = (
    [("/ >/dev/full", "IISWSGI-H42: STDOUT cannot be written: No space")]
    if os.path.exists("/dev/full")
    else []
)


def in_a_shell(command: str, before: str = "") -> subprocess.CompletedProcess[str]:
    line = f"{before} {sys.executable} -m iiswsgi {command}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestArguments:
    def test_only_this_machine_can_connect_unless_told_otherwise(self) -> None:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        host, _, port = parser.parse_args(["site"]).bind.rpartition(":")
        assert is_loopback(host)
        assert port == "8080"


@pytest.fixture
def handlers() -> Iterator[None]:
    """Give the signal handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
class TestSignals:
    def test_each_takes_a_step_and_the_last_one_over_again(self) -> None:
        taken: list[int] = []
        with heeding_signals() as steps:
            steps += [lambda: taken.append(1), lambda: taken.append(2)]
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
        assert taken == [1, 2, 2]

    def test_one_within_a_step_does_nothing(self) -> None:
        taken: list[int] = []
        lock = threading.Lock()

        def kill() -> None:
            assert lock.acquire(timeout=1)
            signal.raise_signal(signal.SIGINT)
            taken.append(1)
            lock.release()

        with heeding_signals() as steps:
            steps.append(kill)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
        assert taken == [1, 1]

    def test_a_step_that_failed_is_over(self) -> None:
        taken: list[int] = []

        def fail() -> None:
            raise KeyError("a step")

        with heeding_signals() as steps:
            steps += [fail, lambda: taken.append(1)]
            with pytest.raises(KeyError):
                signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        assert taken == [1]

    def test_without_a_step_only_the_first_raises(self) -> None:
        cleaned: list[int] = []

        @contextlib.contextmanager
        def cleaning() -> Iterator[None]:
            try:
                yield
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.raise_signal(number)
                    cleaned.append(number)

        with pytest.raises(SystemExit) as caught, heeding_signals(), cleaning():
            signal.raise_signal(signal.SIGTERM)
        assert cleaned == [signal.SIGTERM, signal.SIGINT]
        assert caught.value.code == 128 + signal.SIGTERM

    def test_once_one_has_come_the_others_are_ignored_to_the_end_of_the_process(self) -> None:
        with heeding_signals() as steps:
            steps.append(lambda: None)
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN

    def test_if_none_has_come_the_handlers_are_given_back(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        with heeding_signals():
            assert signal.getsignal(signal.SIGINT) != before
        assert signal.getsignal(signal.SIGINT) == before

    def test_the_log_folder_goes_though_one_comes_when_it_is_made(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        mkdir = Path.mkdir

        def make(path: Path, mode: int) -> None:
            mkdir(path, mode)
            signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(Path, "mkdir", make)
        with pytest.raises(SystemExit), heeding_signals(), _log_folder(None):
            pytest.fail("the folder is used")
        assert list(tmp_path.iterdir()) == []

    def test_the_log_folder_goes_though_one_comes_when_it_is_removed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        remove = shutil.rmtree

        def interrupted(path: Path, ignore_errors: bool) -> None:
            signal.raise_signal(signal.SIGTERM)
            remove(path, ignore_errors)

        monkeypatch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(SystemExit), heeding_signals(), _log_folder(None) as folder:
            (folder / "a.log").touch()
        assert list(tmp_path.iterdir()) == []


def test_what_waits_in_waitress_is_told_without_a_warning_of_its_own() -> None:
    program = (
        "from waitress.utilities import logger, queue_logger\n"
        "from iiswsgi.host.command import start_logging\n"
        "start_logging(3)\n"
        "queue_logger.warning('Task queue depth is 5')\n"
        "logger.warning('something else')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "something else" in result.stderr
    assert "Task queue depth" not in result.stderr


class TestHost:
    def test_it_serves_and_ends_and_leaves_nothing_behind(self, site: Path) -> None:
        with hosting(site) as host:
            status, text = host.get("/pid")
            assert status == 200
            log_file = Path(host.wait_for(r"workers begin their log in (.*)")[1])
            assert log_file.is_file()
            host.wait_for(r'worker: ".*" -m iiswsgi serve ".*my shop.app\.ini"')
            host.wait_for(r"GET /pid -> 200, \d+ bytes")
            assert host.stop() == 0
        assert not is_running(int(text))
        assert not log_file.exists()
        assert sorted(path.name for path in site.iterdir()) == ["app.ini", "web.config.in"]
        assert not [line for line in host.lines if " WARNING " in line], host.lines

    def test_a_log_folder_that_was_asked_for_stays(self, site: Path, tmp_path: Path) -> None:
        with hosting(site, "--log-folder", str(tmp_path / "logs")) as host:
            host.get("/print/remember-me")
            host.stop()
        [log_file] = tmp_path.glob("logs/**/iiswsgi.log")
        assert "remember-me" in log_file.read_text(encoding="utf-8")

    def test_below_a_virtual_path(self, site: Path) -> None:
        with hosting(site, "--virtual-path", "/app/") as host:
            status, text = host.get("/env")
            assert status == 200
            assert '"SCRIPT_NAME": "/app"' in text
            assert '"PATH_INFO": "/env"' in text
            host.stop()

    def test_the_failures_are_told_apart(self, site: Path) -> None:
        with hosting(site) as host:
            assert "served" not in host.get("/")[1]
            status, text = host.get("/exit/7")
            assert status == 500
            assert "The worker died while it served this request" in text
            assert "0x00000007" in text
            status, text = host.get("/raise")
            assert status == 500
            assert "secret-detail" not in text
            host.wait_for(r"\| .*RuntimeError: raised on request: secret-detail")
            host.stop()

    def test_a_worker_that_cannot_start(self, site: Path) -> None:
        write_template(site, arguments='-c "import nothing_like_it"')
        with hosting(site) as host:
            status, text = host.get("/")
            assert status == 500
            assert "The worker died before it answered anything" in text
            host.wait_for("IISWSGI-H02")
            host.stop()

    def test_a_program_that_is_not_there(self, site: Path) -> None:
        write_template(site, python=str(site / "no such program"))
        with hosting(site) as host:
            assert "The worker was never started" in host.get("/")[1]
            host.wait_for("IISWSGI-H01")
            host.stop()

    def test_ending_while_a_request_runs(self, site: Path) -> None:
        with hosting(site) as host:
            answers: list[tuple[int, str]] = []
            thread = threading.Thread(target=lambda: answers.append(host.get("/sleep/1.5")))
            host.wait_for("serves")
            thread.start()
            host.wait_for("process [0-9]+ started")
            time.sleep(0.5)
            assert host.stop() == 0
            thread.join(20)
        assert answers == [(200, "slept 1.5\n")]

    def test_a_second_signal_does_not_wait_and_leaves_nothing_behind(self, site: Path) -> None:
        with hosting(site) as host:
            host.wait_for("serves")
            log_folder = Path(host.wait_for(r"log (?:to|in) (.*iiswsgi-host-\w+)")[1])
            threading.Thread(target=host.get, args=("/sleep/60",), daemon=True).start()
            pid = int(host.wait_for("process ([0-9]+) started")[1])
            time.sleep(1)
            ask_to_stop(host.process)
            host.wait_for("stopping")
            assert is_running(pid)
            began = time.monotonic()
            assert host.stop() == 0
            assert time.monotonic() - began < 8  # the worker would have had ten seconds
        assert not is_running(pid)
        assert not log_folder.exists()

    if sys.platform != "win32":

        def test_any_number_of_signals_ends_it_in_order(self, site: Path) -> None:
            with hosting(site) as host:
                pid = int(host.get("/pid")[1])
                log_folder = Path(host.wait_for(r"log (?:to|in) (.*iiswsgi-host-\w+)")[1])
                deadline = time.monotonic() + 20
                while host.process.poll() is None and time.monotonic() < deadline:
                    host.process.send_signal(signal.SIGINT)
                    time.sleep(0.001)
                assert host.process.poll() == 0
            assert not is_running(pid)
            assert not log_folder.exists()

    def test_quiet_says_nothing_but_warnings(self, site: Path) -> None:
        with hosting(site, "-q", "--bind", "0.0.0.0:0") as host:
            host.wait_for("IISWSGI-H40")
            assert host.stop() == 0
        assert len(host.lines) == 1


class TestRefusals:
    def test_a_port_in_use(self, site: Path) -> None:
        with hosting(site) as host:
            port = host.wait_for(r"http://127\.0\.0\.1:(\d+)/")[1]
            result = run("host", str(site), "--bind", f"127.0.0.1:{port}")
            assert result.returncode == 2
            assert "IISWSGI-H36" in result.stderr
            assert "Traceback" not in result.stderr
            host.stop()

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("--virtual-path", "app"), "H38"),
            (("--virtual-path", "/a//b"), "H38"),
            (("--bind", "nowhere"), "H36"),
        ],
    )
    def test_arguments(self, site: Path, arguments: tuple[str, ...], code: str) -> None:
        result = run("host", str(site), "--bind", "0", *arguments)
        assert result.returncode == 2
        assert f"IISWSGI-{code}" in result.stderr

    def test_a_log_folder_that_is_a_file(self, site: Path) -> None:
        result = run("host", str(site), "--bind", "0", "--log-folder", str(site / "app.ini"))
        assert result.returncode == 2
        assert "IISWSGI-H38" in result.stderr

    def test_no_site(self, tmp_path: Path) -> None:
        for command in (("host", "--bind", "0"), ("request", "/")):
            result = run(command[0], str(tmp_path), *command[1:])
            assert result.returncode == 2
            assert "IISWSGI-H31" in result.stderr

    def test_without_waitress(self, site: Path) -> None:
        program = "import sys; sys.modules['waitress'] = None\nimport iiswsgi.cli as c"
        program += "; sys.exit(c.main(['host', 'x']))"
        result = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 2
        assert "IISWSGI-H30" in result.stderr
        assert 'pip install "iiswsgi[host]"' in result.stderr
        assert "Traceback" not in result.stderr

    def test_other_machines_may_come_only_with_a_warning(self, site: Path) -> None:
        with hosting(site, "--bind", "0.0.0.0:0") as host:
            host.wait_for("WARNING IISWSGI-H40: listening on 0\\.0\\.0\\.0")
            host.wait_for(r"http://localhost:\d+/ serves")
            host.stop()


class TestRequest:
    def test_a_response_with_log_and_exit_code(self, site: Path) -> None:
        result = run("request", str(site), "/print/mark-it")
        assert result.returncode == 0, result.stderr
        head, _, body = result.stdout.partition("\n\n")
        assert head.startswith("HTTP/1.1 200 OK\n")
        assert body.startswith("child read")
        assert "mark-it logging" in result.stderr
        assert "it left with exit code 0" in result.stderr

    def test_a_body(self, site: Path) -> None:
        result = run("request", str(site), "/count", "-d", "12345")
        assert '"length": 5' in result.stdout
        chunked = run(
            "request", str(site), "/count", "-d", "123", "-H", "Transfer-Encoding: chunked"
        )
        assert '"length": 3' in chunked.stdout

    def test_an_application_that_fails(self, site: Path) -> None:
        result = run("request", str(site), "/raise")
        assert result.returncode == 1
        assert result.stdout.startswith("HTTP/1.1 500 ")
        assert "raised on request: secret-detail" in result.stderr

    def test_a_worker_that_dies(self, site: Path) -> None:
        result = run("request", str(site), "/exit/7")
        assert result.returncode == 1
        assert "Exit code: 7" in result.stdout

    def test_a_response_that_is_broken_off(self, site: Path) -> None:
        result = run("request", str(site), "/raise-late")
        assert result.returncode == 1
        assert "first chunk" in result.stdout
        assert "broken off" in result.stderr

    if sys.platform != "win32":

        @pytest.mark.parametrize(
            ("arguments", "sentence"),
            [
                ("/ >&-", "IISWSGI-H42: STDOUT is closed"),
                ("/ -d @- <&-", "IISWSGI-H41: -d @-: STDIN is closed"),
                *FULL,
            ],
        )
        def test_streams_that_cannot_be_used(
            self, site: Path, arguments: str, sentence: str
        ) -> None:
            result = in_a_shell(f"request '{site}' {arguments}")
            assert result.returncode == 2
            assert result.stderr.startswith(sentence)
            assert result.stderr.count("\n") == 1

        def test_without_stderr_the_log_is_not_put_behind_the_body(self, site: Path) -> None:
            result = in_a_shell(f"request '{site}' /count 2>&-")
            assert result.returncode == 0
            assert result.stdout.rstrip().endswith("}")

        @pytest.mark.parametrize("command", ["request . /", "host . --bind 0"])
        def test_a_current_folder_that_is_gone(self, tmp_path: Path, command: str) -> None:
            gone = tmp_path / "gone"
            result = in_a_shell(command, f"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' &&")
            assert result.returncode == 2
            assert "IISWSGI-H31" in result.stderr
            assert "Traceback" not in result.stderr

        def test_a_reader_that_has_enough_is_told_nothing(self, site: Path) -> None:
            result = in_a_shell(f"request '{site}' /size/9000000 | head -c 4")
            assert result.returncode == 1
            assert result.stdout == "HTTP"
            assert result.stderr == ""
