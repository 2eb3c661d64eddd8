import os

from iiswsgi.runtime import logtext
from iiswsgi.runtime.logentry import Entry, entry


def line(level, name, text, details=""):
    return logtext.render(entry(level, name, text, details))


def test_a_line():
    found = logtext.render(Entry("INFO", "iiswsgi.x", "hello\tworld", "", 1795012424.9536, None))
    start = f"2026-11-18T14:33:44.953Z {os.getpid()} ".encode()
    assert found == start + b"- INFO iiswsgi.x: hello\tworld\n"


def test_a_line_of_a_request():
    found = logtext.render(Entry("INFO", "n", "text", "", 0.0, 17))
    assert found == f"1970-01-01T00:00:00.000Z {os.getpid()} 17 INFO n: text\n".encode()


def test_control_characters_are_shown():
    assert logtext.escape("a\r\nb\x1b[31m\x00\x7f\x9b\u2028\u202e") == (
        "a\\r\\nb\\x1b[31m\\x00\\x7f\\x9b\\u2028\\u202e"
    )
    assert logtext.escape("caf\u00e9 \U0001f600") == "caf\u00e9 \U0001f600"


def test_nobody_forges_a_line():
    forged = "x\n2026-01-01T00:00:00.000Z 1 INFO iiswsgi: all is well"
    assert line("INFO", "n", forged).count(b"\n") == 1
    assert line("INFO", forged, "text").count(b"\n") == 1
    first, *others = line("INFO", "n", "text", f"trace\n{forged}\r\n").splitlines()
    assert first.endswith(b"INFO n: text")
    assert all(line.startswith(b"    ") for line in others)
    assert len(others) == 3


def test_what_is_no_text_is_written_all_the_same():
    assert line("INFO", "n", "\udce9").endswith(b"n: \\udce9\n")


def test_further_lines_are_indented():
    found = line("INFO", "n", "text", "one\n\n  two\n").decode().splitlines()
    assert found[1:] == ["    one", "    ", "      two"]
