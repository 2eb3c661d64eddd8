"""The scenarios' own eyes: what is wrong is seen."""

from __future__ import annotations

import os
import tempfile
import time

import pytest

from edges import aftermath
from edges.app import FILLING

HEAD = "2026-01-02T03:04:05.678Z 12 3 INFO iiswsgi.a_b: "
WHOLE = f"{HEAD}one\n    detail\n    \n{HEAD}mark m1 {FILLING} end of m1\n".encode()


def test_a_whole_log():
    assert not aftermath.broken_lines(WHOLE)
    assert not aftermath.broken_lines(b"")
    assert aftermath.marks(WHOLE) == {"m1": 1}


@pytest.mark.parametrize(
    "text",
    [
        WHOLE[:-1],
        WHOLE + HEAD[:20].encode(),
        WHOLE.replace(b"\n    detail", b"\ndetail"),
        b"    detail\n" + WHOLE,
        WHOLE.replace(b"one\n", b"\n"),
        WHOLE + f"{HEAD}mark m2 {FILLING[:100]}{HEAD}two\n".encode(),
        WHOLE + f"{HEAD}mark m2 {FILLING} end of m1\n".encode(),
        WHOLE + b"\n",
    ],
)
def test_a_broken_log(text):
    assert aftermath.broken_lines(text)


def test_codes():
    text = f"{HEAD}IISWSGI-W01: a\n{HEAD}IISWSGI-W01: b\n{HEAD}IISWSGI-P10: c\n".encode()
    assert aftermath.codes(text) == {"IISWSGI-W01": 2, "IISWSGI-P10": 1}


def test_the_records_of_a_process_with_a_code():
    first = f"{HEAD}IISWSGI-W30: hangs\n    in a line\n    in another\n"
    other = f"{HEAD}IISWSGI-W30: too\n".replace("Z 12 ", "Z 123 ")
    text = f"{HEAD}a\n{first}{other}{HEAD}IISWSGI-W01: b\n    c\n".encode()
    [(when, lines)] = aftermath.records(text, 12, "IISWSGI-W30")
    assert when == HEAD.split()[0] < aftermath.stamp()
    assert lines == "IISWSGI-W30: hangs\n    in a line\n    in another\n"


def test_temporary_files_in_use_are_seen(tmp_path):
    with (
        aftermath.SpoolWatch(tmp_path, lambda: [os.getpid()]) as watch,
        tempfile.TemporaryFile(prefix="iiswsgi-body-", dir=tmp_path),
    ):
        time.sleep(0.3)
    assert watch.most == 1
    assert not list(tmp_path.iterdir())
