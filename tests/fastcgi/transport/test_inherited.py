"""What fd 0 is: each row of the architecture's table."""

import os
import socket
import sys

import pytest

from iiswsgi.fastcgi.transport.inherited import Kind, classify, socket_kind

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="sockets are no descriptors on Windows; see tests/windows"
)


@posix
def test_a_connected_socket():
    first, second = socket.socketpair()
    with first, second:
        assert classify(first.fileno()) is Kind.SOCKET
        second.close()
        assert classify(first.fileno()) is Kind.SOCKET
        os.fstat(first.fileno())


@posix
@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
def test_a_listening_socket(family, tmp_path):
    with socket.socket(getattr(socket, family)) as sock:
        sock.bind(("127.0.0.1", 0) if family == "AF_INET" else str(tmp_path / "s"))
        assert classify(sock.fileno()) is Kind.OTHER
        sock.listen()
        assert classify(sock.fileno()) is Kind.LISTENER


@posix
def test_a_datagram_socket_is_nothing_to_serve_on():
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with first, second:
        assert classify(first.fileno()) is Kind.OTHER


def test_files_and_one_way_pipes_are_nothing_to_serve_on(tmp_path):
    reading, writing = os.pipe()
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    null = os.open(os.devnull, os.O_RDWR)
    try:
        for descriptor in (reading, writing, file, null):
            assert classify(descriptor) is Kind.OTHER
    finally:
        for descriptor in (reading, writing, file, null):
            os.close(descriptor)


def test_a_closed_descriptor_is_nothing_to_serve_on():
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    assert classify(descriptor) is Kind.OTHER


def test_a_socket_that_is_neither_connected_nor_listening():
    with socket.socket() as sock:
        assert socket_kind(sock) is Kind.OTHER
