from __future__ import annotations

from iiswsgi.host import workerlog
from iiswsgi.host.workerlog import WorkerLog

TEXT = """\
2026-01-02T03:04:05.678Z 17 INFO iiswsgi: started
2026-01-02T03:04:05.678Z 171 ERROR app: process 17 is another
    Traceback of 171
2026-01-02T03:04:05.678Z 17 ERROR app: raised
    Traceback of 17

    more
{"time": "2026-01-02T03:04:05.678Z", "pid": 17, "message": "as JSON"}
{"time": "2026-01-02T03:04:05.678Z", "pid": 171, "message": "as JSON"}
"""


def make(tmp_path, text=TEXT):
    path = tmp_path / "iiswsgi.log"
    path.write_text(text, encoding="utf-8")
    return WorkerLog(path)


def test_all_lines(tmp_path):
    assert make(tmp_path).lines() == TEXT.splitlines()


def test_the_lines_of_one_process(tmp_path):
    lines = TEXT.splitlines()
    assert make(tmp_path).lines(17) == [lines[0], *lines[3:8]]
    assert make(tmp_path).lines(171) == [*lines[1:3], lines[8]]
    assert make(tmp_path).lines(1) == []


def test_the_lines_since(tmp_path):
    log = make(tmp_path)
    position = log.position()
    assert log.lines(since=position) == []
    with log.path.open("a", encoding="utf-8") as file:
        file.write("new\n")
    assert log.lines(since=position) == ["new"]


def test_a_rotated_file_is_read_from_its_beginning(tmp_path):
    log = make(tmp_path)
    position = log.position()
    log.path.write_text("new\n", encoding="utf-8")
    assert log.lines(since=position) == ["new"]


def test_of_many_lines_the_last_are_kept_and_others_do_not_push_them_out(tmp_path, monkeypatch):
    monkeypatch.setattr(workerlog, "MAX_LINES", 3)
    other = "2026-01-02T03:04:05.678Z 99 INFO app: other\n"
    log = make(tmp_path, TEXT + other * 1000)
    assert log.lines() == other.splitlines() * 3
    assert log.lines(171) == [TEXT.splitlines()[i] for i in (1, 2, 8)]


def test_no_file_has_no_lines(tmp_path):
    log = WorkerLog(tmp_path / "none")
    assert log.position() == 0
    assert log.lines(5) == []
