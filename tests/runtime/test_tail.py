import time

import pytest

from iiswsgi.runtime import rotation, tail
from iiswsgi.runtime.logfile import LogFile
from iiswsgi.runtime.tail import _LONGEST, Tail


@pytest.fixture
def path(tmp_path):
    return tmp_path / "iiswsgi.log"


@pytest.fixture
def tails(path):
    made = []

    def make():
        made.append(Tail(str(path)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def log(path):
    """The log as processes write it, rotated at 20 bytes."""
    file = LogFile(str(path), max_size=20)
    yield file
    file.close()


def lines(first, last):
    return b"".join(b"line %d\n" % number for number in range(first, last + 1))


@pytest.mark.parametrize("count", [0, 1, 3, 5, 100])
def test_the_last_lines(count, path, tails):
    path.write_bytes(lines(1, 5))
    assert tails().last(count) == lines(max(1, 6 - count), 5)


def test_a_line_ends_with_its_newline_only(path, tails):
    path.write_bytes(b"one\r\n10%\r20%\rdone\x0bof\n\nrest")
    tail = tails()
    assert tail.last(1) == b"rest"
    assert tail.last(3) == b"10%\r20%\rdone\x0bof\n\nrest"
    assert tail.last(9) == path.read_bytes()


def test_of_a_long_log_little_is_read(path, tails):
    path.write_bytes(b"x" * 100_000 + b"\n" + lines(1, 50_000))
    tail = tails()
    assert tail.last(3) == lines(49_998, 50_000)
    assert tail.last(50_001) == b"x" * 100_000 + b"\n" + lines(1, 50_000)
    assert tail.new() == b""


def test_of_a_long_log_much_is_read_in_a_short_time(path, tails):
    path.write_bytes(b"x" * 60_000_000 + b"\n" + lines(1, 1_000_000))
    began = time.perf_counter()
    assert tails().last(1_000_000) == lines(1, 1_000_000)
    assert len(tails().last(1_000_001).splitlines()) == 1_000_001
    assert time.perf_counter() - began < 20  # once it was minutes


def test_of_a_line_without_end_the_beginning_is_shown(path, tails):
    path.write_bytes(b"x" * (_LONGEST + 5))
    shown = b"x" * _LONGEST + b" ... and 5 bytes more in this line"
    assert tails().last(1) == shown
    with path.open("ab") as file:
        file.write(b"\nrest")
    assert tails().last(3) == shown + b"\nrest"


def test_the_last_lines_reach_into_rotated_files(log, tails):
    for number in range(1, 11):
        log.write(b"line %d\n" % number)
    tail = tails()
    assert [tail.last(count) for count in (1, 6, 100)] == [
        lines(10, 10),
        lines(5, 10),
        lines(1, 10),
    ]


def test_what_comes(path, tails):
    path.write_bytes(b"old\n")
    tail = tails()
    assert tail.new() == b""
    with path.open("ab") as file:
        file.write(b"new\n")
    assert tail.new() == b"new\n"
    assert tail.last(1) == b"new\n"
    assert tail.new() == b""


def test_nothing_is_missed_when_the_log_is_rotated(log, tails):
    log.write(lines(1, 1))
    tail = tails()
    seen = b""
    for number in range(2, 12):
        log.write(b"line %d\n" % number)
        seen += tail.new()
    assert seen == lines(2, 11)


def test_nothing_is_missed_when_it_is_rotated_more_than_once(log, tails):
    log.write(lines(1, 1))
    tail = tails()
    log.write(b"line 2\n")
    for number in range(3, 12):
        log.write(b"line %d\n" % number)
    seen = b""
    while data := tail.new():
        seen += data
    assert seen == lines(2, 11)


@pytest.fixture
def between(monkeypatch):
    """Does something as soon as the reader has listed the rotated files, or opened one."""
    wanted = []

    def then(function):
        def replacement(*arguments):
            result = function(*arguments)
            if wanted:
                wanted.pop()()
            return result

        return replacement

    def arrange(name, action):
        monkeypatch.setattr(tail, name, then(getattr(tail, name)))
        wanted.append(action)

    return arrange


@pytest.fixture
def rotating(path):
    """Writes numbers to the log; each rotates it first."""
    file = LogFile(str(path), max_size=1, kept_files=99)

    def write(*numbers):
        for number in numbers:
            file.write(lines(number, number))

    yield write
    file.close()


def all_new(tail):
    return b"".join(iter(tail.new, b""))


@pytest.mark.parametrize("step", ["rotated", "_opened"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_nothing_is_missed_when_it_is_rotated_while_the_next_is_looked_for(
    step, count, rotating, tails, between
):
    rotating(1)
    tail = tails()
    rotating(2)
    between(step, lambda: rotating(*range(3, 3 + count)))
    assert all_new(tail) == lines(2, 2 + count)
    rotating(3 + count, 4 + count)
    assert all_new(tail) == lines(3 + count, 4 + count)


@pytest.mark.parametrize("step", ["rotated", "_opened"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_nothing_comes_twice_when_it_is_rotated_while_it_is_opened(
    step, count, rotating, tails, between
):
    rotating(1, 2)
    between(step, lambda: rotating(*range(3, 3 + count)))
    tail = tails()
    last = tail.last(99)
    rotating(3 + count, 4 + count)
    assert last
    assert last + all_new(tail) == lines(1, 4 + count)


def test_where_the_rotated_ones_cannot_be_listed(path, tails, monkeypatch):
    def denied(path):
        raise PermissionError(13, "denied")

    path.write_bytes(b"old\n")
    tail = tails()
    path.rename(path.with_name("kept.txt"))
    path.write_bytes(b"new\n")
    with monkeypatch.context() as patched:
        patched.setattr("iiswsgi.runtime.tail.rotated", denied)
        assert tail.new() == b""
        with pytest.raises(PermissionError):
            tails()
    assert tail.new() == b"new\n"


def test_a_reader_does_not_keep_the_log_from_being_rotated(log, tails):
    log.write(lines(1, 3))
    tails()
    assert log.write(b"more\n")
    assert log.rotation_error is None


def test_the_time_between_a_rename_and_the_new_file(path, tails):
    path.write_bytes(b"old\n")
    tail = tails()
    with path.open("ab") as file:
        file.write(b"rest\n")
    path.rename(path.with_name("iiswsgi-20260101-000000-000000.log"))
    assert tail.new() == b"rest\n"
    assert tail.new() == b""
    path.write_bytes(b"new\n")
    assert tail.new() == b"new\n"


def test_a_log_that_was_emptied_is_read_anew(path, tails):
    path.write_bytes(b"a long old line\n")
    tail = tails()
    with path.open("r+b") as file:
        file.truncate()
    assert tail.new() == b""
    with path.open("ab") as file:
        file.write(b"new\n")
    assert tail.new() == b"new\n"


def test_a_log_that_was_replaced_is_read_from_its_beginning(path, tails):
    path.with_name("iiswsgi-20260101-000000-000000.log").write_bytes(b"known\n")
    path.write_bytes(b"old\n")
    tail = tails()
    path.rename(path.with_name("kept.txt"))
    path.write_bytes(b"new\n")
    assert tail.new() == b"new\n"


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Tail(str(tmp_path / "iiswsgi.log"))
    with pytest.raises(OSError, match=r"ordinary|denied"):
        Tail(str(tmp_path))


def test_rotated_files_are_the_log_s_own(log, path):
    for _ in range(4):
        log.write(b"x" * 20)
    path.with_name("iiswsgi-2001.log").write_bytes(b"")
    path.with_name("other-20260101-000000-000000.log").write_bytes(b"")
    found = rotation.rotated(str(path))
    assert len(found) == 3
    assert found == sorted(found)


def rotated_files(path, *numbers):
    return [path.with_name(f"iiswsgi-20260101-000000-{number:06}.log") for number in numbers]


def test_rotated_files_that_vanish_are_left_out(path, tails, monkeypatch):
    first, second = rotated_files(path, 1, 2)
    first.write_bytes(lines(1, 2))
    second.write_bytes(lines(3, 4))
    path.write_bytes(lines(5, 6))
    tail = tails()
    listed = rotation.rotated(str(path))
    second.unlink()
    monkeypatch.setattr("iiswsgi.runtime.tail.rotated", lambda path: listed)
    assert tail.last(10) == lines(1, 2) + lines(5, 6)
    assert tail.unreadable == {}


def test_rotated_files_that_cannot_be_read_are_told(path, tails, monkeypatch):
    first, second = rotated_files(path, 1, 2)
    first.write_bytes(lines(1, 2))
    second.mkdir()
    path.write_bytes(lines(5, 6))
    tail = tails()
    listed = list(map(str, (first, second)))
    monkeypatch.setattr("iiswsgi.runtime.tail.rotated", lambda path: listed)
    assert tail.last(2) == lines(5, 6)
    assert tail.unreadable == {}
    assert tail.last(3) == lines(2, 2) + lines(5, 6)
    assert [*tail.unreadable] == [str(second)]


def test_a_folder_is_no_rotated_file(path):
    (folder,) = rotated_files(path, 1)
    folder.mkdir()
    assert rotation.rotated(str(path)) == []
