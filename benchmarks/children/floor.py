"""The floor: splits records, decodes nothing, answers what it was told to; the least a child does.

``floor.py`` answers every request with the greeting, ``floor.py count`` with the size of its body,
``floor.py send BYTES`` answers the first with the greeting and each later one with a body of that
size. One read and one write a small request.
"""

from __future__ import annotations

import os
import struct
import sys

HEADER = struct.Struct("!BBHHBx")
STDIN, STDOUT, END_REQUEST = 5, 6, 3
READ_SIZE = 64 * 1024
CHUNK = b"d" * 65535
GREETING = b"Hello from the benchmark\n"


def answer(request_id: int, body: bytes, size: int) -> bytes:
    """The head of a response of *size* bytes and *body*, what is there of it, in one record."""
    head = b"Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size
    content = head + body
    return HEADER.pack(1, STDOUT, request_id, len(content), 0) + content


def end(request_id: int) -> bytes:
    """The empty STDOUT record and END_REQUEST."""
    last = HEADER.pack(1, STDOUT, request_id, 0, 0)
    return last + HEADER.pack(1, END_REQUEST, request_id, 8, 0) + bytes(8)


def write(data: bytes) -> None:
    """All of *data* to STDIN's other end."""
    sent = os.write(0, data)
    while sent < len(data):
        sent += os.write(0, data[sent:])


def send(request_id: int, size: int) -> None:
    """A body of *size* bytes in records as large as they may be, one write each."""
    write(answer(request_id, b"", size))
    for start in range(0, size, len(CHUNK)):
        part = CHUNK[: size - start]
        write(HEADER.pack(1, STDOUT, request_id, len(part), 0) + part)
    write(end(request_id))


def reply(request_id: int, received: int, count: int) -> None:
    """One whole response, the conversation's *count*-th, as the command line asks."""
    errand = sys.argv[1:]
    if errand and errand[0] == "send" and count:
        send(request_id, int(errand[1]))
        return
    body = b"%d" % received if errand == ["count"] else GREETING
    write(answer(request_id, body, len(body)) + end(request_id))


def main() -> None:
    """Serve one conversation until its end."""
    buffer = b""
    received = count = 0
    while data := os.read(0, READ_SIZE):
        buffer = buffer + data if buffer else data
        position, available = 0, len(buffer)
        while available - position >= 8:
            _, type_, request_id, length, padding = HEADER.unpack_from(buffer, position)
            after = position + 8 + length + padding
            if after > available:
                break
            position = after
            if type_ == STDIN:
                received += length
                if not length:
                    reply(request_id, received, count)
                    received = 0
                    count += 1
        buffer = buffer[position:]


if __name__ == "__main__":
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
    main()
