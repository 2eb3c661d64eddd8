from __future__ import annotations

import pytest

from iiswsgi.host.stderr import MAX_STDERR, StderrText

FRAME = b"IIS_TRACE_WARNING:line one\nline two:IIS_TRACE_END\n"


@pytest.mark.parametrize("mode", ["ReturnStdErrIn500", "ReturnGeneric500", "TerminateProcess"])
def test_text_offends(mode):
    stderr = StderrText(mode)
    assert not stderr.offends
    assert stderr.feed(b"oops\n") == []
    assert stderr.offends
    assert stderr.excerpt == "oops"
    assert stderr.shown == (b"oops\n" if mode == "ReturnStdErrIn500" else b"")


def test_ignored_text_does_not_offend():
    stderr = StderrText("IgnoreAndReturn200")
    stderr.feed(b"oops")
    assert not stderr.offends


def test_blanks_do_not_offend():
    stderr = StderrText("ReturnStdErrIn500")
    stderr.feed(b" \r\n")
    assert not stderr.offends


def test_frames_are_taken_out_however_they_are_cut():
    stderr = StderrText("ReturnStdErrIn500")
    found = []
    for number in range(len(FRAME)):
        found += stderr.feed(FRAME[number : number + 1])
        assert not stderr.offends, FRAME[: number + 1]
    assert found == [("warning", "line one\nline two")]


def test_text_beside_a_frame_offends():
    stderr = StderrText("ReturnStdErrIn500")
    assert stderr.feed(b"a" + FRAME + b"b") == [("warning", "line one\nline two")]
    assert stderr.offends
    assert stderr.shown == b"ab"


def test_text_is_bounded():
    stderr = StderrText("ReturnStdErrIn500")
    stderr.feed(b"x" * (2 * MAX_STDERR))
    assert len(stderr.shown) == MAX_STDERR
