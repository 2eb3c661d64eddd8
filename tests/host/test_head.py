from __future__ import annotations

import pytest

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.head import MAX_HEAD, HeadParser


def parse(data, size):
    parser = HeadParser()
    for start in range(0, len(data), size):
        head = parser.feed(data[start : start + size])
        if head is not None:
            return head, parser.rest + data[start + size :]
    return None, b""


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_a_head_however_it_is_cut(size, newline):
    data = newline.join((b"Status: 201 Made", b"A: b: c", b"A:d", b"", b"\nbody\n\nmore"))
    head, rest = parse(data, size)
    assert (head.status, head.reason) == (201, "Made")
    assert head.headers == (("A", "b: c"), ("A", "d"))
    assert rest == b"\nbody\n\nmore"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Content-Type: a", (200, "OK")),
        ("Location: /x", (302, "Found")),
        ("Status: 301\nLocation: /x", (301, "Moved Permanently")),
        ("status: 404 Gone astray", (404, "Gone astray")),
        ("Status: 299", (299, "")),
        ("no header\nname with blank: x\n: y\nA: b", (200, "OK")),
    ],
)
def test_status(text, status):
    head, _ = parse(f"{text}\n\n".encode(), 1000)
    assert (head.status, head.reason) == status


def test_text_is_latin_1():
    head, _ = parse(b"A: caf\xe9\n\n", 1000)
    assert head.headers == (("A", "caf\xe9"),)


@pytest.mark.parametrize(
    "text",
    ["\n", "\r\nbody", "only words\n\n", "Status: x\n\n", "Status: 99\n\n", "Status: 2000\n\n"],
)
def test_what_is_no_head(text):
    with pytest.raises(WorkerFailure) as caught:
        parse(text.encode(), 1000)
    assert caught.value.kind == "bad_reply"


def test_a_head_without_end_is_refused_in_time():
    with pytest.raises(WorkerFailure, match=str(MAX_HEAD)):
        parse(b"A: b\n" * (MAX_HEAD // 4), 65536)
