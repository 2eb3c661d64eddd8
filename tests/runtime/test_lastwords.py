"""What is said of a process that could not say it itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from iiswsgi.runtime.boardrows import Ended, Request
from iiswsgi.runtime.lastwords import LastWords, unsaid

HEAD = """
import faulthandler, time
from iiswsgi.runtime import running
from iiswsgi.runtime.lastwords import LastWords
the_log = log.start()
the_log.begun()
words = LastWords(the_log)
words.begin()
"""
GET = "running.begin({'REQUEST_METHOD': 'GET', 'REQUEST_URI': '/page?password=s3cret'})\n"


def said(programs):
    return re.findall(r" (\w+) iiswsgi\.runtime\.lastwords: (.*)\n", programs.log)


def test_a_crash_has_its_process_request_and_time(programs):
    assert programs.run(f"{HEAD}words.serving()\n{GET}faulthandler._sigsegv()").returncode != 0
    assert said(programs) == []
    programs.run(HEAD)
    [(level, text)] = said(programs)
    [process] = re.findall(r": process (\d+), as ", programs.log.partition("Current thread")[0])
    [thread] = re.findall(r"Current thread 0x0*([0-9a-f]+)", programs.log)
    assert level == "ERROR"
    assert re.fullmatch(
        rf"IISWSGI-L14: process {process} ended without a word while it served request 1, "
        rf"GET /page, since \d{{4}}-\d\d-\d\dT[0-9:.]+Z in thread 0x{thread}",
        text,
    )
    programs.run(HEAD)
    assert len(said(programs)) == 1


def test_who_looks_at_the_log_before_another_process_comes_is_told(programs):
    path = str(programs.log_path)
    programs.run("log.start()")
    assert unsaid(path) == []  # there is no board
    programs.run(f"{HEAD}words.serving()\n{GET}os._exit(0)")
    for _ in range(2):
        [text] = unsaid(path)
        assert re.match(
            r"process \d+ ended without a word while it served request 1, GET /pa", text
        )
    programs.run(HEAD)
    [(_, logged)] = said(programs)
    assert logged == f"IISWSGI-L14: {text}"
    assert unsaid(path) == []


KILLED = {
    "os._exit(1)": ("ERROR", "before it began to serve"),
    "words.serving(); os._exit(0)": ("INFO", "between two requests"),
    f"words.serving()\n{GET}running.end(); os._exit(0)": ("INFO", "between two requests"),
    f"words.serving()\n{GET}running.ending(); os._exit(0)": ("INFO", "were on their way"),
}
"""Programs, and what is said of them."""


def test_of_one_that_was_killed_as_it_wrote_is_told_on_a_line_of_its_own(programs):
    program = f"""
import subprocess
{HEAD}
other = '''{HEAD}the_log.write(b"half a line"); os._exit(1)'''
subprocess.run([sys.executable, "-c", "import os, sys; from iiswsgi.runtime import log" + other])
words.speak()
"""
    assert programs.run(program).returncode == 0
    assert "\nhalf a line\n" in programs.log
    assert len(said(programs)) == 1


def test_whoever_is_killed_is_told_by_the_next(programs):
    for program in [*KILLED, ""]:
        programs.run(HEAD + program)
    found = said(programs)
    assert [level for level, _ in found] == [level for level, _ in KILLED.values()]
    for (_, text), (_, when) in zip(found, KILLED.values(), strict=True):
        assert " ended without a word " in text
        assert text.endswith(when)


OVERFLOW = "".join(f"words._board.begin({n}, {n}, 0.0, {{}})\n" for n in range(1, 11))


def test_requests_that_found_no_room_are_counted(programs):
    programs.run(f"{HEAD}words.serving()\n{OVERFLOW}os._exit(0)")
    programs.run(HEAD)
    [(level, text)] = said(programs)
    assert level == "ERROR"
    assert text.count("request ") == 8
    assert text.endswith(" and 2 more")


def test_whoever_leaves_in_order_is_not_told(programs):
    ended = f"{GET}words.end()\nos._exit(0)"
    for program in ["", "sys.exit(3)", GET, f"{GET}raise ValueError", ended, ""]:
        programs.run(HEAD + program)
    assert said(programs) == []


def test_a_child_that_was_forked_off_has_no_say(programs):
    if sys.platform == "win32":
        pytest.skip("nothing forks on Windows")
    fork = f"""
if not os.fork():
    {GET}
    running.end()
    sys.exit()
os.wait()
"""
    programs.run(f"{HEAD}words.serving()\n{GET}{fork}os._exit(0)")
    programs.run(HEAD)
    [(_, text)] = said(programs)
    assert "request 1, GET /page" in text


def test_a_child_that_lives_on_does_not_hide_its_parents_end(programs):
    if sys.platform == "win32":
        pytest.skip("nothing forks on Windows")
    fork = f"""
{GET}
child = os.fork()
if not child:
    time.sleep(60)
print("child", child)
os._exit(0)
"""
    programs.run(
        f"{HEAD}words.serving()\n{fork}",
        stdout=subprocess.DEVNULL,
        stderr=None,
        capture_output=False,
    )
    programs.run(HEAD)
    child = int(re.findall("stdout: child ([0-9]+)", programs.log)[0])
    os.kill(child, signal.SIGKILL)
    [(_, text)] = said(programs)
    assert "request 1, GET /page" in text


class Sink:
    path = None

    def __init__(self, fault=None):
        self.lines = []
        self._fault = fault

    def record(self, level, name, text, details=""):
        self.lines.append((level, text))

    def open_beside(self, suffix):
        if self._fault:
            raise self._fault


def test_a_log_without_a_file_has_no_board():
    sink = Sink()
    words = LastWords(sink)
    words.begin()
    words.serving()
    words.speak()
    assert sink.lines == []


def test_a_board_that_cannot_be_had_is_told():
    sink = Sink(PermissionError(13, "not yours"))
    LastWords(sink).begin()
    [(level, text)] = sink.lines
    assert level == "INFO"
    assert "not yours" in text


@pytest.mark.skipif(sys.platform != "win32", reason="there are no drives; run it on Windows")
@pytest.mark.parametrize("path", [r"\\server\share\iiswsgi.log", r"Q:\iiswsgi.log"])
def test_on_another_machine_there_is_none(path, monkeypatch):
    from iiswsgi import win32

    monkeypatch.setattr(win32, "_drive_type", {"Q:\\": 4}.get)
    sink = Sink()
    sink.path = path
    LastWords(sink).begin()
    [(level, text)] = sink.lines
    assert (level, text.rpartition(": ")[2]) == ("INFO", "the log lies on another machine")


class Found:
    def __init__(self, *ended):
        self._ended = ended

    def ended(self):
        return list(self._ended)


def test_what_stands_on_the_board_is_not_believed():
    sink = Sink()
    words = LastWords(sink)
    requests = [Request(1, -5, float(x), False, "GET /\x00\n\xff") for x in ("nan", "inf", "1e300")]
    words._board = Found(Ended(-1, True, requests, -1))
    words.speak()
    [(_, text)] = sink.lines
    assert text.count("GET /\\x00\\n\\xff, since an unknown time in thread 0x-5") == 3
