"""Nothing that is secret in a request stands in any line that the gateway itself writes."""

import io
import json
import logging
import re

import pytest

from iiswsgi.errors import ClientDisconnected
from iiswsgi.runtime import logentry, logjson, logtext, settings
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.runtime.watchdog import Watchdog
from iiswsgi.server import IISWSGIServer
from tests.fastcgi.helpers import FakeTransport, request_bytes

SECRET = "s3cr3t"

PARAMS = {
    "REQUEST_METHOD": "POST",
    "REQUEST_URI": f"http://jo:{SECRET}@localhost/app/page?password={SECRET}",
    "UNENCODED_URL": f"/app/page?password={SECRET}",
    "QUERY_STRING": f"password={SECRET}",
    "SCRIPT_NAME": "/app/page",
    "PATH_INFO": "/app/page",
    "CONTENT_TYPE": f"multipart/form-data; boundary={SECRET}",
    "CONTENT_LENGTH": str(len(SECRET)),
    "HTTP_COOKIE": f"session={SECRET}",
    "HTTP_AUTHORIZATION": f"Bearer {SECRET}",
    "HTTP_PROXY_AUTHORIZATION": f"Basic {SECRET}",
    "HTTP_X_API_KEY": SECRET,
    "HTTP_REFERER": f"http://localhost/?token={SECRET}",
    "AUTH_PASSWORD": SECRET,
    "ALL_RAW": f"Cookie: session={SECRET}\r\n",
    "ALL_HTTP": f"HTTP_COOKIE:session={SECRET}\n",
    "CERT_COOKIE": SECRET,
}
ON_IIS = {"APPL_MD_PATH": "/LM/W3SVC/1/ROOT/app", "INSTANCE_META_PATH": "/LM/W3SVC/1"}
REWRITTEN = {**ON_IIS, "IIS_WasUrlRewritten": "1"}


@pytest.fixture
def lines():
    """All that the log would say, as text and as JSON."""

    class Lines(logging.Handler):
        seen = ""

        def emit(self, record):
            entry = logentry.of_record(record)
            self.seen += logtext.render(entry).decode() + logjson.render(entry).decode()

    handler, logger = Lines(), logging.getLogger("iiswsgi")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def answer(headers=(), body=(b"x",), status="200 OK"):
    def application(environ, start_response):
        start_response(status, list(headers))
        return body

    return application


def fails(environ, start_response):
    raise KeyError("a name")


def fails_late(environ, start_response):
    start_response("200 OK", [("Set-Cookie", f"session={SECRET}")])
    yield b"x"
    raise KeyError("a name")


def reads(environ, start_response):
    environ["wsgi.input"].read()
    return answer()(environ, start_response)


class Unclosable(list):
    def close(self):
        raise KeyError("a name")


def serve(application, request, peer_leaves_after=None, **options):
    server = IISWSGIServer(
        application,
        settings.parse({"access_log": "on", **options}),
        shutdown=Shutdown(),
        errors=io.StringIO(),
    )
    server.serve_connection(FakeTransport([request], peer_leaves_after=peer_leaves_after))


COOKIE = ("Set-Cookie", f"session={SECRET}")

CASES = {
    "": (answer([COOKIE]), {}, {}),
    "W01": (fails, {}, {}),
    "W02": (fails_late, {}, {}),
    "W03": (answer([COOKIE], Unclosable([b"x"])), {}, {}),
    "W04": (answer([COOKIE, ("Content-Length", "1")], [SECRET.encode()]), {}, {}),
    "W05": (answer([COOKIE, ("Content-Length", "99")], [SECRET.encode()]), {}, {}),
    "W06": (answer([("Set-Cookie", f"session={SECRET}\u20ac")]), {}, {}),
    "W06 name": (answer([("Set Cookie", f"session={SECRET}")]), {}, {}),
    "W06 pair": (answer([("Set-Cookie", "session", SECRET)]), {}, {}),
    "W06 type": (answer([("Set-Cookie", SECRET.encode())]), {}, {}),
    "W08": (answer([("Proxy-Authenticate", SECRET)]), {}, {}),
    "W09": (answer([("Set-Cookie", f"{SECRET}{'x' * 2000}")]), {}, {"max_header_bytes": "1K"}),
    "W11": (answer([COOKIE], [SECRET]), {}, {}),
    "W20": (reads, {}, {"max_request_body": "1"}),
    "P04": (answer(), {"HTTP_X": "x" * 5000}, {"max_params_bytes": "4K"}),
    "W10": (answer(), {"CONTENT_LENGTH": "x"}, {}),
}


@pytest.mark.parametrize("server", [{}, ON_IIS, REWRITTEN], ids=["other", "iis", "rewritten"])
@pytest.mark.parametrize("code", CASES)
def test_whatever_happens_to_a_request(code, server, lines):
    application, params, options = CASES[code]
    body = SECRET.encode()
    serve(application, request_bytes(body, params={**PARAMS, **server, **params}), **options)
    assert f"IISWSGI-{code[:3]}" in lines.seen or code in ("", "W08"), lines.seen
    assert SECRET not in lines.seen
    assert '"path": ' in lines.seen


def test_a_client_that_leaves(lines):
    whole = request_bytes(SECRET.encode(), params=PARAMS)
    for end in range(0, len(whole), 7):
        serve(reads, whole[:end])
    serve(fails_late, whole, peer_leaves_after=0)
    assert "IISWSGI-W12" in lines.seen
    assert "IISWSGI-P12" in lines.seen
    assert SECRET not in lines.seen


@pytest.mark.parametrize("cut", [1, 4, 8, 20])
def test_bytes_that_are_no_fastcgi(cut, lines):
    serve(answer(), request_bytes(SECRET.encode(), params=PARAMS)[cut:])
    serve(answer(), f"GET /?password={SECRET} HTTP/1.1\r\nCookie: {SECRET}\r\n\r\n".encode())
    assert "IISWSGI-P" in lines.seen
    assert SECRET not in lines.seen


def test_a_request_that_hangs(lines):
    def application(environ, start_response):
        watchdog._stop.wait(30)
        raise ClientDisconnected("P12", "enough")

    watchdog = Watchdog(0.05)
    found = logging.Handler()
    found.emit = lambda record: watchdog._stop.set()
    logging.getLogger("iiswsgi.runtime.watchdog").addHandler(found)
    try:
        with watchdog:
            serve(application, request_bytes(SECRET.encode(), params=PARAMS))
    finally:
        logging.getLogger("iiswsgi.runtime.watchdog").removeHandler(found)
    assert "IISWSGI-W30: POST http://localhost/app/page has run" in lines.seen
    assert SECRET not in lines.seen


def test_the_lines_of_json_are_whole(lines):
    serve(fails, request_bytes(SECRET.encode(), params=PARAMS))
    entries = [json.loads(line) for line in lines.seen.splitlines() if line.startswith("{")]
    assert any(re.match("IISWSGI-W01: POST .*/app/page: ", entry["message"]) for entry in entries)
