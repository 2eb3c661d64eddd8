"""The board that the processes of one log share: what each finds there of the others."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time

import pytest

from iiswsgi.runtime import board, sharedfile
from iiswsgi.runtime.board import ROWS, SIZE, Board

from .programs import ROOT

PROGRAM = """
import os, sys, time
from iiswsgi.runtime import sharedfile
from iiswsgi.runtime.board import Board
board = Board(sharedfile.open_shared(sys.argv[1], strict=False, lockable=True))
def begin(number, **variables):
    board.begin(number + 100, number, time.perf_counter(), variables)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "the.running"


@pytest.fixture
def open_board(path):
    opened = []

    def open_():
        new = Board(sharedfile.open_shared(str(path), strict=False, lockable=True))
        opened.append(new)
        return new

    yield open_
    for each in opened:
        each.leave()
        each._map.close()
        os.close(each._fd)
    board._own.clear()


def run(path, program):
    """Run a program with a board; it ends without a word."""
    arguments = [sys.executable, "-c", f"{PROGRAM}{program}\nos._exit(0)", path]
    subprocess.run(arguments, check=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_who_ends_without_a_word_is_found_once(path, open_board):
    before = time.time()
    run(path, "begin(7, REQUEST_METHOD='PUT', REQUEST_URI='/a%20b?c=d')")
    one = open_board()
    [ended] = one.ended()
    [request] = ended.requests
    assert not ended.serving
    assert ended.process > 0
    assert (request.number, request.thread, request.name) == (7, 107, "PUT /a%20b")
    assert before - 1 < request.begun < time.time() + 1
    assert one.ended() == []


def test_what_is_over_is_not_told(path, open_board):
    run(path, "board.serving(); begin(1); begin(2); begin(3); board.over(101); board.over(103)")
    [ended] = open_board().ended()
    assert ended.serving
    assert [(each.number, each.name) for each in ended.requests] == [(2, "- -")]


def test_who_leaves_in_order_is_not_told(path, open_board):
    run(path, "begin(1); board.leave()")
    assert open_board().ended() == []


def test_who_lives_is_not_told(path, open_board):
    program = f"{PROGRAM}begin(1); print('ready', flush=True); sys.stdin.read(); os._exit(0)"
    command = [sys.executable, "-c", program, path]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environ, **pipes) as other:
        other.stdout.readline()
        own = open_board()
        assert own.ended() == []
        own.begin(1, 1, 0.0, {})
        other.stdin.close()
        other.wait(20)
    [ended] = own.ended()
    assert [each.number for each in ended.requests] == [1]
    assert own.ended() == []


def test_a_process_says_nothing_of_itself(open_board):
    first, second = open_board(), open_board()
    assert first.ended() == second.ended() == []
    assert first._start != second._start


def test_a_row_is_used_again_and_says_nothing_old(path, open_board):
    run(path, "begin(1); begin(2)")
    run(path, "board.ended()")
    assert [each.requests for each in open_board().ended()] == [[]]
    assert path.stat().st_size == SIZE


def test_more_requests_than_there_is_room_for(path, open_board):
    run(path, "for n in range(1, 99): begin(n)\nfor n in range(99, 0, -1): board.over(100 + n)")
    first = open_board()
    [ended] = first.ended()
    assert not ended.requests
    first.leave()
    run(path, "for n in range(1, 99): begin(n, REQUEST_URI='/' + 999 * 'x')")
    [ended] = open_board().ended()
    assert [each.number for each in ended.requests] == list(range(1, 9))
    assert {each.name for each in ended.requests} == {"- /" + 220 * "x"}


def test_all_rows_may_be_taken(path, open_board, monkeypatch):
    taken = []
    monkeypatch.setattr(sharedfile, "try_claim", lambda fd, row: row == ROWS or taken.append(row))
    with pytest.raises(OSError, match="all 64 rows are taken"):
        open_board()
    assert taken == list(range(ROWS))


def test_several_processes_may_begin_at_once(path, open_board):
    program = f"{PROGRAM}begin(os.getpid()); board.over(0); time.sleep(0.5); os._exit(0)"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, path]
    processes = [subprocess.Popen(command, env=environ) for _ in range(4)]
    for process in processes:
        process.wait(30)
    found = open_board().ended()
    assert len(found) == 4
    assert [[each.number for each in ended.requests] for ended in found] == [
        [ended.process] for ended in found
    ]


def test_the_one_that_makes_the_file_is_not_waited_for_long(path, open_board, monkeypatch):
    monkeypatch.setattr(board, "_PATIENCE", 0.01)
    monkeypatch.setattr(sharedfile, "try_claim", lambda fd, row: False)
    with pytest.raises(OSError, match="does not come to an end"):
        open_board()


@pytest.mark.parametrize(
    "content",
    [b"\xff" * SIZE, struct.pack("=qqdd", -1, 9, float("nan"), float("inf")) * (SIZE // 32), b"x"],
    ids=["ones", "numbers", "short"],
)
def test_rubbish_harms_nobody(path, open_board, content):
    path.write_bytes(content)
    own = open_board()
    for ended in own.ended():
        repr(ended)
    assert own.ended() == []
    own.begin(threading.get_ident(), 1, 0.0, {"REQUEST_URI": "/caf\xe9\u20ac"})
    own.over(threading.get_ident())
    own.over(threading.get_ident())
