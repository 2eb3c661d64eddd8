from __future__ import annotations

import json

import pytest

from iiswsgi.host import workerlog
from iiswsgi.host.workerlog import WorkerLog

TIME = "2026-01-02T03:04:05.678Z"
TEXT = f"""\
{TIME} 17 - INFO iiswsgi: started
{TIME} 171 - ERROR app: process 17 is another
    Traceback of 171
{TIME} 17 1 ERROR app: raised
    Traceback of 17

    more
{{"time": "{TIME}", "pid": 17, "logger": "app", "message": "as JSON"}}
{{"time": "{TIME}", "pid": 171, "logger": "app", "message": "as JSON"}}
"""
CRASH = f"""\
Fatal Python error: Segmentation fault

Current thread 0x17 (most recent call first):
  File "app.py", line 17 in application
{TIME} 171 4 INFO app: meanwhile
    more of it
  File "gateway.py", line 171 in handler

Extension modules: _speedups (total: 1)
"""


def make(tmp_path, text=TEXT, **options):
    path = tmp_path / "iiswsgi.log"
    path.write_text(text, encoding="utf-8")
    return WorkerLog(path, **options)


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_all_lines(tmp_path):
    assert make(tmp_path).lines() == TEXT.splitlines()


def test_the_lines_of_one_process(tmp_path):
    lines = TEXT.splitlines()
    assert make(tmp_path).lines(17) == [lines[0], *lines[3:8]]
    assert make(tmp_path).lines(171) == [*lines[1:3], lines[8]]


def test_a_process_that_never_wrote_is_another_than_the_one_that_did(tmp_path):
    assert make(tmp_path).lines(1) == TEXT.splitlines()


def test_a_process_that_wrote_nothing_since_gets_nobody_elses_lines(tmp_path):
    log = make(tmp_path)
    position = log.position()
    append(log.paths[0], f"{TIME} 171 - INFO app: of another\n    more\n")
    assert log.lines(17, position) == []


def test_the_stacks_of_a_crash_come_with_the_process(tmp_path):
    log = make(tmp_path)
    position = log.position()
    append(log.paths[0], f"{TIME} 17 2 INFO stdout: printed\n" + CRASH)
    of_another = CRASH.splitlines()[4:6]
    expected = [line for line in CRASH.splitlines() if line not in of_another]
    assert log.lines(17, position) == [f"{TIME} 17 2 INFO stdout: printed", *expected]


@pytest.mark.parametrize("writer", [17, 171])
def test_only_the_death_of_the_process_itself_is_told(tmp_path, writer):
    told = f"{TIME} {writer} - ERROR iiswsgi.runtime.lastwords: IISWSGI-L14: process"
    log = make(tmp_path)
    position = log.position()
    append(log.paths[0], f"{told} 99 ended without a word\n{told} 17 ended without a word\n")
    assert log.lines(17, position) == [f"{told} 17 ended without a word"]
    assert len(log.lines(None, position)) == 2


def test_the_lines_since(tmp_path):
    log = make(tmp_path)
    position = log.position()
    assert log.lines(since=position) == []
    append(log.paths[0], "new\n")
    assert log.lines(since=position) == ["new"]


def test_a_rotated_file_is_read_from_its_beginning(tmp_path):
    log = make(tmp_path)
    position = log.position()
    log.paths[0].write_text("new\n", encoding="utf-8")
    assert log.lines(since=position) == ["new"]


def test_of_many_lines_the_last_are_kept_and_others_do_not_push_them_out(tmp_path, monkeypatch):
    monkeypatch.setattr(workerlog, "MAX_LINES", 3)
    other = f"{TIME} 99 - INFO app: other\n"
    log = make(tmp_path, TEXT + other * 1000)
    assert log.lines() == other.splitlines() * 3
    assert log.lines(171) == [TEXT.splitlines()[i] for i in (1, 2, 8)]


def test_long_lines_are_cut_and_many_of_them_do_not_make_a_page_without_end(tmp_path):
    long = "".join(f"{TIME} 17 - INFO app: {number} {'x' * 60_000}\n" for number in range(50))
    lines = make(tmp_path, f"{long}{TIME} 17 - INFO app: the last\n").lines(17)
    assert lines[-1].endswith("the last")
    assert " app: 49 x" in lines[-2]
    assert lines[-2].endswith("characters more)")
    assert 200_000 < sum(map(len, lines)) <= workerlog.MAX_LENGTH


def test_no_file_has_no_lines(tmp_path):
    log = WorkerLog(tmp_path / "none")
    assert log.position() == {log.paths[0]: 0}
    assert log.lines(5) == []


class TestMoved:
    """log_file of the application: the log goes on in another file, which may be an old one."""

    EARLIER = "2026-01-01T00:00:00.000Z 17 - INFO app: a process of yesterday's\n    more of it\n"

    @pytest.fixture
    def own(self, tmp_path):
        path = tmp_path / "own Ä.log"
        path.write_text(self.EARLIER, encoding="utf-8")
        return path

    def goes_on(self, own):
        return f"{TIME} 17 - INFO iiswsgi.runtime.log: the log goes on in {own}\n"

    def as_json(self, own):
        entry = {"logger": "iiswsgi.runtime.log", "message": f"the log goes on in {own}"}
        return json.dumps({"time": TIME, "pid": 17, **entry}) + "\n"

    @pytest.mark.parametrize("form", ["goes_on", "as_json"])
    def test_it_is_followed_and_what_is_older_is_left_out(self, tmp_path, own, form):
        told = []
        log = make(tmp_path, "", on_move=told.append)
        begin = log.position()
        moving = getattr(self, form)(own)
        append(log.paths[0], moving)
        line = f"{TIME} 17 - INFO app: in the new place"
        append(own, f"{line}\n")
        assert log.lines() == [moving.rstrip(), line]
        assert log.lines(17, begin) == [moving.rstrip(), line]
        assert log.paths == [log.paths[0], own]
        assert told == [own]

    def test_the_lines_since(self, tmp_path, own):
        log = make(tmp_path, self.goes_on(own))
        append(own, f"{TIME} 17 - INFO app: before\n")
        position = log.position()
        append(own, f"{TIME} 171 - INFO app: another\nFatal Python error\n  File 17\n")
        assert log.lines(17, position) == ["Fatal Python error", "  File 17"]

    def test_another_process_goes_on_in_the_same_file(self, tmp_path, own):
        told = []
        log = make(tmp_path, self.goes_on(own), on_move=told.append)
        log.position()
        append(log.paths[0], self.goes_on(own).replace(" 17 ", " 18 "))
        assert len(log.position()) == 2
        assert told == [own]

    def test_half_a_line_names_no_file(self, tmp_path, own):
        whole = self.goes_on(own)
        log = make(tmp_path, whole[:-8])
        assert log.position() == {log.paths[0]: len(whole[:-8].encode())}
        append(log.paths[0], whole[-8:])
        assert log.paths == [log.paths[0]]
        log.position()
        assert log.paths == [log.paths[0], own]

    def test_a_file_in_which_nothing_stands_yet(self, tmp_path):
        gone = tmp_path / "gone.log"
        log = make(tmp_path, self.goes_on(gone))
        assert log.lines(17) == [self.goes_on(gone).rstrip()]
        assert log.position()[gone] == 0

    def test_a_first_file_that_was_rotated_is_searched_again(self, tmp_path, own):
        log = make(tmp_path, TEXT)
        log.position()
        log.paths[0].write_text(self.goes_on(own), encoding="utf-8")
        log.position()
        assert log.paths == [log.paths[0], own]
