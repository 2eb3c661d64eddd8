"""The request body: pulled, spooled, bounded; and wsgi.errors that goes two ways."""

import contextlib
import errno
import io
import os
import sys
import tempfile
import threading
import tracemalloc

import pytest

from iiswsgi.errors import ClientDisconnected, RequestTooLarge
from iiswsgi.fastcgi.streams import RequestBody, Source


def make_body(chunks=(), *, spool_limit=1000, max_size=0):
    """A body that *chunks* arrive for, one a pull; an empty chunk ends it."""
    waiting = list(chunks)

    def pull():
        if not waiting:
            raise ClientDisconnected("P12", "gone")
        item = waiting.pop(0)
        if item is ABORT:
            body.abort()
        else:
            body.add_data(item)

    body = RequestBody(Source(pull, threading.Lock(), spool_limit, max_size))
    return body, waiting


ABORT = object()
LINES = b"one\ntwo is longer\n\nno newline at the end"
METHODS = {
    "read": lambda f: f.read(),
    "read(-1)": lambda f: f.read(-1),
    "read(n)": lambda f: b"".join(iter(lambda: f.read(3), b"")),
    "read1": lambda f: b"".join(iter(lambda: f.read1(5), b"")),
    "readline": lambda f: b"".join(iter(f.readline, b"")),
    "readline(n)": lambda f: b"".join(iter(lambda: f.readline(2), b"")),
    "readlines": lambda f: b"".join(f.readlines()),
    "iteration": lambda f: b"".join(f),
    "mixed": lambda f: f.read(1) + f.readline() + f.read(4) + b"".join(f.readlines(5)) + f.read(),
}


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("complete", [False, True])
def test_every_way_to_read_gives_the_body(size, method, spooled, complete):
    chunks = [LINES[i : i + size] for i in range(0, len(LINES), size)]
    body, _ = make_body([*chunks, b""], spool_limit=4 if spooled else 1000)
    if complete:
        body.drain()
    assert METHODS[method](body.reader()) == LINES


def test_readline_heeds_its_limit_though_a_newline_lies_further_on():
    body, _ = make_body([b"abcdef\nghi", b""])
    assert body.reader().readline(3) == b"abc"


def test_only_what_is_asked_for_is_pulled():
    body, waiting = make_body([b"a" * 10, b"b" * 10, b""])
    reader = body.reader()
    assert reader.read(1) == b"a"
    assert len(waiting) == 2, "one record was enough"


def test_a_whole_body_at_hand_needs_no_pulling():
    body, _ = make_body()
    body.add_data(b"small")
    body.add_data(b"")
    assert isinstance(body.reader(), io.BytesIO)
    assert body.reader().read() == b"small"


def test_reading_goes_on_from_the_spool_and_back_in_memory(monkeypatch):
    files = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **k: files.append(real(**k)) or files[-1])
    body, _ = make_body([b"a" * 8, b"b" * 8, b"c" * 8, b""], spool_limit=10)
    body.add_data(b"1" * 8)
    body.add_data(b"2" * 8)
    assert len(files) == 1
    reader = body.reader()
    assert reader.read(16) == b"1" * 8 + b"2" * 8
    assert files[0].closed, "what was read needs no disk"
    assert reader.read() == b"a" * 8 + b"b" * 8 + b"c" * 8
    assert len(files) == 1


def test_many_small_pieces_take_no_more_memory_than_their_bytes():
    body, _ = make_body(spool_limit=100_000)
    tracemalloc.start()
    for number in range(50_000):
        body.add_data(b"%02d" % (number % 100))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < 150_000
    body.add_data(b"")
    assert body.reader().read() == b"".join(b"%02d" % (n % 100) for n in range(50_000))


def test_discarding_closes_the_spool_and_keeps_nothing():
    body, _ = make_body([b"x" * 100, b""], spool_limit=1)
    body.add_data(b"y" * 50)
    spool = body._spool
    body.discard()
    assert spool.closed
    body.drain()
    assert body._spool is None
    assert body.size == 150
    assert body.reader().read() == b""


@pytest.mark.parametrize("complete", [False, True])
def test_a_body_over_the_limit_says_so_and_is_not_kept(complete):
    body, _ = make_body([b"x" * 6, b"x" * 6, b""], max_size=10)
    if complete:
        body.drain()
    with pytest.raises(RequestTooLarge, match="max_request_body, 10"):
        body.reader().read()
    body.drain()
    assert not body._chunks


def test_a_body_of_just_the_limit_passes():
    body, _ = make_body([b"x" * 10, b""], max_size=10)
    assert body.reader().read() == b"x" * 10


def test_an_abort_surfaces_from_the_read_not_as_a_short_body():
    body, _ = make_body([b"part", ABORT])
    reader = body.reader()
    assert reader.read(4) == b"part"
    for _ in range(2):
        with pytest.raises(ClientDisconnected, match="ABORT_REQUEST"):
            reader.read(1)


def test_a_vanished_peer_surfaces_from_the_read():
    body, _ = make_body([b"part"])
    with pytest.raises(ConnectionError, match="gone"):
        body.reader().read()


def test_a_spool_that_fails_concerns_the_reader_alone(monkeypatch):
    def full(**options):
        raise OSError(errno.ENOSPC, "the disk is full (a test)")

    body, _ = make_body([b"x" * 100, b"y" * 100, b""], spool_limit=1)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    body.drain()
    assert body.complete
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is full"):
            body.reader().read()
    body.discard()


def test_a_spool_that_cannot_even_be_closed_is_nobodys_business(monkeypatch):
    class Fails(io.BytesIO):
        def close(self):
            super().close()
            raise OSError(errno.EIO, "the disk is gone (a test)")

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Fails())
    body, _ = make_body([b"x" * 100, b""], spool_limit=1)
    body.drain()
    body.discard()


if sys.platform != "win32":
    import resource

    @contextlib.contextmanager
    def files_of_at_most(size):
        """A real limit of the system, which fails writes as a full disk does."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    @pytest.mark.parametrize("size", [1, 100, 4000])
    def test_a_disk_that_fills_up_concerns_the_reader_alone(size):
        chunks = [b"x" * size] * (20_000 // size)
        with files_of_at_most(10_000):
            body, _ = make_body([*chunks, b""], spool_limit=100)
            body.drain()
            with pytest.raises(OSError, match="File too large"):
                body.reader().read()
            body.discard()

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_child_that_is_forked_leaves_the_spool_alone():
        chunks = [bytes([number]) * 4000 for number in range(20)]
        body, _ = make_body([*chunks, b""], spool_limit=100)
        body.drain()
        assert body.next_chunk(100) == chunks[0][:100]
        child = os.fork()
        if not child:
            body.discard()
            os._exit(0)
        os.waitpid(child, 0)
        assert body.reader().read() == b"".join(chunks)[100:]
