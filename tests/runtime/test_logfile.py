import calendar
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from iiswsgi.runtime import logfile, rotation
from iiswsgi.runtime.logfile import LogFile
from iiswsgi.runtime.logsink import LogSink

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "iiswsgi.log"


def rotated(path):
    return sorted(path.parent.glob("iiswsgi-*.log"))


def everything(path):
    return b"".join(each.read_bytes() for each in [*rotated(path), path])


def test_appends(path):
    path.write_bytes(b"before\n")
    file = LogFile(str(path))
    assert file.write(b"one\n") is False
    file.close()
    assert path.read_bytes() == b"before\none\n"


def test_two_writers_take_turns(path):
    first, second = LogFile(str(path)), LogFile(str(path))
    first.write(b"1\n")
    second.write(b"2\n")
    first.write(b"3\n")
    first.close()
    second.close()
    assert path.read_bytes() == b"1\n2\n3\n"


def test_rotates_at_the_size(path):
    file = LogFile(str(path), max_size=10)
    fd = file.fd
    assert [file.write(b"12345\n") for _ in range(3)] == [False, False, True]
    assert file.fd == fd
    assert [each.read_bytes() for each in rotated(path)] == [b"12345\n" * 2]
    assert path.read_bytes() == b"12345\n"
    assert re.fullmatch(r"iiswsgi-\d{8}-\d{6}-\d{6}\.log", rotated(path)[0].name)
    file.close()


def set_clock(monkeypatch, stamp):
    """Let it be *stamp*, and remain so."""
    now = calendar.timegm(time.strptime(stamp, "%Y%m%d-%H%M%S"))
    gmtime = time.gmtime
    monkeypatch.setattr(logfile.time, "time", lambda: now)
    monkeypatch.setattr(logfile.time, "gmtime", lambda seconds=now: gmtime(seconds))


def test_a_later_rotation_has_a_later_name(path, monkeypatch):
    file = LogFile(str(path), max_size=1)
    for day in (1, 1, 2):
        set_clock(monkeypatch, f"2026010{day}-000000")
        file.write(b"%d\n" % day)
    file.close()
    assert [each.name for each in rotated(path)] == [
        "iiswsgi-20260101-000000-000000.log",
        "iiswsgi-20260102-000000-000000.log",
    ]


def test_closes_without_its_lock(path):
    path.with_name(logfile.LOCK_NAME.format(path.name)).mkdir()
    file = LogFile(str(path))
    file.write(b"1\n")
    file.close()
    assert path.read_bytes() == b"1\n"


def test_keeps_so_many(path):
    foreign = path.with_name("iiswsgi-2001.log")
    foreign.write_bytes(b"not ours to delete")
    file = LogFile(str(path), max_size=1, kept_files=2)
    for number in range(6):
        file.write(b"%d\n" % number)
    file.close()
    foreign.unlink()
    assert [each.read_bytes() for each in rotated(path)] == [b"3\n", b"4\n"]


def test_the_others_follow(path):
    first, second = LogFile(str(path), max_size=4), LogFile(str(path), max_size=4)
    first.write(b"1234\n")
    first.write(b"5\n")
    assert second.write(b"6\n") is True
    first.close()
    second.close()
    assert path.read_bytes() == b"5\n6\n"


def test_follows_without_a_write(path):
    first, second = LogFile(str(path), max_size=4), LogFile(str(path), max_size=4)
    assert second.follow() is False
    first.write(b"1234\n")
    first.write(b"5\n")
    assert second.follow() is True
    assert second.follow() is False
    os.write(second.fd, b"raw\n")
    first.close()
    second.close()
    assert path.read_bytes() == b"5\nraw\n"


def test_between_a_rename_and_the_new_file_nothing_is_followed(path):
    file = LogFile(str(path))
    path.rename(path.with_name("iiswsgi-20260101-000000-000000.log"))
    assert file.follow() is False
    file.close()
    assert not path.exists()


def test_a_failing_rotation_waits_before_the_next(path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(logfile.time, "monotonic", lambda: clock[0])
    lock = path.with_name(logfile.LOCK_NAME.format(path.name))
    lock.mkdir()
    file = LogFile(str(path), max_size=1)
    file.write(b"1\n")
    file.write(b"2\n")
    assert file.rotation_error is not None
    lock.rmdir()
    file.write(b"3\n")
    assert path.read_bytes() == b"1\n2\n3\n"
    clock[0] += logfile.RETRY_SECONDS
    file.write(b"4\n")  # opens the lock
    clock[0] += logfile.RETRY_SECONDS
    file.write(b"5\n")
    assert file.rotation_error is None
    assert path.read_bytes() == b"5\n"
    file.close()


def test_writes_without_the_lock_when_its_holder_is_stuck(path, monkeypatch):
    monkeypatch.setattr(logfile, "LOCK_SECONDS", 0.05)
    first, second = LogFile(str(path), max_size=1), LogFile(str(path), max_size=1)
    assert first._acquire()
    second.write(b"1\n")
    second.write(b"2\n")  # no second wait
    assert path.read_bytes() == b"1\n2\n"
    assert "lock" in str(second.rotation_error)
    first._release()
    first.write(b"3\n")
    assert path.read_bytes() == b"3\n"
    first.close()
    second.close()


def test_a_signal_handler_may_write_in_the_middle_of_a_write(path):
    file = LogFile(str(path))
    assert file._acquire()
    file.write(b"1\n")
    file._release()
    file.write(b"2\n")
    file.close()
    assert path.read_bytes() == b"1\n2\n"


def test_waits_for_the_lock(path):
    first, second = LogFile(str(path)), LogFile(str(path))
    assert first._acquire()
    timer = threading.Timer(0.1, first._release)
    timer.start()
    assert second._acquire()
    timer.join()
    first.close()
    second.close()


def test_never_overwrites_a_rotated_file(path, monkeypatch):
    set_clock(monkeypatch, "20260101-000000")
    file = LogFile(str(path), max_size=1)
    for number in range(4):
        file.write(b"%d\n" % number)
    file.close()
    assert everything(path) == b"0\n1\n2\n3\n"


def test_a_clock_that_is_set_back(path, monkeypatch):
    file = LogFile(str(path), max_size=1)
    for number, hour in enumerate([12, 12, 9, 9]):
        set_clock(monkeypatch, f"20260101-{hour:02}0000")
        file.write(b"%d\n" % number)
    file.close()
    assert everything(path) == b"0\n1\n2\n3\n"


def test_a_rotated_file_that_nobody_has_listed_is_not_overwritten(path, monkeypatch):
    set_clock(monkeypatch, "20260101-000000")
    first = path.with_name("iiswsgi-20260101-000000-000000.log")
    first.write_bytes(b"of a process that rotated meanwhile\n")
    monkeypatch.setattr(rotation, "rotated", lambda path: [])
    file = LogFile(str(path), max_size=1)
    file.write(b"1\n")
    file.write(b"2\n")
    file.close()
    assert first.read_bytes() == b"of a process that rotated meanwhile\n"
    assert [each.read_bytes() for each in rotated(path)][1:] == [b"1\n"]


def test_a_record_that_is_cut_off_is_taken_back(path, monkeypatch):
    """Else what another process appends would stand in the same line."""
    first, second = LogFile(str(path)), LogFile(str(path))
    first.write(b"begin\n")
    write = os.write
    room = [10, 0]

    def full(fd, data):
        if not room[0]:
            raise OSError(28, "No space left on device")
        return write(fd, data[: room.pop(0)])

    monkeypatch.setattr(logfile.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        first.write(b"a record of some length\n")
    monkeypatch.undo()
    second.write(b"of another process\n")
    first.write(b"end\n")
    first.close()
    second.close()
    assert path.read_bytes() == b"begin\nof another process\nend\n"


@pytest.mark.parametrize("stamp", ["99991231-235959", "99999999-999999", "20260103-000000"])
def test_a_name_from_the_future_is_not_of_the_log(stamp, path, monkeypatch):
    set_clock(monkeypatch, "20260101-000000")
    foreign = path.with_name(f"iiswsgi-{stamp}-999999.log")
    foreign.write_bytes(b"foreign\n")
    file = LogFile(str(path), max_size=1, kept_files=2)
    for number in range(6):
        file.write(b"%d\n" % number)
    file.close()
    assert foreign.read_bytes() == b"foreign\n"
    foreign.unlink()
    assert everything(path) == b"3\n4\n5\n"


def test_the_last_number_of_a_second_is_followed_by_the_next_second(path, monkeypatch):
    set_clock(monkeypatch, "20260101-000000")
    last = path.with_name("iiswsgi-20260101-000000-999999.log")
    last.write_bytes(b"last\n")
    file = LogFile(str(path), max_size=1)
    file.write(b"0\n")
    file.write(b"1\n")
    assert "no later name" in str(file.rotation_error)
    set_clock(monkeypatch, "20260101-000001")
    file._rotate_after = 0.0
    file.write(b"2\n")
    file.close()
    assert file.rotation_error is None
    assert everything(path) == b"last\n0\n1\n2\n"


def test_what_begins_after_half_a_line_begins_on_a_line_of_its_own(path):
    path.write_bytes(b"whole\nhal")
    file = LogFile(str(path))
    file.write(b"one\n")
    file.write(b"two\n")
    file.close()
    assert path.read_bytes() == b"whole\nhal\none\ntwo\n"


@pytest.mark.parametrize("before", [None, b"", b"whole\n", b"\n"])
def test_where_no_line_is_half_nothing_is_added(before, path):
    if before is not None:
        path.write_bytes(before)
    file = LogFile(str(path))
    file.write(b"one\n")
    file.close()
    assert path.read_bytes() == (before or b"") + b"one\n"


def test_of_two_one_ends_the_half_line(path):
    path.write_bytes(b"hal")
    files = [LogFile(str(path)) for _ in range(2)]
    for file in files:
        file.write(b"one\n")
        file.close()
    assert path.read_bytes() == b"hal\none\none\n"


def test_whoever_writes_ends_what_others_left_since(path, monkeypatch):
    own, other = LogFile(str(path)), LogFile(str(path))
    own.write(b"one\n")
    os.write(own.fd, b"of a program: ")
    own.write(b"two\n")
    os.write(own.fd, b"more of it\n")
    own.write(b"three\n")
    os.write(other.fd, b"killed in the mid")
    own.write(b"four\n")
    monkeypatch.setattr(logfile.sharedfile, "open_reading", None)
    own.write(b"five\n")
    own.close()
    other.close()
    assert path.read_bytes().splitlines() == [
        *(b"one", b"of a program: ", b"two", b"more of it", b"three"),
        *(b"killed in the mid", b"four", b"five"),
    ]


def test_a_line_that_is_being_written_is_left_to_its_writer(path, monkeypatch):
    path.write_bytes(b"hal")

    def meanwhile(seconds):
        with path.open("ab") as other:
            other.write(b"f\n")

    monkeypatch.setattr(logfile.time, "sleep", meanwhile)
    file = LogFile(str(path))
    file.write(b"one\n")
    file.close()
    assert path.read_bytes() == b"half\none\n"


def test_after_a_rotation_nobody_looks_into_the_renamed_file(path):
    own, other = LogFile(str(path)), LogFile(str(path))
    own.write(b"one\n")
    os.write(other.fd, b"half a line")
    own.write(b"two\n")
    own.max_size = 1
    own.write(b"three\n")
    own.max_size = 10_000
    os.write(own.fd, b"half a line")
    own.write(b"four\n")
    other.write(b"five\n")
    own.close()
    other.close()
    assert path.read_bytes() == b"three\nhalf a line\nfour\nfive\n"


def test_a_file_that_cannot_be_read_is_appended_to(path, monkeypatch):
    path.write_bytes(b"hal")

    def denied(path):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(logfile.sharedfile, "open_reading", denied)
    file = LogFile(str(path))
    file.write(b"one\n")
    file.close()
    assert path.read_bytes() == b"halone\n"


KILLED = """
    import os
    import sys
    sys.path.insert(0, sys.argv[1])
    from iiswsgi.runtime.logfile import LogFile
    file = LogFile(sys.argv[2])
    file.write(b"whole\\n")
    write = os.write
    def killed(fd, data):
        write(fd, data[:5])
        os.kill(os.getpid(), 9)
    os.write = killed
    file.write(b"never to be whole\\n")
"""


def test_who_is_killed_in_the_middle_of_a_write_spoils_no_line_of_the_next(path):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(ROOT), str(path)]
    assert subprocess.run(command, timeout=60, check=False).returncode in (9, -9)
    file = LogFile(str(path))
    file.write(b"next\n")
    file.close()
    assert path.read_bytes() == b"whole\nnever\nnext\n"


def test_no_directory(tmp_path):
    with pytest.raises(OSError, match=r".+"):
        LogFile(str(tmp_path))


def test_no_nul(tmp_path):
    with pytest.raises(ValueError, match="null"):
        LogFile(f"{tmp_path}/a\0b")


WRITER = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from iiswsgi.runtime.logfile import LogFile
    file = LogFile(sys.argv[2], max_size=50_000, kept_files=1000)
    for number in range(int(sys.argv[4])):
        file.write(b"%s %d %s\\n" % (sys.argv[3].encode(), number, b"x" * (number % 90)))
    if sys.argv[5] == "die":
        import os
        os._exit(9)
"""


def test_many_processes_lose_and_mix_nothing(path):
    processes, lines = 8, 2000 if sys.platform != "win32" else 800  # Wine takes its time
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(ROOT), str(path)]
    running = [
        subprocess.Popen([*command, str(number), str(lines), "die"]) for number in range(processes)
    ]
    assert {each.wait(timeout=300) for each in running} == {9}
    expected = {
        b"%d %d %s" % (process, number, b"x" * (number % 90))
        for process in range(processes)
        for number in range(lines)
    }
    found = everything(path).splitlines()
    assert len(found) == len(expected)
    assert set(found) == expected
    assert len(rotated(path)) >= 5
    assert all(each.stat().st_size < 100_000 for each in rotated(path))


def test_many_threads(path):
    file = LogFile(str(path))
    sink = LogSink()
    sink.go_to(file)

    def write(letter):
        for _ in range(500):
            sink.write(letter * 50 + b"\n")

    threads = [threading.Thread(target=write, args=(bytes([65 + n]),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    found = everything(path).splitlines()
    assert len(found) == 2000
    assert all(line == line[:1] * 50 for line in found)


if sys.platform != "win32":  # open files stay where they are there, and links need rights

    def test_no_fifo_even_with_a_reader(path):
        os.mkfifo(path)
        with pytest.raises(OSError, match=r".+"):
            LogFile(str(path))
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(OSError, match="ordinary"):
            LogFile(str(path))
        os.close(reader)

    def test_in_a_shared_folder_no_links(path, tmp_path):
        target = tmp_path / "target"
        target.write_bytes(b"precious")
        path.symlink_to(target)
        with pytest.raises(OSError, match=r".+"):
            LogFile(str(path), shared_folder=True)
        path.unlink()
        path.hardlink_to(target)
        with pytest.raises(OSError, match="somebody else"):
            LogFile(str(path), shared_folder=True)
        assert target.read_bytes() == b"precious"

    def test_in_a_shared_folder_only_our_own(path, monkeypatch):
        path.write_bytes(b"")
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        with pytest.raises(OSError, match="somebody else"):
            LogFile(str(path), shared_folder=True)

    def test_elsewhere_a_link_is_followed_and_its_target_rotated(path, tmp_path):
        (tmp_path / "logs").mkdir()
        path.symlink_to(tmp_path / "logs" / "iiswsgi.log")
        file = LogFile(str(path), max_size=1)
        file.write(b"1\n")
        file.write(b"2\n")
        file.close()
        assert path.is_symlink()
        assert len(rotated(tmp_path / "logs" / "iiswsgi.log")) == 1

    def test_is_no_business_of_strangers_nor_inherited(path):
        file = LogFile(str(path))
        assert path.stat().st_mode & 0o007 == 0
        assert not os.get_inheritable(file.fd)
        file.close()

    def test_a_child_that_is_forked_off_has_a_lock_of_its_own(programs):
        program = """
            from iiswsgi.runtime import sharedfile
            from iiswsgi.runtime.logfile import LogFile
            file = LogFile(os.environ["IIS_USER_HOME"] + ".log")
            assert file._acquire()
            if not os.fork():
                file.after_fork()
                os._exit(0 if not sharedfile.try_lock(file._lock) else 1)
            assert os.wait()[1] == 0
            file._release()
            if not os.fork():
                file.after_fork()
                os._exit(0 if file._acquire() else 1)
            assert os.wait()[1] == 0
        """
        result = programs.run(program)
        assert result.returncode == 0, result.stderr

    def test_a_child_without_a_lock_writes(path):
        file = LogFile(str(path))
        path.with_name(logfile.LOCK_NAME.format(path.name)).unlink()
        path.with_name(logfile.LOCK_NAME.format(path.name)).mkdir()
        file.after_fork()
        file.after_fork()
        file.write(b"1\n")
        file.close()
        assert path.read_bytes() == b"1\n"

    def test_stays_clear_of_the_standard_descriptors(programs):
        program = """
            from iiswsgi.runtime.logfile import LogFile
            os.close(1)
            file = LogFile(os.environ["IIS_USER_HOME"] + ".log")
            assert file.fd > 2 and file._lock > 2
        """
        assert programs.run(program).returncode == 0

    def test_a_deleted_file_comes_back(path):
        file = LogFile(str(path))
        file.write(b"gone\n")
        path.unlink()
        file.write(b"back\n")
        file.close()
        assert path.read_bytes() == b"back\n"

    def test_a_deleted_folder_comes_back(tmp_path):
        path = tmp_path / "logs" / "site" / "iiswsgi.log"
        path.parent.mkdir(parents=True)
        file = LogFile(str(path), max_size=1)
        shutil.rmtree(path.parents[1])
        assert file.write(b"1\n") is True
        assert path.read_bytes() == b"1\n"
        file.write(b"2\n")  # takes a new lock
        file.write(b"3\n")
        file.close()
        assert file.rotation_error is None
        assert [each.read_bytes() for each in rotated(path)] == [b"1\n2\n"]

    def test_a_deleted_file_that_cannot_come_back_is_told(tmp_path):
        folder = tmp_path / "logs"
        folder.mkdir()
        file = LogFile(str(folder / "iiswsgi.log"))
        shutil.rmtree(folder)
        folder.write_bytes(b"in the way")
        with pytest.raises(OSError, match=r".+"):
            file.write(b"nowhere\n")
        file.close()

    def test_a_file_that_was_only_moved_is_gone_on_with(tmp_path):
        folder = tmp_path / "logs"
        folder.mkdir()
        file = LogFile(str(folder / "iiswsgi.log"))
        folder.rename(tmp_path / "moved")
        folder.write_bytes(b"in the way")
        assert file.write(b"there\n") is False
        file.close()
        assert (tmp_path / "moved" / "iiswsgi.log").read_bytes() == b"there\n"

    def test_nothing_is_rotated_under_a_lock_that_was_deleted(path):
        first = LogFile(str(path), max_size=1)
        first.write(b"1\n")
        path.with_name(logfile.LOCK_NAME.format(path.name)).unlink()
        newcomer = LogFile(str(path))
        assert newcomer._acquire()
        first.write(b"2\n")
        assert path.read_bytes() == b"1\n2\n"
        newcomer._release()
        first.write(b"3\n")
        assert path.read_bytes() == b"3\n"
        first.close()
        newcomer.close()

    def test_nothing_is_lost_when_the_lock_is_deleted_again_and_again(path):
        lock = path.with_name(logfile.LOCK_NAME.format(path.name))
        processes, lines = 10, 3000
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(ROOT), str(path)]
        running = []
        for number in range(processes):  # one after the other, so that each finds another lock
            running.append(subprocess.Popen([*command, str(number), str(lines), "die"]))
            time.sleep(0.03)
            lock.unlink(missing_ok=True)
        assert {each.wait(timeout=300) for each in running} == {9}
        found = everything(path).splitlines()
        assert len(found) == len(set(found)) == processes * lines
        assert len(rotated(path)) >= 3
