from __future__ import annotations

import json

import pytest

from iiswsgi.host import logline
from iiswsgi.host.logline import Record
from iiswsgi.runtime import logentry, logjson, logtext

TIME = "2026-01-02T03:04:05.678Z"


def test_a_line_of_text():
    assert logline.parse(f"{TIME} 17 - INFO stdout: a: b") == Record(TIME, 17, "stdout", "a: b")
    assert logline.parse(f"{TIME} 17 3 ERROR app: ").message == ""


def test_a_line_of_json():
    line = json.dumps({"time": TIME, "pid": 17, "logger": "app", "message": 'ä "b"'})
    assert logline.parse(line) == Record(TIME, 17, "app", 'ä "b"')


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Fatal Python error: Segmentation fault",
        '  File "app.py", line 17 in application',
        f"    {TIME} 17 - INFO app: in a traceback",
        "10.5 17 - INFO app: a program's",
        '{"time": "',
        '{"time": "x", "pid": null, "logger": "app", "message": ""}',
        '{"time": "x", "pid": 17}',
    ],
)
def test_a_line_that_begins_no_record(line):
    assert logline.parse(line) is None


@pytest.mark.parametrize("render", [logtext.render, logjson.render])
def test_what_the_gateway_writes_is_understood(render):
    def parse(logger, text):
        return logline.parse(render(logentry.entry("INFO", logger, text)).decode().rstrip())

    path = r"C:\Ä site\own.log"
    moved = parse("iiswsgi.runtime.log", f"the log goes on in {path}")
    assert moved.moved_to == path
    ended = parse("iiswsgi.runtime.lastwords", "IISWSGI-L14: process 5 ended without a word")
    assert ended.about == 5
    printed = parse("stdout", "the log goes on in /etc/passwd")
    assert printed.moved_to == ""
    assert printed.about == printed.pid
    assert parse("stdout", "IISWSGI-L14: process 5 ended").about == printed.pid


def test_the_lines_of_a_traceback_go_on_and_those_of_a_stack_do_not():
    assert logline.continues("    RuntimeError: no")
    assert logline.continues("")
    assert not logline.continues('  File "app.py", line 17 in application')
    assert not logline.continues("Current thread 0x17 (most recent call first):")
