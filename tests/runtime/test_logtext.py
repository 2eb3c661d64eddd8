import logging
import os
import sys

from iiswsgi.runtime import logtext


def record(message, *args, **kwargs):
    return logging.LogRecord(
        "app", logging.INFO, "f.py", 1, message, args, **{"exc_info": None, **kwargs}
    )


def test_a_line():
    found = logtext.line("INFO", "iiswsgi.x", "hello\tworld", created=1795012424.9536)
    assert (
        found == f"2026-11-18T14:33:44.953Z {os.getpid()} INFO iiswsgi.x: hello\tworld\n".encode()
    )


def test_control_characters_are_shown():
    assert logtext.escape("a\r\nb\x1b[31m\x00\x7f\x9b\u2028\u202e") == (
        "a\\r\\nb\\x1b[31m\\x00\\x7f\\x9b\\u2028\\u202e"
    )
    assert logtext.escape("caf\u00e9 \U0001f600") == "caf\u00e9 \U0001f600"


def test_nobody_forges_a_line():
    forged = "x\n2026-01-01T00:00:00.000Z 1 INFO iiswsgi: all is well"
    assert logtext.line("INFO", "n", forged).count(b"\n") == 1
    first, *others = logtext.line("INFO", "n", "text", f"trace\n{forged}\r\n").splitlines()
    assert first.endswith(b"INFO n: text")
    assert all(line.startswith(b"    ") for line in others)
    assert len(others) == 3


def test_what_is_no_text_is_written_all_the_same():
    assert logtext.line("INFO", "n", "\udce9").endswith(b"n: \\udce9\n")


def test_a_record_with_arguments():
    assert logtext.Formatter().to_bytes(record("%s!", "hi")).endswith(b" INFO app: hi!\n")


def test_a_record_with_a_traceback_and_a_stack():
    try:
        raise ValueError("nasty\nvalue")
    except ValueError:
        found = record("failed", exc_info=sys.exc_info())
    found.stack_info = "Stack (most recent call last):\n  here"
    lines = logtext.Formatter().to_bytes(found).decode().splitlines()
    assert lines[0].endswith("INFO app: failed")
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-4:] == [
        "    ValueError: nasty",
        "    value",
        "    Stack (most recent call last):",
        "      here",
    ]
