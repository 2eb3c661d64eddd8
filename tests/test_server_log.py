"""What the log says of a request, and that it says so under the request's number."""

import contextlib
import io
import logging

import pytest

from iiswsgi.fastcgi import protocol
from iiswsgi.fastcgi.protocol import RecordType, Role
from iiswsgi.runtime import logentry, running, settings
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.server import IISWSGIServer
from tests.fastcgi.helpers import FakeTransport, records, request_bytes

PARAMS = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/app/page?a=1", "SCRIPT_NAME": "/app/page"}


class Entries(logging.Handler):
    """Keeps what the log would say."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        self.seen.append(logentry.of_record(record))

    def said(self):
        return [f"{entry.level} {entry.name} {entry.text[:11]}" for entry in self.seen]


@pytest.fixture
def entries():
    handler, logger = Entries(), logging.getLogger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def serve(application, *pieces, peer_leaves_after=None, **options):
    """Serve *pieces* to their end; the transport."""
    server = IISWSGIServer(
        application, settings.parse(options), shutdown=Shutdown(), errors=io.StringIO()
    )
    transport = FakeTransport(pieces, peer_leaves_after=peer_leaves_after)
    server.serve_connection(transport)
    return transport


def talk(environ, start_response):
    logging.getLogger("app").info("called")
    start_response("200 OK", [])
    yield b"one"
    logging.getLogger("app").info("asked")


def test_what_is_logged_in_a_request_has_its_number(entries):
    serve(talk, request_bytes(params=PARAMS), request_bytes(request_id=2, params=PARAMS))
    first, again, second, _ = [entry.request for entry in entries.seen]
    assert first == again < second
    assert running.number() is None


def fail(environ, start_response):
    raise RuntimeError("of the application")


def test_our_own_lines_have_it_too(entries):
    serve(fail, request_bytes(params=PARAMS))
    assert entries.said() == ["ERROR iiswsgi.wsgi.call IISWSGI-W01"]
    assert entries.seen[0].request is not None


def test_a_request_for_another_role_has_one(entries):
    whole = request_bytes(params=PARAMS)
    begin = protocol.encode_begin(1, Role.FILTER)
    serve(talk, begin + whole[len(begin) :])
    assert entries.said() == ["WARNING iiswsgi.gateway IISWSGI-P08"]
    assert entries.seen[0].request is not None


def reads(environ, start_response):
    return [environ["wsgi.input"].read()]


def reads_regardless(environ, start_response):
    with contextlib.suppress(OSError):
        environ["wsgi.input"].read()
    return quick(environ, start_response)


@pytest.mark.parametrize("application", [reads, reads_regardless, fail, talk])
def test_malformed_bytes_in_a_body_are_one_line_and_no_traceback(application, entries):
    begun = request_bytes(b"body", params={**PARAMS, "CONTENT_LENGTH": "4"})[:-8]
    transport = serve(application, begun, b"\7garbage, and more of it")
    codes = [entry.text[:11] for entry in entries.seen if entry.name.startswith("iiswsgi")]
    assert codes == (["IISWSGI-W01"] if application is fail else []) + ["IISWSGI-P01"]
    assert application is fail or not any(entry.details for entry in entries.seen)
    assert transport.sent == []


def test_a_client_that_leaves_while_it_is_answered_is_told_once(entries):
    serve(talk, request_bytes(params=PARAMS), peer_leaves_after=0)
    assert entries.said()[1:] == ["INFO iiswsgi.wsgi.call IISWSGI-W12"]
    assert len({entry.request for entry in entries.seen}) == 1
    assert running.number() is None


def test_a_client_that_leaves_before_the_error_page_is_told_once(entries):
    def application(environ, start_response):
        environ["wsgi.input"].read()

    begun = request_bytes(b"body", params={**PARAMS, "CONTENT_LENGTH": "4"})[:-10]
    serve(application, begun)
    assert entries.said() == ["INFO iiswsgi.wsgi.call IISWSGI-W12"]


def test_a_client_that_leaves_at_the_last_byte_is_told_in_the_request(entries):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [b"short"]

    serve(application, request_bytes(params=PARAMS), peer_leaves_after=0)
    assert entries.said() == ["INFO iiswsgi.fastcgi.connection IISWSGI-P10"]
    assert entries.seen[0].request is not None
    assert running.number() is None


def test_a_response_that_is_broken_off_is_told_in_the_request(entries):
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"half"
        raise RuntimeError

    serve(application, request_bytes(params=PARAMS))
    assert [text[-3:] for text in entries.said()] == ["W02", "W21"]
    assert len({entry.request for entry in entries.seen}) == 1
    assert running.number() is None


def quick(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"quick"]


def test_extras_hear_for_tracing_only():
    server = IISWSGIServer(
        quick, settings.parse({"access_log": "on"}), shutdown=Shutdown(), errors=io.StringIO()
    )
    server.extras.hear(logentry.entry("INFO", "n", "text"))
    serve(quick, request_bytes(params=PARAMS), access_log="on", trace_records="on")


def access_lines(entries):
    return [entry for entry in entries.seen if entry.name == "iiswsgi.access"]


@pytest.mark.parametrize(
    ("application", "params", "options", "expected"),
    [
        (quick, {}, {}, (200, 5)),
        (quick, {"REQUEST_METHOD": "HEAD"}, {}, (200, 0)),
        (fail, {}, {}, (500, None)),
        (quick, {"CONTENT_LENGTH": "x"}, {}, (400, None)),
        (quick, {"CONTENT_LENGTH": "99"}, {"max_request_body": "10"}, (413, None)),
    ],
)
def test_each_answer_has_an_access_line(application, params, options, expected, entries):
    serve(application, request_bytes(params={**PARAMS, **params}), access_log="on", **options)
    (line,) = access_lines(entries)
    assert line.fields["path"] == "/app/page"
    assert line.fields["method"] == {**PARAMS, **params}["REQUEST_METHOD"]
    assert line.fields["status"] == expected[0]
    assert expected[1] in (line.fields["bytes"], None)
    assert {entry.request for entry in entries.seen} == {line.request}
    assert line.request is not None


def test_what_the_application_does_to_its_environ_is_no_matter(entries):
    def application(environ, start_response):
        environ.clear()
        return quick(environ, start_response)

    serve(application, request_bytes(params=PARAMS), access_log="on")
    (line,) = access_lines(entries)
    assert line.text.startswith("GET /app/page 200 5 bytes ")


def test_a_client_that_left_has_an_access_line(entries):
    serve(talk, request_bytes(params=PARAMS), peer_leaves_after=0, access_log="on")
    assert [entry.text[:11] for entry in entries.seen][1:] == ["IISWSGI-W12", "GET /app/pa"]


def test_without_the_setting_there_is_none(entries):
    serve(quick, request_bytes(params=PARAMS))
    assert not entries.seen


def traced(application, *pieces):
    """Serve with tracing; the records that were sent, their types and contents."""
    server = IISWSGIServer(
        application,
        settings.parse({"trace_records": "on"}),
        shutdown=Shutdown(),
        errors=io.StringIO(),
    )
    hear = Hearing(server.extras.hear)
    logging.getLogger().addHandler(hear)
    transport = FakeTransport(pieces)
    try:
        server.serve_connection(transport)
    finally:
        logging.getLogger().removeHandler(hear)
    return [(record.type, record.content) for record in records(transport.sent)]


class Hearing(logging.Handler):
    """Does what the log does for who listens to it."""

    def __init__(self, listener):
        super().__init__()
        self._listener = listener

    def emit(self, record):
        self._listener(logentry.of_record(record))


def test_what_is_logged_in_a_request_is_traced(entries):
    sent = traced(talk, request_bytes(params=PARAMS), request_bytes(params=PARAMS))
    stderr = RecordType.STDERR
    assert [content for type_, content in sent if type_ == stderr] == [
        b"IIS_TRACE_INFO:app: called:IIS_TRACE_END",
        b"IIS_TRACE_INFO:app: asked:IIS_TRACE_END",
        b"",
    ] * 2
    # Behind the response, whose status IIS then has already.
    assert b"".join(content for _, content in sent[: sent.index((stderr, sent[1][1]))]) == (
        b"Status: 200 OK\r\n\r\none"
    )


def test_a_request_without_entries_sends_no_stderr(entries):
    assert RecordType.STDERR not in {type_ for type_, _ in traced(quick, request_bytes())}


def test_our_own_errors_are_traced_with_their_traceback(entries):
    [event] = [c for _, c in traced(fail, request_bytes(params=PARAMS)) if b"IIS_TRACE" in c]
    assert event.startswith(b"IIS_TRACE_ERROR:iiswsgi.wsgi.call: IISWSGI-W01: ")
    assert event.endswith(b"RuntimeError: of the application:IIS_TRACE_END")


def test_without_the_setting_nothing_is_sent(entries):
    transport = serve(fail, request_bytes(params=PARAMS))
    assert RecordType.STDERR not in {record.type for record in records(transport.sent)}
