import io
import sys
import threading
from types import SimpleNamespace

import pytest

from iiswsgi.runtime import logstream, running
from iiswsgi.runtime.logstream import MAX_PARTIAL, LineStream


@pytest.fixture
def lines():
    return []


@pytest.fixture
def stream(lines):
    return LineStream(lambda given, request: lines.extend(given), 1, "stdout")


def test_whole_lines(stream, lines):
    stream.write("one\ntwo\n")
    print("three", file=stream)
    assert lines == ["one", "two", "three"]


@pytest.mark.parametrize("in_request", [True, False])
def test_a_line_waits_for_its_newline_until_it_is_flushed(in_request, stream, lines):
    if in_request:
        running.begin({})
    print("one", end=" ", file=stream)
    assert lines == []
    print("line", end="", file=stream, flush=True)
    stream.flush()
    assert lines == ["one line"]
    print(" and its rest", file=stream, flush=True)
    assert lines == ["one line", " and its rest"]
    running.end()
    assert len(lines) == 2


def test_the_newline_of_what_was_flushed_is_no_line_of_its_own(stream, lines):
    for _ in range(2):
        stream.write("line")
        stream.flush()
        stream.write("\n")
        stream.flush()
    print("", file=stream)
    for each in ("dots", ".", ".", "\nnext", "\n"):
        print(each, end="", file=stream, flush=True)
    assert lines == ["line", "line", "", "dots", ".", ".", "next"]


def test_a_child_that_was_forked_off_leaves_to_its_parent_what_that_wrote(stream, lines):
    stream.write("of the parent")
    stream.lines.after_fork()
    print("of the child", end="", file=stream, flush=True)
    assert lines == ["of the child"]


def test_the_end_of_the_process_ends_a_line(stream, lines):
    for _ in range(2):
        stream.write("rest")
        stream.lines.finish()
        stream.lines.finish()
    assert lines == ["rest", "rest"]


def test_what_a_thread_leaves_begins_no_line_of_another(stream, lines, monkeypatch):
    numbers = SimpleNamespace(get_ident=lambda: 7, current_thread=threading.current_thread)
    monkeypatch.setattr(logstream, "threading", numbers)  # the system gives numbers away again
    for text in ("left", "of the next\n"):
        thread = threading.Thread(target=stream.write, args=(text,))
        thread.start()
        thread.join()
    assert lines == ["left", "of the next"]


def test_what_a_thread_leaves_is_not_of_the_request_in_which_it_is_found(lines, monkeypatch):
    stream = LineStream(lambda given, request: lines.append((request, given)), 2, "stderr")
    numbers = SimpleNamespace(get_ident=lambda: 7, current_thread=threading.current_thread)
    monkeypatch.setattr(logstream, "threading", numbers)
    thread = threading.Thread(target=stream.write, args=("left",))
    thread.start()
    thread.join()
    number = running.begin({})
    stream.write("of this one\n")
    running.end()
    assert lines == [(None, ["left"]), (number, ["of this one"])]


@pytest.mark.parametrize("flush", [False, True])
def test_what_was_begun_before_a_request_is_no_line_of_it(flush, lines):
    stream = LineStream(lambda given, request: lines.append((request, given)), 1, "stdout")
    print("loading", end="", file=stream, flush=flush)
    number = running.begin({})
    print("in the request", file=stream)
    running.end()
    assert lines == [(None, ["loading"]), (number, ["in the request"])]


def test_a_line_without_an_end_waits_no_longer_than_its_request(lines):
    stream = LineStream(lambda given, request: lines.append((request, given)), 2, "stderr")
    first = running.begin({})
    stream.write("of the first")
    assert lines == []
    running.end()
    second = running.begin({})
    stream.write("of ")
    stream.write("the second\nand its rest")
    running.end()
    assert lines == [
        (first, ["of the first"]),
        (second, ["of the second"]),
        (second, ["and its rest"]),
    ]
    running.begin({})
    print("whole", file=stream)
    running.end()
    assert len(lines) == 4


def test_what_waits_is_limited(stream, lines):
    for _ in range(5):
        stream.write("x" * (MAX_PARTIAL // 4))
    assert [len(line) for line in lines] == [MAX_PARTIAL // 4 * 5]
    stream.write("y" * 3 * MAX_PARTIAL)
    assert len(lines) == 2


def test_the_newline_of_what_was_too_long_to_wait_is_no_line_of_its_own(stream, lines):
    for _ in range(2):
        print("x" * 70_000, file=stream)
    print("short", file=stream)
    print("", file=stream)
    print("y" * 70_000, end="\r\n", file=stream)
    print("", file=stream)
    stream.write("z" * 70_000)
    stream.write("\nand\n\nmore\n")
    assert [line[:5] for line in lines] == [
        *("xxxxx", "xxxxx", "short", "", "yyyyy", "", "zzzzz", "and", "", "more")
    ]


def test_more_of_what_was_too_long_to_wait_is_a_line(stream, lines):
    stream.write("x" * 70_000)
    stream.write("y" * 70_000)
    print("rest", file=stream)
    print("", file=stream)
    assert [line[:5] for line in lines] == ["xxxxx", "yyyyy", "rest", ""]


def test_what_was_too_long_to_wait_ends_with_its_request(stream, lines):
    running.begin({})
    stream.write("x" * 70_000)
    running.end()
    assert len(lines) == 1
    running.begin({})
    print("", file=stream)
    running.end()
    assert lines[1:] == [""]


def test_what_was_too_long_to_wait_ends_with_its_thread(stream, lines, monkeypatch):
    numbers = SimpleNamespace(get_ident=lambda: 7, current_thread=threading.current_thread)
    monkeypatch.setattr(logstream, "threading", numbers)
    for text in ("y" * 70_000, "\n"):
        thread = threading.Thread(target=stream.write, args=(text,))
        thread.start()
        thread.join()
    stream.write("z" * 70_000)
    stream.lines.finish()
    assert [line[:5] for line in lines] == ["yyyyy", "", "zzzzz"]


def test_bytes(stream, lines):
    assert stream.buffer.write(b"caf\xc3\xa9 \xff\r\n") == 9
    assert stream.buffer.write(memoryview(b"view\n")) == 5
    assert stream.buffer.write(bytearray(b"array\n")) == 6
    stream.buffer.writelines([b"a\n", b"b\n"])
    assert lines == ["caf\u00e9 \\xff", "view", "array", "a", "b"]
    with pytest.raises(TypeError):
        stream.buffer.write("text")


def test_text_that_is_none(stream, lines):
    print("\udc80 \u20ac", file=stream)
    assert lines == ["\\udc80 \u20ac"]


def test_what_others_ask_of_a_stream(stream):
    assert stream.encoding == "utf-8"
    assert stream.errors == "backslashreplace"
    assert stream.fileno() == 1
    assert stream.name == "<stdout>"
    assert stream.writable()
    assert not stream.readable()
    assert not stream.seekable()
    assert not stream.isatty()
    with pytest.raises(io.UnsupportedOperation):
        stream.read()


def test_closing_has_no_effect(stream, lines):
    stream.close()
    with stream:
        pass
    print("still here", file=stream)
    assert not stream.closed
    assert lines == ["still here"]


def test_a_stream_that_is_detached_goes_on_beside_the_new_one(stream, lines):
    stream.write("before, ")
    new = io.TextIOWrapper(stream.detach(), encoding="utf-8", line_buffering=True)
    print("of the old", file=stream)
    print("of the new: caf\u00e9", file=new)
    again = io.TextIOWrapper(new.detach(), encoding="utf-8")
    again.write("once more\n")
    again.close()
    print("still here", file=stream)
    assert lines == ["before, of the old", "of the new: caf\u00e9", "once more", "still here"]


def test_what_the_application_prints_its_own_way_comes_in_time(stream, lines, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream.buffer, encoding="utf-8"))
    print("before")
    assert lines == []
    logstream.settle()
    print("and after")
    print("half", end="")
    assert lines == ["before", "and after"]
    logstream.settle()
    assert lines == ["before", "and after", "half"]


@pytest.mark.parametrize("ended", [io.TextIOWrapper.close, io.TextIOWrapper.detach])
def test_streams_of_others_stay_as_they_are(ended, stream, monkeypatch):
    of_others = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stderr", of_others)
    new = io.TextIOWrapper(stream.buffer)
    ended(new)
    for each in (None, io.StringIO(), new):
        monkeypatch.setattr(sys, "stdout", each)
        logstream.settle()
    assert not of_others.line_buffering


def test_threads_do_not_mix_their_lines(stream, lines):
    def work(letter):
        for _ in range(300):
            for _ in range(5):
                stream.write(letter)
            stream.write("\n")

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines) == 1200
    assert set(lines) == {letter * 5 for letter in "abcd"}
