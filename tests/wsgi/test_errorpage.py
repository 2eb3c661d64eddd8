"""What a person sees, and what nobody may see."""

from __future__ import annotations

import html.parser

import pytest
from paste.deploy.config import PrefixMiddleware

from iiswsgi.wsgi.errorpage import ErrorPage, new_error_id
from tests.wsgi.helpers import Recorder, run

LOG = "C:\\Users\\pool\\Logs\\iiswsgi.log"
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
HTML = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}


def error():
    try:
        raise RuntimeError("<secret> & \ud800")
    except RuntimeError as raised:
        return raised


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_an_error_id_is_short_and_never_the_same():
    ids = {new_error_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(name) for name in ids} == {8}


@pytest.mark.parametrize("accept", [{}, HTML], ids=["text", "html"])
@pytest.mark.parametrize("exposed", [True, False])
@pytest.mark.parametrize("local", [True, False])
def test_who_is_told_what(accept, exposed, local):
    page = ErrorPage(log=LOG, expose_tracebacks=exposed)
    environ = {"REMOTE_ADDR": "127.0.0.1" if local else "10.0.0.7", **accept}
    status, headers, body = page.failed(environ, "1a2b3c4d", error())
    text = body.decode()
    assert status == "500 Internal Server Error"
    assert "1a2b3c4d" in text
    assert (LOG in text) is local
    assert ("Traceback" in text) is (local and exposed)
    assert ("secret" in text) is (local and exposed)
    assert dict(headers)["Content-Length"] == str(len(body))
    assert dict(headers)["Cache-Control"] == "no-store"


def test_a_page_in_html_is_whole_and_escaped():
    page = ErrorPage(log="<log>", expose_tracebacks=True)
    _, headers, body = page.failed({**LOCAL, **HTML}, "<id>", error())
    text = body.decode()
    assert dict(headers)["Content-Type"] == "text/html; charset=utf-8"
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    assert tags.seen == {
        *("html", "head", "meta", "title", "style", "body", "h1", "p", "code", "pre")
    }
    assert "&lt;secret&gt; &amp;" in text
    assert "&lt;log&gt;" in text
    assert "&lt;id&gt;" in text
    assert 'name="viewport"' in text


def test_a_page_in_plain_text():
    _, headers, body = ErrorPage().failed({"HTTP_ACCEPT": "*/*"}, "1a2b")
    assert dict(headers)["Content-Type"] == "text/plain; charset=utf-8"
    assert body.decode().splitlines()[0] == "500 Internal Server Error"
    assert body.endswith(b".\n")


def test_a_page_without_a_log_names_none():
    assert b"None" not in ErrorPage().failed(LOCAL, "1a2b").body


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("400 Bad Request", "how long it is"),
        ("413 Content Too Large", "larger than this site accepts"),
        ("431 Request Header Fields Too Large", "headers are too large"),
    ],
)
def test_a_refusal(status, words):
    page = ErrorPage(log=LOG).refused({}, status, "1a2b")
    assert page.status == status
    assert words in page.body.decode()


@pytest.mark.parametrize("exposed", [True, False])
@pytest.mark.parametrize("local", [True, False])
def test_an_application_that_could_not_be_loaded(exposed, local):
    page = ErrorPage(log=LOG, expose_tracebacks=exposed)
    stand_in = page.not_loaded("1a2b3c4d", error())
    remote = "127.0.0.1" if local else "10.0.0.7"
    _, response = run(stand_in, REMOTE_ADDR=remote)
    text = response.sent.decode()
    assert response.status == "500 Internal Server Error"
    assert "could not be loaded" in text
    assert "1a2b3c4d" in text
    assert (LOG in text) is local
    assert ("secret" in text) is (local and exposed)


def test_an_application_that_could_not_be_loaded_for_an_unknown_reason():
    response = Recorder()
    run(ErrorPage(expose_tracebacks=True).not_loaded("1a2b"), response=response, **LOCAL)
    assert "Traceback" not in response.sent.decode()


@pytest.mark.parametrize("given", [True, False])
def test_middleware_makes_nobody_local(given):
    """PasteDeploy's own takes REMOTE_ADDR from a header, and the header away."""

    def application(environ, start_response):
        raise RuntimeError("secret")

    headers = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    if given:
        headers = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}
    page = ErrorPage(log=LOG, expose_tracebacks=True)
    _, response = run(
        PrefixMiddleware(application, prefix=""), error_page=page, variables=headers, **headers
    )
    text = response.sent.decode()
    assert "Error id" in text
    assert "secret" not in text
    assert LOG not in text
