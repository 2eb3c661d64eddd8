from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from iiswsgi.host import application
from iiswsgi.host.application import BrokenOff, SiteApplication
from iiswsgi.host.site import Site

from .fakes import CONFIG, FakePool, failure, site_from


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_from(tmp_path, CONFIG)


def environ(target: str = "/", body: bytes = b"", **more: Any) -> dict[str, Any]:
    """As waitress makes it."""
    made: dict[str, Any] = {
        "REQUEST_URI": target,
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "wsgi.input": io.BytesIO(body),
        application.CHUNKED: False,
        application.LOCAL_ADDR: "127.0.0.1",
        application.LOCAL_PORT: 8080,
    }
    if body:
        made["CONTENT_LENGTH"] = str(len(body))
    setup_testing_defaults(made)
    return {**made, **more}


class Answered:
    """What the application did with one request."""

    def __init__(self, site: Site, given: dict[str, Any]) -> None:
        self.iterable = SiteApplication(site)(given, self.start_response)

    def start_response(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def body(self) -> bytes:
        return b"".join(self.iterable)


class TestAnswers:
    def test_a_reply_is_passed_on(self, site: Site) -> None:
        FakePool.answers(status=418, headers=[("X-Tea", "yes")], chunks=[b"short ", b"stout"])
        answered = Answered(site, environ("/tea"))
        assert answered.status == "418 As Asked"
        assert answered.headers == {"x-tea": "yes"}
        assert answered.body == b"short stout"

    def test_closing_closes_the_reply_even_if_nothing_was_read(self, site: Site) -> None:
        answered = Answered(site, environ())
        answered.iterable.close()
        assert FakePool.made[0].closed_replies == 1

    def test_the_body_reaches_the_pool(self, site: Site) -> None:
        Answered(site, environ(body=b"x" * 10000, REQUEST_METHOD="POST"))
        Answered(site, environ())
        assert FakePool.made[0].bodies == [b"x" * 10000, None]

    def test_a_failure_is_a_page_of_ours(self, site: Site) -> None:
        FakePool.replies.append(failure("never_started"))
        answered = Answered(site, environ())
        assert answered.status == "500 Internal Server Error"
        assert answered.headers["content-type"] == "text/html; charset=utf-8"
        assert b"never started" in answered.body

    @pytest.mark.parametrize(
        "came", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}], ids=str
    )
    def test_details_are_for_this_machine_only(self, site: Site, came: dict[str, str]) -> None:
        FakePool.replies.append(failure("died_in_start", log_lines=("secret",)))
        answered = Answered(site, environ(**came))
        assert b"secret" not in answered.body
        assert "default-src 'none'" in answered.headers["content-security-policy"]

    def test_head_gets_no_page(self, site: Site) -> None:
        FakePool.replies.append(failure("never_started"))
        answered = Answered(site, environ(REQUEST_METHOD="HEAD"))
        assert int(answered.headers["content-length"]) > 1000
        assert answered.body == b""

    def test_a_reply_that_breaks_off_says_so(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken = failure("died_in_request", log_lines=("the last words",))
        FakePool.answers(chunks=[b"first", broken])
        answered = Answered(site, environ("/long"))
        with pytest.raises(BrokenOff):
            _ = answered.body
        assert "IISWSGI-H35: GET /long was broken off after 5 bytes" in caplog.text
        assert "the last words" in caplog.text

    def test_the_log_has_no_secret_of_a_query(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "iiswsgi")
        Answered(site, environ("/a?b=c&password=x1y2")).iterable.close()
        assert "GET /a?b=c&password=*** -> " in caplog.text
        assert "x1y2" not in caplog.text

    def test_what_the_worker_logged_is_shown_for_an_error_of_the_application(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        Answered(site, environ()).iterable.close()
        assert "logged" not in caplog.text
        FakePool.answers(status=500, chunks=[b"sorry"])
        Answered(site, environ()).iterable.close()
        assert "| request 2 logged" in caplog.text
        assert "request 1" not in caplog.text

    def test_the_access_line_obeys_no_control_characters(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "iiswsgi")
        Answered(site, environ("/\x1b[2J\x9b"))
        assert "/\\x1b[2J\\x9b -> 400" in caplog.text


class TestRequestFrom:
    def test_headers_and_addresses(self) -> None:
        given = environ("/x?y", HTTP_X_FOO="1", HTTP_HOST="h:1", CONTENT_TYPE="text/plain")
        request = application.request_from(given)
        assert request.target == "/x?y"
        assert ("X-Foo", "1") in request.headers
        assert ("Content-Type", "text/plain") in request.headers
        assert (request.remote_port, request.server_port) == (50000, 8080)
        assert request.content_length == 0

    def test_a_body_of_known_length(self) -> None:
        request = application.request_from(environ(body=b"12345"))
        assert request.content_length == 5
        assert ("Content-Length", "5") in request.headers

    def test_a_body_in_chunks(self) -> None:
        given = environ(body=b"12345", **{application.CHUNKED: True})
        request = application.request_from(given)
        assert request.content_length == -1
        names = dict(request.headers)
        assert names["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in names


class TestSendableHeaders:
    def test_the_connections_own_are_dropped(self) -> None:
        headers = [("Connection", "close"), ("transfer-encoding", "chunked"), ("Vary", "a")]
        assert application.sendable_headers(headers) == [("Vary", "a")]

    @pytest.mark.parametrize(
        "header",
        [("X", "a\rb"), ("X", "a\x00b"), ("Content-Length", "ten"), ("Content-Length", "-1")],
    )
    def test_what_would_break_the_response_is_logged(
        self, header: tuple[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        assert application.sendable_headers([header]) == []
        assert "IISWSGI-H37" in caplog.text

    def test_bytes_outside_ascii_are_kept(self) -> None:
        headers = [("X", "M\xfcller"), ("Content-Length", "12")]
        assert application.sendable_headers(headers) == headers


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
    ],
)
def test_loopback(address: str, expected: bool) -> None:
    assert application.is_loopback(address) is expected
