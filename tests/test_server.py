"""The server joins wire and application: what each request becomes, and how it is refused."""

import contextlib
import hashlib
import io
import logging
import random
import select
import socket
import tempfile
import threading
from urllib.parse import quote
from wsgiref.validate import validator

import pytest

from functional.sites import wait_until
from iiswsgi.errors import ExitStatus
from iiswsgi.fastcgi import protocol, streams
from iiswsgi.fastcgi.protocol import ProtocolStatus, RecordType, Role
from iiswsgi.fastcgi.transport.sockets import SocketTransport
from iiswsgi.runtime import running, settings
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.server import IISWSGIServer
from iiswsgi.wsgi import unstated
from tests.fastcgi.helpers import FakeTransport, records, request_bytes, responses

IIS = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "/app/page",
    "PATH_INFO": "/app/page",
    "APPL_MD_PATH": "/LM/W3SVC/1/ROOT/app",
    "INSTANCE_META_PATH": "/LM/W3SVC/1",
    "REQUEST_URI": "/app/page?a=1",
    "QUERY_STRING": "a=1",
    "CONTENT_LENGTH": "4",
    "CONTENT_TYPE": "text/plain",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTPS": "off",
    "REMOTE_USER": "",
}


def make_server(application, **options):
    return IISWSGIServer(
        application,
        settings.parse(options),
        shutdown=Shutdown(),
        errors=io.StringIO(),
        log_path="/where/the/log/is",
    )


def ask(application, *requests, **options):
    """The responses to *requests*, and the server."""
    server = make_server(application, **options)
    transport = FakeTransport(requests)
    assert server.serve_connection(transport) is None
    return [answer[1] for answer in responses(transport.sent)], server


def show(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.errors"].write("a word\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}|".encode("latin-1") + body]


@validator
def lint(environ, start_response):
    assert environ["wsgi.input"].read(4) == b"body"
    assert environ["wsgi.multiprocess"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]


def test_an_application_sees_its_mount_point_and_its_body():
    (answer,), server = ask(show, request_bytes(b"body", params=IIS))
    assert answer.endswith(b"\r\n\r\n/app|/page|body")
    assert server._errors.getvalue() == "a word\n"


def test_the_lint_of_wsgi_finds_nothing():
    (answer,), server = ask(lint, request_bytes(b"body", params=IIS))
    assert answer.endswith(b"\r\n\r\nfine"), server._errors.getvalue()


def test_the_mount_point_can_be_stated():
    (answer,), _ = ask(show, request_bytes(b"body", params=IIS), script_name="")
    assert answer.endswith(b"|/app/page|body")


@pytest.mark.parametrize("mount", ["/caf\u00e9", "/my app"])
def test_the_mount_point_is_stated_as_it_reads(mount):
    params = {**IIS, "REQUEST_URI": quote(f"{mount}/page")}
    (answer,), _ = ask(show, request_bytes(b"body", params=params), script_name=mount)
    assert answer.endswith(f"\r\n\r\n{mount}|/page|body".encode())


def test_several_requests_go_through_one_connection():
    answers, _ = ask(show, *[request_bytes(b"body", request_id=n, params=IIS) for n in (1, 2, 300)])
    assert len(answers) == 3


NO_STDIN, NO_DATA = (protocol.encode_record(t, 1) for t in (RecordType.STDIN, RecordType.DATA))


@pytest.mark.parametrize(
    ("role", "streams"),
    [
        (Role.AUTHORIZER, b""),
        (Role.AUTHORIZER, NO_STDIN),
        (Role.FILTER, NO_STDIN + NO_DATA),
        (77, b""),
        (77, NO_STDIN),
    ],
)
def test_other_roles_are_unknown(role, streams, caplog):
    begun = protocol.encode_begin(1, role) + protocol.encode_record(RecordType.PARAMS, 1)
    transport = FakeTransport([begun + streams, request_bytes(b"body", request_id=2, params=IIS)])
    assert make_server(show).serve_connection(transport) is None
    first, second = responses(transport.sent)
    assert first == (1, b"", 0, ProtocolStatus.UNKNOWN_ROLE)
    assert second[0] == 2
    assert "IISWSGI-P08" in caplog.text


NEXT = request_bytes(b"body", request_id=2, params=IIS)


@pytest.mark.parametrize(
    ("request_", "options", "status"),
    [
        (
            request_bytes(b"body", params={**IIS, "BIG": "x" * 5000}),
            {"max_params_bytes": "4K"},
            b"431 Request Header Fields Too Large",
        ),
        (
            request_bytes(b"body", params={**IIS, **{f"N{n}": "" for n in range(64)}}),
            {"max_params": "64"},
            b"431 Request Header Fields Too Large",
        ),
        (
            request_bytes(b"x" * 5000, params={**IIS, "CONTENT_LENGTH": "5000"}),
            {"max_request_body": "100"},
            b"413 Content Too Large",
        ),
        (
            request_bytes(b"body", params={**IIS, "CONTENT_LENGTH": "four"}),
            {},
            b"400 Bad Request",
        ),
    ],
    ids=["variables", "number", "body", "length"],
)
def test_what_is_refused_harms_nobody_else(request_, options, status, caplog):
    answers, _ = ask(show, request_, NEXT, **options)
    assert answers[0].startswith(b"Status: " + status + b"\r\n")
    assert answers[1].endswith(b"|body")
    assert len(caplog.records) == 1
    assert "IISWSGI-" in caplog.text


@pytest.mark.parametrize("policy", ["whole", "streamed"])
def test_a_chunked_body_over_the_limit_never_reaches_the_application(policy):
    def read_all(environ, start_response):
        environ["wsgi.input"].read()
        raise AssertionError

    params = {**IIS, "CONTENT_LENGTH": "-1"}
    request_ = request_bytes(b"x" * 5000, params=params, chunk=50)
    answers, _ = ask(read_all, request_, NEXT, max_request_body="100", chunked_bodies=policy)
    assert answers[0].startswith(b"Status: 413 ")
    assert len(answers) == 2


def reads(environ):
    """Read the body, as frameworks do that take a failure for a form without fields."""
    with contextlib.suppress(Exception):
        environ["wsgi.input"].read()


def answers_200(environ, start_response):
    reads(environ)
    start_response("200 OK", [])
    return [b"nothing came"]


def writes_500(environ, start_response):
    reads(environ)
    start_response("500 Internal Server Error", [])(b"what was that")
    return []


def hides_it(environ, start_response):
    with contextlib.suppress(Exception):
        writes_500(environ, start_response)
    return [b"more"]


@pytest.mark.parametrize("application", [answers_200, writes_500, hides_it])
def test_an_application_that_got_no_whole_body_cannot_answer_as_if_it_had(application, caplog):
    params = {**IIS, "CONTENT_LENGTH": "-1"}
    request_ = request_bytes(b"x" * 5000, params=params, chunk=50)
    options = {"max_request_body": "100", "chunked_bodies": "streamed"}
    answers, _ = ask(application, request_, NEXT, **options)
    assert answers[0].startswith(b"Status: 413 ")
    assert b"Status: 413" not in answers[1]
    assert [record.getMessage()[:11] for record in caplog.records] == ["IISWSGI-W20"]


def test_an_application_may_have_a_page_of_its_own_for_what_is_too_large():
    def application(environ, start_response):
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            start_response("413 Content Too Large", [])
            return [str(error).encode()]
        raise AssertionError

    params = {**IIS, "CONTENT_LENGTH": "-1"}
    options = {"max_request_body": "100", "chunked_bodies": "streamed"}
    answers, _ = ask(application, request_bytes(b"x" * 5000, params=params), **options)
    assert b"W20" in answers[0]


def fails_at_once(environ, start_response):
    raise ValueError


@pytest.mark.parametrize(
    ("changed", "options", "status"),
    [
        ({"CONTENT_LENGTH": "9000"}, {"max_request_body": "8000"}, 413),
        ({"CONTENT_LENGTH": "many"}, {}, 400),
        ({"HTTP_COOKIE": "x" * 9000}, {"max_params_bytes": "8000"}, 431),
        ({"CONTENT_LENGTH": "9000"}, {}, 500),
    ],
)
def test_the_body_that_nobody_will_read_is_kept_nowhere(changed, options, status, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    request_ = request_bytes(b"x" * 9000, params={**IIS, **changed}, chunk=50)
    pieces = [request_[at : at + 1000] for at in range(0, len(request_), 1000)]
    answers, _ = ask(fails_at_once, *pieces, NEXT, spool_limit="2000", **options)
    assert answers[0].startswith(b"Status: %d " % status)
    assert len(answers) == 2


@pytest.mark.parametrize(
    "sent",
    [
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "-1", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
    ],
)
@pytest.mark.parametrize("length", [0, 9, 300_000])
def test_a_body_that_came_in_chunks_has_its_length(sent, length):
    def echo(environ, start_response):
        assert environ["CONTENT_LENGTH"] == str(length)
        assert "HTTP_TRANSFER_ENCODING" not in environ
        assert environ["wsgi.input_terminated"]
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    body = b"x" * length
    request_ = request_bytes(body, params={**IIS, **sent}, chunk=5000)
    answers, _ = ask(echo, request_, NEXT, spool_limit="100K", chunked_bodies="whole")
    assert answers[0].endswith(b"\r\n\r\n" + body)


def test_a_body_that_came_in_chunks_is_pulled_as_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(unstated, "_SEE_NO_BODY", ())  # other tests import such frameworks
    seen = []

    def first(environ, start_response):
        assert "CONTENT_LENGTH" not in environ
        assert environ["wsgi.input_terminated"]
        seen.append(environ["wsgi.input"].read(5000))
        start_response("200 OK", [])
        return [b"fine"]

    params = {**IIS, "CONTENT_LENGTH": "-1"}
    whole = request_bytes(b"x" * 5000 + b"y" * 5000, params=params, chunk=5000)
    answers, _ = ask(first, whole, whole)
    assert answers[1].endswith(b"\r\n\r\nfine")
    # The rest does not come; the application was at work all the same.
    ask(first, whole[:-4000])
    assert seen == [b"x" * 5000] * 3


@pytest.mark.parametrize("cut", [None, 700])
@pytest.mark.parametrize("length", [0, 9, 5000])
def test_a_body_of_which_nobody_says_anything_has_its_length_too(length, cut):
    """So nginx hands on an upload over HTTP/2 that it does not wait for."""

    def echo(environ, start_response):
        assert environ.get("CONTENT_LENGTH") == (str(length) if length else None)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    body = b"x" * length
    request_ = request_bytes(body, params={**IIS, "CONTENT_LENGTH": ""}, chunk=1000)
    pieces = [
        request_[at : at + (cut or len(request_))]
        for at in range(0, len(request_), cut or len(request_))
    ]
    answers, _ = ask(echo, *pieces, NEXT, chunked_bodies="whole")
    assert answers[0].endswith(b"\r\n\r\n" + body)


def test_a_body_of_no_stated_length_that_nobody_read_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(unstated, "_told", False)

    def blind(environ, start_response):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [])
        return [b"fine"]

    for length, body, told in (
        ("-1", b"", 0),
        ("", b"", 0),
        ("", b"x" * 5000, 1),
        ("-1", b"x" * 5000, 1),
    ):
        whole = request_bytes(body, params={**IIS, "CONTENT_LENGTH": length}, chunk=1000)
        answers, _ = ask(blind, whole, NEXT, chunked_bodies="streamed")
        assert answers[0].endswith(b"\r\n\r\nfine")
        assert len(caplog.records) == told
    assert "IISWSGI-W14: POST /app/page: the body came without a length" in caplog.text


def test_the_board_knows_when_the_last_bytes_leave():
    """Whoever gets them may kill the process, and nothing is lost then."""
    events = []

    class Witness:
        def begin(self, thread, number, begun, variables):
            events.append(("begin", variables["REQUEST_URI"]))

        def ending(self, thread):
            events.append("ending")

        def end(self, thread):
            events.append("end")

    class Transport(FakeTransport):
        def send(self, data):
            events.append("send")
            super().send(data)

    transport = Transport([request_bytes(b"body", params=IIS)])
    running.set_witness(Witness())
    try:
        assert make_server(show).serve_connection(transport) is None
    finally:
        running.set_witness(None)
    assert events == [("begin", "/app/page?a=1"), "ending", "send", "end"]


END = protocol.encode_response_end(1, 0, ProtocolStatus.REQUEST_COMPLETE)


@pytest.mark.parametrize("spool_limit", ["1M", "1000"])
def test_one_thread_may_read_while_another_begins_the_response(spool_limit):
    def application(environ, start_response):
        read = []
        reader = threading.Thread(
            target=lambda: read.extend(iter(lambda: environ["wsgi.input"].read(1000), b""))
        )
        reader.start()
        start_response("200 OK", [])
        yield b"started "
        reader.join()
        yield hashlib.sha256(b"".join(read)).hexdigest().encode()

    body = random.Random(1).randbytes(50_000)
    request_ = request_bytes(body, params={**IIS, "CONTENT_LENGTH": "50000"}, chunk=3000)
    ours, theirs = socket.socketpair()
    server = make_server(application, spool_limit=spool_limit)
    transport = SocketTransport(theirs, server.shutdown, "the test's socket")
    serving = threading.Thread(target=server.serve_connection, args=(transport,), daemon=True)
    serving.start()
    with ours:
        ours.settimeout(20)
        for _ in range(20):
            for at in range(0, len(request_), 3008):
                ours.sendall(request_[at : at + 3008])
            sent = b""
            while not sent.endswith(END):
                sent += ours.recv(65536)
            [(_, answer, _, _)] = responses([sent])
            assert answer.endswith(b"started " + hashlib.sha256(body).hexdigest().encode())
    serving.join(20)
    assert not serving.is_alive()
    server.shutdown.close()


def test_a_body_without_a_word_of_its_length_ends_where_it_ends():
    def echo(environ, start_response):
        assert "CONTENT_LENGTH" not in environ
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    answers, _ = ask(echo, request_bytes(b"no length", params={**IIS, "CONTENT_LENGTH": ""}))
    assert answers[0].endswith(b"\r\n\r\nno length")


def test_stderr_is_silent_unless_a_setting_asks_for_it():
    for wanted in ("false", "true"):
        transport = FakeTransport([request_bytes(b"body", params=IIS)])
        server = make_server(show, stderr_records=wanted)
        server.serve_connection(transport)
        found = [r.content for r in records(transport.sent) if r.type == RecordType.STDERR]
        assert b"".join(found) == (b"a word\n" if wanted == "true" else b"")
        assert server._errors.getvalue() == "a word\n"


def test_an_exception_is_a_plain_page_with_an_id_that_is_in_the_log(caplog):
    def fails(environ, start_response):
        raise SystemExit(3)

    answers, _ = ask(fails, request_bytes(b"body", params=IIS), NEXT)
    assert len(answers) == 2
    page = answers[0].decode()
    assert page.startswith("Status: 500 Internal Server Error\r\n")
    error_id = page.partition("Error id: ")[2][:8]
    assert error_id in caplog.text
    assert "SystemExit" not in page


def test_a_failure_after_the_first_byte_is_broken_off():
    def half(environ, start_response):
        start_response("200 OK", [])
        yield b"half"
        raise ValueError

    server = make_server(half)
    transport = FakeTransport([request_bytes(b"body", params=IIS) + NEXT])
    failure = server.serve_connection(transport)
    assert failure.exit_status is ExitStatus.BROKEN_OFF
    kinds = [record.type for record in records(transport.sent)]
    assert kinds == [RecordType.STDOUT]


def test_a_client_that_aborts_is_told_to_the_application():
    seen = []

    def waits(environ, start_response):
        try:
            environ["wsgi.input"].read()
        except ConnectionError as error:
            seen.append(str(error))
            raise

    abort = protocol.encode_record(RecordType.ABORT_REQUEST, 1)
    server = make_server(waits)
    transport = FakeTransport([request_bytes(b"body", params=IIS)[:-8], abort])
    assert server.serve_connection(transport) is None
    assert responses(transport.sent) == [(1, b"", 1, 0)]
    assert "P11" in seen[0]


class Listening:
    """The server on a listening socket, in a thread."""

    def __init__(self, application, family="AF_INET", folder=None, **options):
        self.server = make_server(application, **options)
        self.family = getattr(socket, family)
        address = ("127.0.0.1", 0) if family == "AF_INET" else f"{folder}/socket"
        self.socket = socket.create_server(address, family=self.family)
        self.thread = threading.Thread(target=self.server.serve_listener, args=(self.socket,))
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.server.shutdown.request("the test's end")
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.socket.close()
        self.server.shutdown.close()

    def connect(self):
        sock = socket.socket(self.family)
        sock.settimeout(10)
        sock.connect(self.socket.getsockname())
        return sock

    def ask(self, data):
        with self.connect() as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))


def test_management_records_are_answered_on_sockets_with_the_truth():
    asked = protocol.encode_pairs(
        {"FCGI_MAX_CONNS": "", "FCGI_MAX_REQS": "", "FCGI_MPXS_CONNS": ""}
    )
    with Listening(show, threads="3") as listening:
        (answer,) = records(
            [listening.ask(protocol.encode_record(RecordType.GET_VALUES, 0, asked))]
        )
    assert protocol.decode_pairs(answer.content) == {
        "FCGI_MAX_CONNS": "100",
        "FCGI_MAX_REQS": "3",
        "FCGI_MPXS_CONNS": "0",
    }


def short(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"half"]


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
@pytest.mark.parametrize("application", [show, answers_200])
def test_a_body_without_an_end_is_not_taken_for_ever_on_sockets(
    family, application, tmp_path, monkeypatch
):
    if not hasattr(socket, family):
        pytest.skip("this Python has no Unix sockets; run it on POSIX")
    monkeypatch.setattr(streams, "REST_SECONDS", 0.2)
    begun = request_bytes(params={**IIS, "CONTENT_LENGTH": "9999"})[:-8]
    more = protocol.encode_record(RecordType.STDIN, 1, b"x" * 9000)
    with Listening(application, family, tmp_path, max_request_body="1000") as listening:
        with listening.connect() as sock:
            sock.sendall(begun)
            while not select.select([sock], [], [], 0)[0]:
                sock.sendall(more)
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        again = listening.ask(request_bytes(b"body", params=IIS))
    assert records([answer])[0].content.startswith(b"Status: 413 ")
    assert records([answer])[-1].type == RecordType.END_REQUEST
    assert b"Status: 200 " in again


def test_a_short_response_is_broken_off_on_sockets():
    with Listening(short) as listening:
        stdout, last = records([listening.ask(request_bytes(b"", params=IIS))])
    assert stdout.content.endswith(b"\r\n\r\nhalf")
    assert last.type == RecordType.UNKNOWN_TYPE


def test_a_short_response_ends_in_order_where_the_process_would_end_too():
    answers, _ = ask(short, request_bytes(b"body", params=IIS), NEXT)
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [b"half", b"half"]


def test_no_more_requests_run_at_once_than_there_are_threads():
    running, most = [], []
    lock = threading.Lock()

    def busy(environ, start_response):
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.1)
        with lock:
            running.pop()
        assert environ["wsgi.multithread"]
        start_response("200 OK", [])
        return [b"done"]

    with Listening(busy, threads="2") as listening:
        clients = [
            threading.Thread(target=listening.ask, args=(request_bytes(b"", params=IIS),))
            for _ in range(6)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert max(most) == 2
    assert len(most) == 6


def test_a_request_that_waits_for_a_thread_is_known_and_numbered():
    release, begun = threading.Event(), threading.Semaphore(0)

    def busy(environ, start_response):
        begun.release()
        release.wait(20)
        return show(environ, start_response)

    with Listening(busy, threads="1") as listening:
        clients = [
            threading.Thread(target=listening.ask, args=(request_bytes(b"", params=IIS),))
            for _ in range(3)
        ]
        for client in clients:
            client.start()
        assert begun.acquire(timeout=10)
        wait_until(lambda: len(running.snapshot()) == 3)
        release.set()
        for client in clients:
            client.join()
    assert running.snapshot() == {}


def test_a_client_that_leaves_before_an_application_of_one_thread_is_told(caplog):
    caplog.set_level(logging.INFO)
    with Listening(show, threads="1", access_log="on") as listening:
        assert listening.ask(request_bytes(b"body", params=IIS)[:-12]) == b""
    said = [
        record.getMessage() for record in caplog.records if record.name.startswith("iiswsgi.wsgi")
    ]
    assert [text[:39] for text in said] == ["IISWSGI-W12: POST /app/page: the client"]
    lines = [each.getMessage() for each in caplog.records if each.name == "iiswsgi.access"]
    assert [text[:16] for text in lines] == ["POST /app/page -"]


def test_what_is_abandoned_at_the_end_is_said(caplog):
    release = threading.Event()
    started = threading.Event()

    def stuck(environ, start_response):
        started.set()
        release.wait(20)
        start_response("200 OK", [])
        return []

    with Listening(stuck, graceful_timeout="0.1") as listening:
        client = threading.Thread(target=listening.ask, args=(request_bytes(b"", params=IIS),))
        client.start()
        assert started.wait(10)
        listening.server.shutdown.request("test")
        listening.thread.join(10)
        release.set()
        client.join()
    assert "IISWSGI-S13: 1 requests" in caplog.text
