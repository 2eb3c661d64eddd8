import errno
import json
import logging
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from iiswsgi.host import logline
from iiswsgi.runtime import fds, logfile, logsink, rotation
from iiswsgi.runtime.log import Handler, Log
from iiswsgi.runtime.logplaces import FILE_NAME, places


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def environ(home):
    return {"IIS_USER_HOME": str(home), "IISEXPRESS_SITENAME": "My Site"}


@pytest.fixture
def make_log(environ):
    made = []

    def make(stderr=None, **more):
        log = Log({**environ, **more}, None if stderr is None else fds.private(stderr))
        log.place()
        made.append(log)
        return log

    yield make
    for log in made:  # a process's log stays open to its end
        os.close(log.fd)
        if log._file:
            log._file.close()
        if log._stderr is not None:
            os.close(log._stderr)


def text(path):
    return Path(path).read_text(encoding="utf-8")


def test_takes_the_first_place_and_says_who_and_where(make_log, home):
    log = make_log(APP_POOL_ID="pool", _FCGI_X_PIPE_="\\\\.\\pipe\\x")
    assert log.path == str(home / "Logs" / "My Site" / FILE_NAME)
    head = text(log.path)
    assert f"log: {log.path}" in head
    assert sys.executable in head
    assert f"process {os.getpid()}, as " in head
    assert "command line: [" in head
    assert "APP_POOL_ID=pool, IISEXPRESS_SITENAME=My Site, _FCGI_X_PIPE_=" in head


def test_the_head_can_be_read_after_the_half_line_of_one_that_was_killed(make_log, tmp_path):
    log = make_log()
    moved = tmp_path / "app.log"
    half = "2026-11-20T14:33:46.102Z 1384 1 INFO stdo"
    for path in (Path(log.path), moved):
        path.write_text(half, encoding="utf-8")
    for path in (Path(make_log().path), moved):
        log.move(str(moved))
        first, *head = text(path).splitlines()
        assert first == half
        assert logline.parse(head[0]).message == f"log: {path}"
        assert {logline.parse(line).pid for line in head} == {os.getpid()}


def test_passes_over_what_cannot_be_written_to(make_log, home):
    place = home / "Logs" / "My Site" / FILE_NAME
    place.mkdir(parents=True)
    log = make_log()
    assert log.path == str(home / "Logs" / FILE_NAME)
    assert f"passed over {place}: " in text(log.path)


def test_passes_over_a_hostile_name(make_log, home):
    log = make_log(IISEXPRESS_SITENAME="../..")
    assert log.path == str(home / "Logs" / FILE_NAME)
    assert "IISEXPRESS_SITENAME is no plain name" in text(log.path)


def test_without_a_place_goes_on_all_the_same(make_log, tmp_path, monkeypatch):
    monkeypatch.setattr("iiswsgi.runtime.log.places", lambda environ: [])
    file = tmp_path / "stderr"
    with file.open("wb") as stderr:
        log = make_log(stderr.fileno())
    assert log.path is None
    assert "ERROR iiswsgi.runtime.log: IISWSGI-L01: " in text(file)
    make_log().record("INFO", "n", "nowhere")


def test_moves_and_says_so_in_both(make_log, tmp_path):
    log = make_log()
    before = log.path
    new = tmp_path / "new" / "folder" / "app.log"
    log.move(str(new))
    assert log.path == str(new)
    assert f"the log goes on in {new}" in text(before)
    assert f"log: {new}" in text(new)
    log.move(str(new))
    assert text(new).count(".log: log: ") == 1


def test_stays_when_it_cannot_move(make_log, tmp_path):
    log = make_log()
    before = log.path
    log.move(str(tmp_path))
    assert log.path == before
    assert "IISWSGI-L02: " in text(before)
    assert repr(str(tmp_path)) in text(before)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there; run it on POSIX")
def test_follows_no_link_in_a_folder_that_is_everybodys(make_log, tmp_path):
    log = make_log()
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    for name in ("a.log", ".b.log.running"):
        (folder / name).symlink_to(tmp_path / "precious")
    log.move(str(folder / "a.log"))
    assert log.path != str(folder / "a.log")
    log.move(str(folder / "b.log"))
    assert log.path == str(folder / "b.log")
    with pytest.raises(OSError, match=r".+"):
        log.open_beside(".{}.running")
    assert not (tmp_path / "precious").exists()


def test_moves_to_stderr_and_back(make_log, tmp_path):
    file = tmp_path / "stderr"
    with file.open("wb") as stderr:
        log = make_log(stderr.fileno())
    log.move("-")
    assert log.path is None
    log.record("INFO", "n", "on stderr")
    log.tell("INFO", "n", "told once")
    log.move(str(tmp_path / "app.log"))
    log.record("INFO", "n", "in the file")
    assert "INFO n: on stderr\n" in text(file)
    assert text(file).count("told once") == 1
    assert "in the file" not in text(file)
    assert "log: " in text(tmp_path / "app.log")


def test_stays_when_there_is_no_stderr(make_log):
    log = make_log()
    log.move("-")
    assert "started without STDERR" in text(log.path)


def test_tells_stderr_what_ends_a_start(make_log, tmp_path):
    file = tmp_path / "stderr"
    with file.open("wb") as stderr:
        log = make_log(stderr.fileno())
    log.tell("ERROR", "n", "IISWSGI-X01: wrong.", "Traceback\n")
    log.record("ERROR", "n", "not told")
    assert text(file) == "IISWSGI-X01: wrong.\nTraceback\n"
    assert "ERROR n: IISWSGI-X01: wrong.\n    Traceback\n" in text(log.path)


def test_streams_become_lines(make_log):
    log = make_log()
    print("out", file=log.stdout)
    print("err", file=log.stderr)
    log.stdout.write("no newline")
    log._finish()
    assert f" {os.getpid()} - INFO stdout: out\n" in text(log.path)
    assert " INFO stderr: err\n" in text(log.path)
    assert " INFO stdout: no newline\n" in text(log.path)


def test_json(make_log, tmp_path):
    log = make_log()
    log.use_json()
    log.move(str(tmp_path / "app.log"))
    print("out\nof two lines", file=log.stdout)
    log.record("ERROR", "n", "failed", "Traceback\n  x")
    log._lost = 1
    log.record("INFO", "n", "found")
    lines = [line for line in text(log.path).splitlines() if line]
    entries = [json.loads(line) for line in lines]
    assert entries[0]["message"] == f"log: {log.path}"
    assert [entry["message"] for entry in entries[-5:-2]] == ["out", "of two lines", "failed"]
    assert entries[-3]["details"] == "Traceback\n  x"
    assert "IISWSGI-L04" in entries[-2]["message"]


def test_a_listener_gets_each_entry(make_log):
    log = make_log()
    heard = []
    log.listener = heard.append
    print("out", file=log.stdout)
    Handler(log).handle(logging.LogRecord("a", logging.ERROR, "f", 1, "x", (), None))
    log.record("INFO", "n", "recorded")
    assert [(each.name, each.text) for each in heard] == [
        ("stdout", "out"),
        ("a", "x"),
        ("n", "recorded"),
    ]


def test_a_record_of_logging(make_log):
    log = make_log()
    handler = Handler(log)
    handler.handle(logging.LogRecord("a", logging.ERROR, "f", 1, "x %s", ("y",), None))
    assert text(log.path).endswith("ERROR a: x y\n")


def test_a_record_that_cannot_be_formatted(make_log, capsys):
    log = make_log()
    Handler(log).handle(logging.LogRecord("a", logging.ERROR, "f", 1, "x %d", ("y",), None))
    assert "TypeError" in capsys.readouterr().err


def test_attached_descriptors_follow(make_log, tmp_path):
    log = make_log()
    fd = os.open(os.devnull, os.O_WRONLY)
    log.attach(fd)
    os.write(fd, b"raw 1\n")
    assert text(log.path).endswith("raw 1\n")
    log.move(str(tmp_path / "app.log"))
    os.write(fd, b"raw 2\n")
    os.write(log.fd, b"raw 3\n")
    assert text(log.path).endswith("raw 2\nraw 3\n")
    assert os.get_inheritable(fd) or sys.platform == "win32"
    assert not os.get_inheritable(log.fd)
    os.close(fd)


def test_it_is_rotated_as_told(make_log, tmp_path):
    log = make_log()
    log.limit(100, 2)
    for number in range(10):
        log.record("INFO", "n", f"{number} {'x' * 100}")
    assert len(rotation.rotated(log.path)) == 2
    log.move(str(tmp_path / "app.log"))
    for number in range(10):
        log.record("INFO", "n", f"{number} {'x' * 100}")
    assert len(rotation.rotated(log.path)) == 2


def test_attached_descriptors_follow_a_rotation(make_log):
    log = make_log()
    log.limit(1, 5)
    log.record("INFO", "n", "last")
    os.write(log.fd, b"raw\n")
    assert text(log.path).endswith("INFO n: last\nraw\n")


def test_raw_output_follows_the_rotation_of_another_process(make_log):
    log, other = make_log(), make_log()
    other.limit(1, 5)
    other.record("INFO", "n", "of the other")
    log.follow()
    os.write(log.fd, b"raw\n")
    assert text(log.path).endswith("INFO n: of the other\nraw\n")


def test_on_stderr_there_is_nothing_to_follow(make_log, tmp_path):
    with (tmp_path / "stderr").open("wb") as stderr:
        log = make_log(stderr.fileno())
    log.move("-")
    log.follow()
    os.write(log.fd, b"raw\n")
    assert text(tmp_path / "stderr").endswith("raw\n")


def full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def full_disk(home, monkeypatch):
    """Nothing can be written to the logs below these folders, though they can be made."""
    folders = [home]
    write = logfile.LogFile.write

    def write_if_there_is_room(file, data):
        return full() if any(map(Path(file.path).is_relative_to, folders)) else write(file, data)

    monkeypatch.setattr(logfile.LogFile, "write", write_if_there_is_room)
    # Not the root of the drive, which is no test's to write to.
    monkeypatch.setattr("iiswsgi.runtime.log.places", lambda environ: [*places(environ)][:3])
    return folders


def test_passes_over_a_full_disk(make_log, home, tmp_path, full_disk):
    log = make_log(TEMP=str(tmp_path), TMPDIR=str(tmp_path))
    assert log.path == str(tmp_path / FILE_NAME)
    for place in (home / "Logs" / "My Site" / FILE_NAME, home / "Logs" / FILE_NAME):
        assert f"passed over {place}: [Errno 28] No space left on device" in text(log.path)
        assert text(place) == ""


def test_a_disk_that_is_full_before_serving_begins_is_left(make_log, home, full_disk, tmp_path):
    full_disk.clear()
    log = make_log(TEMP=str(tmp_path), TMPDIR=str(tmp_path))
    before = log.path
    full_disk.append(home)
    log.record("ERROR", "n", "the reason")
    assert log.path == str(tmp_path / FILE_NAME)
    assert text(log.path).splitlines()[-1].endswith("ERROR n: the reason")
    assert f"IISWSGI-L04: the log {before} cannot be written to, and goes on here: " in text(
        log.path
    )
    assert "reason" not in text(before)


def test_where_all_disks_are_full_the_first_place_is_kept(make_log, home, tmp_path, full_disk):
    full_disk.append(tmp_path)
    file = tmp_path / "stderr"
    with file.open("wb") as stderr:
        log = make_log(stderr.fileno(), TEMP=str(tmp_path), TMPDIR=str(tmp_path))
    assert log.path == str(home / "Logs" / "My Site" / FILE_NAME)
    assert "IISWSGI-L01: " in text(file)
    log.move(str(tmp_path / "app.log"))
    assert log.path == str(tmp_path / "app.log")
    log.record("INFO", "n", "lost")
    full_disk.clear()
    log.record("INFO", "n", "found")
    assert "records before this one could not be written" in text(log.path)
    assert text(log.path).splitlines()[-1].endswith("INFO n: found")


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are there")
def test_a_file_that_was_deleted_for_good_is_left_while_serving_too(make_log, home, tmp_path):
    log = make_log()
    log.move(str(tmp_path / "logs" / "app.log"))
    log.guard.begun()
    shutil.rmtree(tmp_path / "logs")
    (tmp_path / "logs").write_bytes(b"in the way")
    log.record("INFO", "n", "found")
    assert log.path == str(home / "Logs" / "My Site" / FILE_NAME)
    assert "app.log cannot be written to, and goes on here: " in text(log.path)
    assert text(log.path).splitlines()[-1].endswith("INFO n: found")


def test_a_full_disk_is_survived_and_told(make_log, tmp_path, monkeypatch):
    file = tmp_path / "stderr"
    with file.open("wb") as stderr:
        log = make_log(stderr.fileno())
    log.guard.begun()
    real = logfile.LogFile.write
    monkeypatch.setattr(log._file, "write", full)
    log.record("INFO", "n", "lost 1")
    log.record("INFO", "n", "lost 2")
    monkeypatch.setattr(log._file, "write", lambda data: real(log._file, data))
    log.record("INFO", "n", "found")
    assert text(file).count("IISWSGI-L04: ") == 1
    lines = text(log.path).splitlines()
    assert "IISWSGI-L04: 2 records before this one could not be written." in lines[-2]
    assert lines[-1].endswith("INFO n: found")
    assert "lost 1" not in text(log.path)


def test_a_failing_rotation_is_told_once(make_log):
    log = make_log()
    log._file.rotation_error = OSError("held by a viewer")
    log.record("INFO", "n", "1")
    log.record("INFO", "n", "2")
    assert text(log.path).count("IISWSGI-L03: ") == 1
    log._file.rotation_error = None
    log.record("INFO", "n", "3")
    log._file.rotation_error = OSError("again")
    log.record("INFO", "n", "4")
    assert text(log.path).count("IISWSGI-L03: ") == 2


def test_after_a_fork_the_lock_is_free(make_log):
    log = make_log()
    log._lock.acquire()
    log.after_fork()
    log.record("INFO", "n", "free")
    assert "free" in text(log.path)


def test_start_takes_everything(programs):
    result = programs.run(
        """
        l = log.start()
        assert l is log.start()
        print("printed")
        sys.stderr.write("complained")
        logging.getLogger("iiswsgi.x").info("recorded")
        import warnings; warnings.warn("warned")
        l.begun()
        logging.getLogger("app").info("application")
        """,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    for line in [
        "INFO stdout: printed\n",
        "INFO stderr: complained\n",
        "INFO iiswsgi.x: recorded\n",
        "WARNING py.warnings: UserWarning: warned (",
        "INFO app: application\n",
    ]:
        assert programs.log.count(line) == 1


def test_a_crash_leaves_its_stack(programs):
    result = programs.run("log.start().begun()\nimport ctypes; ctypes.string_at(0)")
    assert result.returncode != 0
    assert "most recent call first" in programs.log
    # There is no process in the stacks of a crash; the thread's number tells whose they are.
    head, crash = re.findall(r"(?:main|Current) thread 0x([0-9a-f]+)", programs.log)
    assert int(head, 16) == int(crash, 16)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
def test_a_child_that_was_forked_off_says_only_what_is_its_own(programs):
    programs.run(
        """
        import multiprocessing
        from iiswsgi.runtime import running

        def child():
            print("the child's", end="")
            sys.stderr.write("the child's complaint")

        log.start().begun()
        running.begin({})
        print("the parent's", end="")
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join()
        running.end()
        """
    )
    for text in ("stdout: the child's", "stderr: the child's complaint", "stdout: the parent's"):
        assert programs.log.count(f"{text}\n") == 1, programs.log
    assert programs.log.count("the parent's") == 1


def test_leaving_before_serving_is_explained(programs):
    result = programs.run("log.start(); sys.exit(7)")
    assert result.returncode == 7
    assert "IISWSGI-L08: " in programs.log


def test_leaving_while_serving_is_not(programs):
    assert programs.run("log.start().begun(); sys.exit(7)").returncode == 7
    assert "IISWSGI-L08" not in programs.log


def test_an_uncaught_exception_is_logged_and_told(programs):
    result = programs.run("log.start(); import no_such_module")
    assert result.returncode == 1
    assert b"IISWSGI-L05: " in result.stderr
    assert b"ModuleNotFoundError" in result.stderr
    assert "    ModuleNotFoundError: No module named 'no_such_module'\n" in programs.log
    assert "IISWSGI-L08" not in programs.log


def test_basic_config_of_the_application_still_works(programs, tmp_path):
    own = tmp_path / "own.log"
    programs.run(
        f"""
        l = log.start()
        logging.basicConfig(filename={str(own)!r}, level="DEBUG")
        l.begun()
        logging.getLogger("app").debug("mine")
        logging.getLogger("iiswsgi.x").warning("ours")
        """,
    )
    assert "mine" in text(own)
    assert "ours" in text(own)
    assert "mine" not in programs.log
    assert programs.log.count("ours") == 1


if sys.platform != "win32":

    def closing(*numbers):
        def close():
            for fd in numbers:
                os.close(fd)

        return close

    @pytest.mark.parametrize("closed", [(1, 2), (0, 1, 2), (2,)], ids=str)
    def test_start_without_standard_streams(closed, programs):
        options = {"stdin": None, "stdout": None, "stderr": None, "capture_output": False}
        result = programs.run(
            """
            l = log.start()
            assert l.fd > 2 and l._file.fd > 2
            assert os.open("/dev/null", os.O_RDONLY) > 2
            print("printed")
            l.move("-")
            """,
            preexec_fn=closing(*closed),
            **options,
        )
        assert result.returncode == 0
        assert "INFO stdout: printed\n" in programs.log
        assert "started without STDERR" in programs.log

    def test_a_stderr_that_is_the_wire_is_left_alone(programs):
        import socket

        ours, theirs = socket.socketpair()
        with ours, theirs:
            programs.run(
                "log.start(); import no_such_module",
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                capture_output=False,
            )
            theirs.close()
            assert ours.recv(100) == b""
        assert "IISWSGI-L05" in programs.log

    def test_the_lines_appear_on_a_terminal_too(programs):
        import pty

        ours, theirs = pty.openpty()
        programs.run(
            "l = log.start(); print('hello'); l.tell('INFO', 'n', 'told once'); l.begun()",
            stderr=theirs,
            stdout=theirs,
            capture_output=False,
        )
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        assert "INFO stdout: hello\r\n" in shown
        assert shown.count("told once") == 1
        assert "INFO stdout: hello\n" in programs.log

    def test_a_closed_terminal_is_survived(make_log):
        import pty

        ours, theirs = pty.openpty()
        log = make_log(theirs)
        os.close(theirs)
        os.close(ours)
        log.record("INFO", "n", "alone")
        assert "alone" in text(log.path)

    def test_a_child_that_is_forked_off_can_log(programs):
        result = programs.run(
            """
            l = log.start(); l.begun()
            l._lock.acquire()
            if not os.fork():
                print("child")
                os._exit(0)
            os.wait()
            """,
        )
        assert result.returncode == 0
        assert "INFO stdout: child\n" in programs.log

    def test_a_child_that_is_forked_off_while_another_thread_logs_can_rotate(programs):
        result = programs.run(
            """
            import time
            l = log.start(); l.begun()
            assert l._file._acquire()
            l.limit(1, 5)
            if not os.fork():
                print("child")
                os._exit(0)
            time.sleep(0.1)
            l._file._release()
            os.wait()
            """,
        )
        assert result.returncode == 0
        assert programs.log.endswith("INFO stdout: child\n")
        assert len(rotation.rotated(str(programs.log_path))) == 1
        assert "IISWSGI-L03" not in programs.log

    def test_the_output_of_children_follows_a_rotation_while_nothing_is_logged(programs):
        answer = programs.ask_served(
            """
            import time
            path = log.start().path
            os.rename(path, path + ".old")  # as another process does
            open(path, "w").close()
            for number in range(100):
                subprocess.run(["echo", "said by a child"])
                if os.path.getsize(path):
                    break
                time.sleep(0.1)
            start_response("200 OK", [])
            return [b"done"]
            """,
            hang_report="6",
        )
        assert b"done" in answer
        assert programs.log.startswith("said by a child\n")

    def test_stderr_that_is_broken_is_survived(make_log):
        reader, writer = os.pipe()
        log = make_log(writer)
        os.close(reader)
        os.close(writer)
        log.tell("INFO", "n", "into the void")
        assert "into the void" in text(log.path)
        log.move("-")
        log.record("INFO", "n", "lost")
        assert log._lost


def test_no_stderr_when_python_sees_none(monkeypatch):
    monkeypatch.setattr(sys, "__stderr__", None)
    assert logsink.original_stderr() is None
