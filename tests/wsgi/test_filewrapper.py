"""wsgi.file_wrapper, sent by the gateway and iterated by an application."""

from __future__ import annotations

import io

import pytest

from iiswsgi.wsgi.call import Outcome
from iiswsgi.wsgi.filewrapper import FileWrapper
from tests.wsgi.helpers import answers, run


class Stream:
    """A file that is fed while it is read, such as a pipe."""

    def __init__(self, *blocks):
        self.blocks = list(blocks)
        self.asked = []

    def read(self, size):
        self.asked.append(size)
        return self.blocks.pop(0) if self.blocks else b""


def test_an_application_may_iterate_it():
    wrapper = FileWrapper(io.BytesIO(b"abcde"), 2)
    assert iter(wrapper) is wrapper
    assert list(wrapper) == [b"ab", b"cd", b"e"]


def test_it_closes_the_file():
    file = io.BytesIO(b"abc")
    assert run(answers(FileWrapper(file)))[1].sent == b"abc"
    assert file.closed


def test_a_file_that_cannot_be_closed():
    wrapper = FileWrapper(Stream(b"abc"))
    assert not hasattr(wrapper, "close")
    assert run(answers(wrapper))[1].sent == b"abc"


def test_a_real_file_in_blocks_without_a_flush_for_each(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abcdefg")
    _, response = run(answers(FileWrapper(path.open("rb"), 3)))
    assert response.kinds == ["head", "body", "body", "body"]
    assert response.sent == b"abcdefg"


def test_a_stream_leaves_block_by_block():
    file = Stream(b"ab", b"c")
    _, response = run(answers(FileWrapper(file, 7)))
    assert response.kinds == ["head", "body", "flush", "body", "flush"]
    assert file.asked == [7, 7, 7]


def test_it_is_sent_from_where_it_stands_as_far_as_promised(caplog):
    file = io.BytesIO(b"abcdefgh")
    file.seek(2)
    wrapper = FileWrapper(file, 2)
    _, response = run(answers(wrapper, "206 Partial Content", [("Content-Length", "3")]))
    assert response.sent == b"cde"
    assert caplog.records == []


def test_no_block_is_read_beyond_the_promised_length():
    file = Stream(b"ab", b"cd", b"ef")
    run(answers(FileWrapper(file, 2), headers=[("Content-Length", "4")]))
    assert file.blocks == [b"ef"]


def test_a_file_that_is_shorter_than_promised(caplog):
    run(answers(FileWrapper(io.BytesIO(b"ab")), headers=[("Content-Length", "4")]))
    assert "IISWSGI-W05" in caplog.text


def test_an_empty_file():
    _, response = run(answers(FileWrapper(io.BytesIO())))
    assert response.kinds == ["head"]
    assert response.content_length == "0"


def test_head():
    file = io.BytesIO(b"abc")
    _, response = run(answers(FileWrapper(file), headers=[("Content-Length", "3")]), "HEAD")
    assert response.kinds == ["head"]
    assert file.closed


@pytest.mark.parametrize("file", [io.StringIO("text"), object()], ids=["text", "no file"])
def test_what_is_no_file_of_bytes_is_a_500(file):
    outcome, response = run(answers(lambda: FileWrapper(file)))
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"


def test_an_error_in_the_middle():
    class Bad(Stream):
        def read(self, size):
            return super().read(size) or 1 / 0

    assert run(answers(FileWrapper(Bad(b"ab"))))[0] is Outcome.BROKEN


def test_a_file_whose_seekable_is_no_method_is_a_stream():
    file = Stream(b"ab", b"c")
    file.seekable = True
    assert run(answers(FileWrapper(file)))[1].sent == b"abc"
