"""What a browser does, and what only a bad one does."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from email.message import Message


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)


@contextlib.contextmanager
def asking(port, target, method="GET", body=None, headers=()):
    """The response of one request, unread; a body that is an iterator is sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, target, body, dict(headers))
        with contextlib.closing(connection.getresponse()) as response:
            yield response


def ask(port, target, method="GET", body=None, headers=()):
    with asking(port, target, method, body, headers) as response:
        return Answer(response.status, response.headers, response.read())


def is_broken(port, target):
    """Whether a client can tell that the response is not whole."""
    try:
        ask(port, target)
    except (http.client.IncompleteRead, ConnectionError):
        return True
    return False


def leave_in_upload(port, target):
    """Promise a megabyte, send a tenth of it, go."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        sock.sendall(head.encode() + b"x" * 100_000)


def leave_in_download(port, target):
    """Read the beginning of the response, go."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
