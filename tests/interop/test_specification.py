"""Conversations written by hand from the FastCGI specification 1.0, byte for byte.

None of these bytes come from the gateway's own encoder, and the answers are taken apart here. They
are held over a TCP connection to a gateway that listens and over a connected socket on STDIN.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct

import pytest

from fixtureapps.app import CHUNK
from interop.processes import GATEWAY, free_port, running
from interop.servers import gateway, write_ini

pytestmark = pytest.mark.interop


def b(text):
    """Bytes as hexadecimal digits."""
    return bytes.fromhex(text)


# FCGI_BEGIN_REQUEST, id 1, {FCGI_RESPONDER, 0} and {FCGI_RESPONDER, FCGI_KEEP_CONN}
BEGIN = b("01 01 00 01 00 08 00 00  00 01 00 00 00 00 00 00")
BEGIN_KEEP = b("01 01 00 01 00 08 00 00  00 01 01 00 00 00 00 00")
# {FCGI_PARAMS, 1, ""} and {FCGI_STDIN, 1, ""}
NO_MORE_PARAMS = b("01 04 00 01 00 00 00 00")
NO_MORE_STDIN = b("01 05 00 01 00 00 00 00")
# Appendix B: "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42 ... "
SERVER = b"\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42"
PARAMS = b("01 04 00 01 00 2A 00 00") + SERVER
SIMPLE = BEGIN_KEEP + PARAMS + NO_MORE_PARAMS + NO_MORE_STDIN

HELLO = (
    b"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\nhello\n"
)
STDOUT_ENDS = (6, 1, b"")
# {FCGI_END_REQUEST, 1, {0, FCGI_REQUEST_COMPLETE}}
END = (3, 1, b("00 00 00 00 00 00 00 00"))
ANSWER = [(6, 1, HELLO), STDOUT_ENDS, END]


def asked_for(path):
    """PARAMS for a path of at most 127 bytes, and the end of the PARAMS."""
    content = SERVER + b"\x09" + bytes([len(path)]) + b"PATH_INFO" + path
    return b("01 04 00 01 00") + bytes([len(content), 0, 0]) + content + NO_MORE_PARAMS


def taken_apart(data):
    """(type, id, content) of each record; successive contents of one stream are joined."""
    found = []
    while data:
        version, kind, request_id, length, padding = struct.unpack(">BBHHBx", data[:8])
        assert version == 1
        content = data[8 : 8 + length]
        assert len(content) == length, "a record is cut short"
        if found and length and found[-1][:2] == (kind, request_id) and kind in (6, 7):
            content = found.pop()[2] + content
        found.append((kind, request_id, content))
        data = data[8 + length + padding :]
    return found


class Line:
    """One conversation."""

    def __init__(self, sock, process=None):
        self.socket = sock
        self.process = process
        self.is_stdin = process is not None
        sock.settimeout(20)

    def say(self, data):
        self.socket.sendall(data)

    def hear_all(self):
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while received := self.socket.recv(65536):
                data += received
        return taken_apart(data)

    def talk(self, data):
        """Say it, end the conversation, hear everything."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.say(data)
            self.socket.shutdown(socket.SHUT_WR)
        return self.hear_all()

    def ends_with(self, status):
        """The status of the process whose only conversation this was; others live on."""
        assert self.process is None or self.process.wait(10) == status
        return True


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    port = free_port()
    with gateway(tmp_path_factory.mktemp("listening"), f"127.0.0.1:{port}"):
        yield port


@pytest.fixture(params=["TCP", "STDIN"])
def line(request, tmp_path):
    if request.param == "TCP":
        port = request.getfixturevalue("port")
        with socket.create_connection(("127.0.0.1", port)) as sock:
            yield Line(sock)
        with socket.create_connection(("127.0.0.1", port)) as sock:
            assert Line(sock).talk(SIMPLE) == ANSWER, "the process does not serve any more"
        return
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [*GATEWAY, write_ini(tmp_path)]
        with running(command, tmp_path / "out", stdin=theirs) as process:
            theirs.close()
            yield Line(ours, process)
            ours.close()


# ---- appendix B, "Typical protocol message flow" ---------------------------------------------


def test_b1_a_simple_request(line):
    line.say(BEGIN + PARAMS + NO_MORE_PARAMS + NO_MORE_STDIN)
    assert line.hear_all() == ANSWER
    assert line.ends_with(0)


def test_b2_data_on_stdin_and_parameters_over_two_records(line):
    said = (
        BEGIN
        + b("01 04 00 01 00 14 00 00")
        + b"\013\002SERVER_PORT80\013\016SER"
        + b("01 04 00 01 00 26 00 00")
        + b"VER_ADDR199.170.183.42\x09\x05PATH_INFO/echo"
        + NO_MORE_PARAMS
        + b("01 05 00 01 00 19 00 00")
        + b"quantity=100&item=3047936"
        + NO_MORE_STDIN
    )
    line.say(said)
    head = b"Status: 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
    assert line.hear_all() == [(6, 1, head + b"quantity=100&item=3047936"), STDOUT_ENDS, END]


def test_b3_an_application_that_fails(line):
    stdout, *rest = line.talk(BEGIN_KEEP + asked_for(b"/raise") + NO_MORE_STDIN)
    assert stdout[2].startswith(b"Status: 500 Internal Server Error\r\n")
    assert rest == [STDOUT_ENDS, END]


def test_b4_two_requests_on_one_connection(line):
    """The second is refused with FCGI_CANT_MPX_CONN, which section 5.5 allows."""
    heard = line.talk(
        BEGIN_KEEP
        + PARAMS
        + NO_MORE_PARAMS
        + b("01 01 00 02 00 08 00 00  00 01 01 00 00 00 00 00")
        + b("01 04 00 02 00 2A 00 00")
        + SERVER
        + NO_MORE_STDIN
        + b("01 04 00 02 00 00 00 00")
        + b("01 05 00 02 00 00 00 00")
        + SIMPLE
    )
    assert [record for record in heard if record[1] == 2] == [
        (3, 2, b("00 00 00 00 01 00 00 00")),
    ]
    assert [record for record in heard if record[1] == 1] == ANSWER * 2
    assert line.ends_with(0)


# ---- sections 3.3 and 3.4: records and pairs -------------------------------------------------


def test_one_byte_at_a_time(line):
    if not line.is_stdin:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in SIMPLE * 2:
        line.say(bytes([byte]))
    assert line.talk(b"") == ANSWER * 2
    assert line.ends_with(0)


def test_padding_is_skipped_whatever_it_holds(line):
    heard = line.talk(
        b("01 01 00 01 00 08 03 00  00 01 01 00 00 00 00 00  FF FF FF")
        + b("01 04 00 01 00 2A FF 00")
        + SERVER
        + b"\x01" * 255
        + b("01 04 00 01 00 00 08 00  01 03 00 01 00 00 00 00")
        + b("01 05 00 01 00 00 01 00  05")
        + SIMPLE
    )
    assert heard == ANSWER * 2


def test_reserved_bytes_and_flags_mean_nothing(line):
    begin = b("01 01 00 01 00 08 00 AA  00 01 FF FF FF FF FF FF")
    heard = line.talk(begin + PARAMS + NO_MORE_PARAMS + NO_MORE_STDIN + SIMPLE)
    assert heard == ANSWER * 2


def test_any_id_is_echoed(line):
    said, expected = b"", []
    for number in (0x0002, 0x0100, 0xFFFF):
        request = SIMPLE
        for kind in (b"\1", b"\4", b"\5"):
            request = request.replace(
                b"\1" + kind + b("00 01"), b"\1" + kind + struct.pack(">H", number)
            )
        said += request
        expected += [(kind, number, content) for kind, _, content in ANSWER]
    assert line.talk(said) == expected


def test_long_lengths(line):
    """Four bytes where a length is above 127, and where it need not be."""
    pairs = (
        b"\x09"
        + b("80 00 00 04")
        + b"PATH_INFO/env"
        + b("80 00 00 C8")
        + b"\x03"
        + b"N" * 200
        + b"abc"
        + b("05 80 00 01 2C")
        + b"V_300"
        + b"v" * 300
        + b("07 80 00 00 00")
        + b"V_EMPTY"
    )
    assert len(pairs) == 0x224
    params = b("01 04 00 01 02 24 00 00") + pairs
    (_, _, stdout), *_ = line.talk(BEGIN_KEEP + params + NO_MORE_PARAMS + NO_MORE_STDIN)
    environ = json.loads(stdout.partition(b"\r\n\r\n")[2])["environ"]
    assert environ["PATH_INFO"] == "/env"
    assert environ["N" * 200] == "abc"
    assert environ["V_300"] == "v" * 300
    assert environ["V_EMPTY"] == ""


def test_the_longest_records(line):
    body = CHUNK[:65535]
    data = b("01 05 00 01 FF FF 01 00") + body + b"\0"
    heard = line.talk(BEGIN_KEEP + asked_for(b"/echo") + data * 3 + NO_MORE_STDIN)
    assert heard[0][2].partition(b"\r\n\r\n")[2] == body * 3
    assert heard[1:] == [STDOUT_ENDS, END]


# ---- section 4: management records -----------------------------------------------------------


def test_get_values(line):
    asked = b"\x0e\0FCGI_MAX_CONNS\x0d\0FCGI_MAX_REQS\x0f\0FCGI_MPXS_CONNS\x07\0UNKNOWN"
    heard = line.talk(b("01 09 00 00 00 39 00 00") + asked + SIMPLE)
    result = b"\x0e\x03FCGI_MAX_CONNS100\x0d\x01FCGI_MAX_REQS4\x0f\x01FCGI_MPXS_CONNS0"
    if line.is_stdin:  # one conversation, and one request at a time
        result = b"\x0e\x01FCGI_MAX_CONNS1\x0d\x01FCGI_MAX_REQS1\x0f\x01FCGI_MPXS_CONNS0"
    assert heard == [(10, 0, result), *ANSWER]


def test_get_values_of_nothing(line):
    heard = line.talk(b("01 09 00 00 00 00 00 00") + SIMPLE)
    assert heard == [(10, 0, b""), *ANSWER]


def test_unknown_management_types(line):
    heard = line.talk(b("01 63 00 00 00 04 02 00  DE AD BE EF 00 00") + SIMPLE)
    unknown = (11, 0, b("63 00 00 00 00 00 00 00"))
    assert heard == [unknown, *ANSWER]


def test_unknown_types_within_a_request_are_skipped(line):
    unknown = b("01 63 00 01 00 04 00 00  DE AD BE EF")
    heard = line.talk(BEGIN_KEEP + unknown + PARAMS + NO_MORE_PARAMS + unknown + NO_MORE_STDIN)
    assert heard == ANSWER


# ---- sections 5 and 6: roles, abort, what belongs to no request ------------------------------


def test_other_roles_are_unknown(line):
    said = b""
    for role in ("00 02", "00 03", "00 00", "01 01"):
        said += b("01 01 00 01 00 08 00 00") + b(role) + b("01 00 00 00 00 00")
        said += PARAMS + NO_MORE_PARAMS
        if role != "00 02":  # an authorizer has none
            said += NO_MORE_STDIN
        if role == "00 03":  # FCGI_DATA of the filter role
            said += b("01 08 00 01 00 04 00 00") + b"data" + b("01 08 00 01 00 00 00 00")
        said += SIMPLE
    # {FCGI_END_REQUEST, 1, {0, FCGI_UNKNOWN_ROLE}}
    assert line.talk(said) == [(3, 1, b("00 00 00 00 03 00 00 00")), *ANSWER] * 4
    assert line.ends_with(0)


ABORT = b("01 02 00 01 00 00 00 00")


def test_abort(line):
    """At any point before the end of the request."""
    data = b("01 05 00 01 00 05 00 00") + b"first"
    said = b""
    for part in (b"", PARAMS, asked_for(b"/count"), asked_for(b"/count") + data):
        said += BEGIN_KEEP + part + ABORT + SIMPLE
    heard = line.talk(said)
    assert len(heard) == 16
    for end, *rest in (heard[i : i + 4] for i in range(0, 16, 4)):
        assert end[:2] == (3, 1)
        assert end[2][4:] == b("00 00 00 00")  # FCGI_REQUEST_COMPLETE
        assert rest == ANSWER
    assert line.ends_with(0)


def test_abort_while_the_application_waits(line):
    line.say(BEGIN_KEEP + asked_for(b"/count") + b("01 05 00 01 00 05 00 00") + b"first")
    line.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        line.socket.recv(1)
    line.socket.settimeout(20)
    end, *rest = line.talk(ABORT + SIMPLE)
    assert end[:2] == (3, 1)
    assert rest == ANSWER


def test_records_of_no_request_are_skipped(line):
    strays = (
        b("01 02 00 07 00 00 00 00")
        + b("01 04 00 07 00 02 00 00  00 00")
        + b("01 05 00 07 00 05 00 00")
        + b"stray"
        + NO_MORE_STDIN
    )
    assert line.talk(strays + SIMPLE + strays + SIMPLE) == ANSWER * 2
    assert line.ends_with(0)


def test_a_connection_that_is_not_kept_takes_one_request(line):
    assert line.talk(BEGIN + PARAMS + NO_MORE_PARAMS + NO_MORE_STDIN + SIMPLE) == ANSWER
    assert line.ends_with(0)


# ---- what no web server says -----------------------------------------------------------------


@pytest.mark.parametrize(
    "nonsense",
    [
        b("02 01 00 01 00 08 00 00  00 01 00 00 00 00 00 00"),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b("01 01 00 01 00 04 00 00  00 01 00 00"),
        b("01 01 00 00 00 08 00 00  00 01 00 00 00 00 00 00"),
        BEGIN_KEEP + BEGIN_KEEP,
        BEGIN_KEEP + b("01 04 00 01 00 03 00 00  7F 7F 41") + NO_MORE_PARAMS,
        BEGIN_KEEP + b("01 04 00 01 00 04 00 00  FF FF FF FF") + NO_MORE_PARAMS,
        BEGIN_KEEP + PARAMS + NO_MORE_PARAMS + PARAMS,
    ],
    ids=[
        "version 2",
        "HTTP",
        "a short begin",
        "begin of id 0",
        "begin twice",
        "a pair cut short",
        "a length cut short",
        "parameters after their end",
    ],
)
def test_nonsense_ends_the_conversation_without_an_answer(line, nonsense):
    heard = line.talk(nonsense + SIMPLE)
    assert END not in heard
    assert line.ends_with(3)


@pytest.mark.parametrize("length", [1, 8, 40, 73])
def test_a_peer_that_leaves_in_mid_sentence_is_no_fault(line, length):
    assert END not in line.talk(SIMPLE[:length])
    assert line.ends_with(0)
