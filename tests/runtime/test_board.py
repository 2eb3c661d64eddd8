"""The board that the processes of one log share: what each finds there of the others."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from iiswsgi.runtime import boardrows, sharedfile
from iiswsgi.runtime.board import Board, look
from iiswsgi.runtime.boardrows import ROWS, SIZE, Ended

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
        each.forsake()


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


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"REQUEST_URI": "http://user:s3cret@host/p@th?q=s3cret"}, "- http://host/p@th"),
        ({"REQUEST_URI": "", "SCRIPT_NAME": "/m", "PATH_INFO": "/p"}, "- /m/p"),
        ({"REQUEST_METHOD": "OPTIONS", "REQUEST_URI": "*"}, "OPTIONS *"),
        ({"REQUEST_URI": "/\u20ac"}, "- /?"),
        ({}, "- -"),
    ],
)
def test_the_name_of_a_request(variables, name, path, open_board):
    own = open_board()
    own.begin(7, 1, 0.0, variables)
    assert b"s3cret" not in path.read_bytes()
    assert [each.name for each in noted(own).requests] == [name]


def noted(board):
    """What stands in the board's own row."""
    return board._rows.read(board._row)


def test_the_last_bytes_are_on_their_way(open_board):
    own = open_board()
    for number in (1, 2, 3):
        own.begin(number, number, 0.0, {})
    own.ending(1)
    own.ending(2)
    own.end(2)
    assert [(each.number, each.leaving) for each in noted(own).requests] == [(1, True), (3, False)]
    own.begin(2, 4, 0.0, {})
    assert not noted(own).requests[-1].leaving


def test_what_is_over_is_not_told(path, open_board):
    run(path, "board.serving(); begin(1); begin(2); begin(3); board.end(101); board.end(103)")
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
    assert first._row != second._row


def test_a_row_is_used_again_and_says_nothing_old(path, open_board):
    run(path, "begin(1); begin(2)")
    run(path, "board.ended()")
    assert [each.requests for each in open_board().ended()] == [[]]
    assert path.stat().st_size == SIZE


@pytest.mark.parametrize(
    ("over", "left", "more"),
    [
        ([], range(1, 9), 12),
        (range(20, 0, -1), [], 0),
        (range(1, 15), range(15, 21), 0),
        (range(9, 15), range(1, 9), 6),
        ([3], [1, 2, 4, 5, 6, 7, 8, 9], 11),
    ],
)
def test_more_requests_than_there_is_room_for(over, left, more, open_board):
    own = open_board()
    for number in range(1, 21):
        own.begin(number, number, 0.0, {"REQUEST_URI": "/" + 999 * "x"})
    for number in over:
        own.end(number)
    found = noted(own)
    assert [each.number for each in found.requests] == list(left)
    assert found.more == more
    assert {each.name for each in found.requests} <= {"- /" + 219 * "x"}


def test_many_threads_at_once(path, open_board):
    own = open_board()

    def work():
        for number in range(1, 300):
            own.begin(threading.get_ident(), number, 0.0, {})
            own.ending(threading.get_ident())
            own.end(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(own._free) == 8
    assert not own._cells
    assert not own._waiting
    assert own._taken_off(own._row) == [Ended(os.getpid(), False, [], 0)]


def test_reading_the_file_lets_nobody_seem_dead(path, open_board):
    """POSIX takes an ordinary lock away when the process closes the file it had read."""
    own = open_board()
    own.begin(1, 1, 0.0, {})
    with open(path, "rb") as file:
        file.read()
    run(path, "assert board.ended() == []; board.leave()")
    assert open_board().ended() == []


def test_one_that_ends_while_another_comes_is_told(path, open_board, monkeypatch):
    run(path, "begin(1)")
    monkeypatch.setattr(Board, "_take_ended", lambda self: iter(()))  # it was alive then
    own = open_board()
    monkeypatch.undo()
    [ended] = own.ended()
    assert [each.number for each in ended.requests] == [1]


def test_all_rows_may_be_taken(path, open_board, monkeypatch):
    taken = []
    monkeypatch.setattr(sharedfile, "try_claim", lambda fd, row: row == ROWS or taken.append(row))
    monkeypatch.setattr(sharedfile, "unclaim", lambda fd, row: None)
    with pytest.raises(OSError, match="all 64 rows are taken"):
        open_board()
    assert taken == list(range(ROWS))


@pytest.mark.skipif(sys.platform == "win32", reason="locks are locks there; run it on POSIX")
@pytest.mark.parametrize("has_command", [True, False])
def test_a_system_without_such_locks_is_told_at_once(has_command, open_board, monkeypatch):
    def fcntl(*arguments):
        raise OSError(errno.EINVAL, "what is that")

    commands = {"F_OFD_SETLK": 37} if has_command else {}
    module = SimpleNamespace(F_WRLCK=1, fcntl=fcntl, **commands)
    monkeypatch.setattr(sharedfile, "fcntl", module)
    monkeypatch.setattr(boardrows, "_PATIENCE", 3600)
    with pytest.raises(OSError, match="what is that" if has_command else "no locks that belong"):
        open_board()


def test_several_processes_may_begin_at_once(path, open_board):
    program = f"{PROGRAM}begin(os.getpid()); print(flush=True); sys.stdin.read(); os._exit(0)"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, path]
    processes = [
        subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline()
    for process in processes:
        process.communicate(timeout=30)
    found = open_board().ended()
    assert len(found) == 4
    assert [[each.number for each in ended.requests] for ended in found] == [
        [ended.process] for ended in found
    ]


def test_the_one_that_makes_the_file_is_not_waited_for_long(path, open_board, monkeypatch):
    monkeypatch.setattr(boardrows, "_PATIENCE", 0.01)
    monkeypatch.setattr(sharedfile, "try_claim", lambda fd, row: False)
    with pytest.raises(OSError, match="does not come to an end"):
        open_board()


@pytest.fixture
def look_at(path):
    def look_():
        fd = sharedfile.open_shared(str(path), strict=False, lockable=True)
        try:
            return look(fd)
        finally:
            os.close(fd)

    return look_


def test_who_only_looks_takes_nothing_off(path, open_board, look_at):
    assert look_at() == []  # the file is still empty
    run(path, "begin(1)")
    own = open_board()
    run(path, "begin(2)")
    own.begin(threading.get_ident(), 3, 0.0, {})  # in a process that lives
    for _ in range(2):
        assert [each.number for ended in look_at() for each in ended.requests] == [2]
    assert [each.number for ended in own.ended() for each in ended.requests] == [1, 2]
    assert look_at() == []


@pytest.mark.parametrize(
    "content",
    [b"\xff" * SIZE, struct.pack("=qqdd", -1, 9, float("nan"), float("inf")) * (SIZE // 32), b"x"],
    ids=["ones", "numbers", "short"],
)
def test_rubbish_harms_nobody(path, open_board, look_at, content):
    path.write_bytes(content)
    repr(look_at())
    own = open_board()
    for ended in own.ended():
        repr(ended)
    assert own.ended() == []
    own.begin(threading.get_ident(), 1, 0.0, {"REQUEST_URI": "/caf\xe9\u20ac"})
    own.end(threading.get_ident())
    own.end(threading.get_ident())
