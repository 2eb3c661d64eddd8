"""What the log says of a request, and that it says so under the request's number."""

import io
import logging

import pytest

from iiswsgi.fastcgi import protocol
from iiswsgi.runtime import logentry, running, settings
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.server import IISWSGIServer
from tests.fastcgi.helpers import FakeTransport, request_bytes

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
    begin = protocol.encode_begin(1, protocol.Role.FILTER)
    serve(talk, begin + whole[len(begin) :])
    assert entries.said() == ["WARNING iiswsgi.gateway IISWSGI-P08"]
    assert entries.seen[0].request is not None


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
