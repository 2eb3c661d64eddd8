"""``iiswsgi log``, as a person runs it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from functional.sites import make_site, wait_until
from iiswsgi import cli, logcommand
from iiswsgi.runtime.logfile import LogFile
from iiswsgi.runtime.tail import Tail

ROOT = Path(__file__).parent.parent
PRINTED = 50


@pytest.fixture
def log(tmp_path):
    return tmp_path / "app.log"


def run(capsys, *arguments):
    status = cli.main(["log", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def lines(first, last):
    return "".join(f"line {number}\n" for number in range(first, last + 1))


def test_the_last_lines_are_printed_and_where_they_are(log, capsys):
    log.write_text(lines(1, 100), encoding="utf-8", newline="\n")
    assert run(capsys, log) == (0, lines(101 - PRINTED, 100), f"==> {log} <==\n")
    assert run(capsys, "-n", "2", log)[1] == lines(99, 100)
    assert run(capsys, log, "--lines", "0")[1] == ""


def test_who_ended_without_a_word_is_told_before_the_log_has_it(log, capsys, monkeypatch):
    log.write_text(lines(1, 1), encoding="utf-8", newline="\n")
    monkeypatch.setattr("iiswsgi.runtime.lastwords.unsaid", lambda path: [f"it ended: {path}"])
    status, out, err = run(capsys, log)
    assert (status, out) == (0, lines(1, 1))
    told = f"it ended: {log}; the next process will say so in the log (IISWSGI-L14)\n"
    assert err == f"==> {log} <==\n{told}"


def test_whoever_follows_is_told_once(capsys, monkeypatch):
    found = [["one"], ["one", "two"], OSError("no"), OSError("no"), ["two"], []]

    def unsaid(path):
        each = found.pop(0)
        if isinstance(each, OSError):
            raise each
        return each

    monkeypatch.setattr("iiswsgi.runtime.lastwords.unsaid", unsaid)
    looking = logcommand.Unsaid("the.log")
    looking.look()
    looking.look()
    assert len(found) == 5
    monkeypatch.setattr(logcommand, "UNSAID_SECONDS", 0)
    looking._next = 0
    while found:
        looking.look()
    said = [line.partition(";")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == ["one", "two", "whether a process ended without a word is not to be seen: no"]


def test_what_cannot_be_seen_of_ended_processes_is_told(log, capsys, monkeypatch):
    log.write_text(lines(1, 1), encoding="utf-8", newline="\n")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("iiswsgi.runtime.lastwords.unsaid", refuse)
    status, out, err = run(capsys, log)
    assert (status, out) == (0, lines(1, 1))
    assert "whether a process ended without a word is not to be seen: " in err


def test_a_site(tmp_path, capsys):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    (site / "my.log").write_text("of the site\n", encoding="utf-8")
    status, out, _ = run(capsys, site)
    assert (status, out) == (0, "of the site\n")


def test_what_goes_wrong_is_one_sentence(tmp_path, capsys):
    status, out, err = run(capsys, tmp_path / "none.log")
    assert (status, out) == (2, "")
    assert err.startswith("IISWSGI-L09: no log was found")
    assert err.count("\n") == 1


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "9" * 10])
def test_the_number_of_lines_is_one(count, log, capsys):
    status, _, err = run(capsys, log, f"--lines={count}")
    assert status == 2
    assert "no number of lines" in err


def test_a_log_that_may_not_be_read(log, capsys, monkeypatch):
    log.write_bytes(b"")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("iiswsgi.logcommand.Tail", refuse)
    status, _, err = run(capsys, log)
    assert status == 2
    assert f"IISWSGI-L10: the log {log} cannot be read: Permission denied" in err


def test_a_log_that_cannot_be_read_any_more(log, capsys, monkeypatch):
    log.write_text(lines(1, 1), encoding="utf-8", newline="\n")

    def fail(self):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("iiswsgi.logcommand.Tail.new", fail)
    status, out, err = run(capsys, log, "--follow")
    assert (status, out) == (2, lines(1, 1))
    assert f"IISWSGI-L10: the log {log} cannot be read: Input/output error" in err


def test_rotated_files_that_cannot_be_read_are_one_sentence(log, capsys, monkeypatch):
    log.write_text(lines(1, 1), encoding="utf-8", newline="\n")
    folder = log.with_name("app-20260101-000000-000000.log")
    folder.mkdir()
    assert run(capsys, log) == (0, lines(1, 1), f"==> {log} <==\n")
    monkeypatch.setattr("iiswsgi.runtime.tail.rotated", lambda path: [str(folder)])
    status, out, err = run(capsys, log)
    assert (status, out) == (0, lines(1, 1))
    assert f"\nIISWSGI-L13: the lines of {folder} are missing: " in err
    assert err.count("\n") == 2


def test_without_standard_streams(log, capsys, monkeypatch):
    log.write_bytes(b"line\n")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        status = cli.main(["log", str(log)])
    assert status == 1
    said = capsys.readouterr().err
    assert said.endswith("\nIISWSGI-L12: the log cannot be printed: there is no STDOUT.\n")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", None)
        status = cli.main(["log", str(log)])
    assert (status, capsys.readouterr().out) == (0, "line\n")


def test_a_program_s_output_does_not_command_the_terminal(log, capsys):
    log.write_bytes(b"\x1b[2J\xff caf\xc3\xa9\r\n\ttab\n")
    assert run(capsys, log)[1] == "\\x1b[2J\\xff caf\u00e9\n\ttab\n"


def test_a_letter_that_comes_in_two_pieces_is_one(log, capsys, monkeypatch):
    log.write_bytes(b"caf\xc3")
    more = iter([b"\xa9 \xff\n"])
    monkeypatch.setattr(Tail, "new", lambda tail: next(more))
    monkeypatch.setattr(logcommand, "POLL_SECONDS", 0)
    with pytest.raises(RuntimeError):  # there is nothing more, which stands for Ctrl-C here
        run(capsys, log, "--follow")
    assert capsys.readouterr().out == "caf\xe9 \\xff\n"


def test_json_stays_json(log, capsys):
    entry = {"message": "\u001b[2J \u2028 caf\u00e9", "n": 1}
    log.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    assert json.loads(run(capsys, log)[1]) == entry


def test_what_is_remarkable_is_said(tmp_path, capsys):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    (site / "my.log").write_text("of the site\n", encoding="utf-8")
    config = site / "web.config"
    text = config.read_text(encoding="utf-8")
    second = text.replace("app.ini", "gone.ini").partition("<add ")[2].partition("/>")[0]
    second = second.replace('name="iiswsgi"', 'name="second"')
    config.write_text(text.replace("<add ", f"<add {second}/><add ", 1), encoding="utf-8")
    status, out, err = run(capsys, site)
    assert (status, out) == (0, "of the site\n")
    assert err.startswith("IISWSGI-S15: ")
    assert "gone.ini" in err


def test_ctrl_c_ends_the_following(log, capsys, monkeypatch):
    log.write_text("one\n", encoding="utf-8", newline="\n")

    def look(seconds):
        if log.stat().st_size > 10:
            raise KeyboardInterrupt
        with log.open("a", encoding="utf-8", newline="\n") as file:
            file.write("and more\n")

    monkeypatch.setattr("iiswsgi.logcommand.time.sleep", look)
    assert run(capsys, log, "-f")[:2] == (130, "one\nand more\n")


@contextlib.contextmanager
def following(log):
    """``iiswsgi log --follow``: what it has printed so far, in a list."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iiswsgi", "log", str(log), "--follow"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    printed = []
    reader = threading.Thread(target=lambda: printed.extend(process.stdout))
    reader.start()
    try:
        yield printed
    finally:
        process.kill()
        process.wait(20)
        reader.join(20)
        process.stdout.close()


def test_what_comes_is_printed_through_rotation(log):
    file = LogFile(str(log), max_size=200)
    with contextlib.closing(file):
        file.write(b"line 1\n")
        with following(log) as printed:
            wait_until(lambda: printed, 60)
            for number in range(2, 101):
                file.write(b"line %d\n" % number)
            wait_until(lambda: len(printed) == 100, 60, lambda: "".join(printed))
        assert file.rotation_error is None
    assert "".join(printed) == lines(1, 100)
    assert list(log.parent.glob("app-*.log"))


if sys.platform != "win32":

    def test_a_reader_that_has_enough_is_no_fault(log):
        log.write_text(lines(1, 100_000), encoding="utf-8")
        command = f"{sys.executable} -m iiswsgi log -n 100000 {log} | head -1"
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, check=False
        )
        assert result.returncode == 0
        assert result.stdout == b"line 1\n"
        assert result.stderr.decode() == f"==> {log} <==\n"

    def shell(log, script):
        """Run a script that has the command and the log as ``$1``, ``$2`` and ``$3``."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", script, "-", sys.executable, "iiswsgi", log],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    def test_a_full_disk_is_one_sentence(log):
        log.write_text(lines(1, 100), encoding="utf-8")
        result = shell(log, "$1 -m $2 log $3 >/dev/full")
        assert result.returncode == 1
        assert result.stderr.decode().splitlines()[1:] == [
            "IISWSGI-L12: the log cannot be printed: No space left on device."
        ]

    @pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "2>/dev/full"])
    def test_standard_streams_that_are_closed(closed, log):
        log.write_text(lines(1, 2), encoding="utf-8")
        result = shell(log, f"$1 -m $2 log $3 {closed}")
        assert result.returncode == (1 if "1>&-" in closed else 0)
        assert result.stdout.decode() == ("" if "1>&-" in closed else lines(1, 2))
        assert b"Traceback" not in result.stderr
