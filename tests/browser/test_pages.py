"""The gateway's own pages in a browser, on a desk and on a telephone."""

from __future__ import annotations

import pytest

from functional.commands import hosting
from functional.sites import make_site
from iiswsgi.wsgi.errorpage import ErrorPage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A site whose application fails on request."""
    options = "expose_tracebacks = true\nmax_request_body = 1000"
    with hosting(str(make_site(tmp_path_factory.mktemp("fails"), options=options))) as host:
        yield f"http://127.0.0.1:{host.port}"


def text(browser, said, status):
    """What the page says; Chromium itself must complain of nothing but the status."""
    assert all(f"status of {status} " in line for line in said)
    return browser.value("document.body.innerText")


def test_a_failure_seen_from_elsewhere(browser, url, screen, is_readable, picture):
    # As if a proxy on this machine had passed it on.
    with browser.sending({"X-Forwarded-For": "192.0.2.1"}):
        page = text(browser, browser.open(f"{url}/raise", screen), 500)
    assert "Error id: " in page
    assert "in the server's log" in page
    assert "secret-detail" not in page
    assert "iiswsgi.log" not in page
    is_readable()
    picture("500")


def test_a_failure_seen_on_the_server(browser, url, screen, is_readable, picture):
    page = text(browser, browser.open(f"{url}/raise", screen), 500)
    assert "iiswsgi.log" in page
    assert "RuntimeError: raised on request: secret-detail" in page
    is_readable()
    picture("500-local")


def test_in_the_dark(browser, url):
    browser.open(f"{url}/raise", dark=True)
    colours = "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
    assert browser.value(colours)[0] == "rgb(255, 255, 255)"


def test_an_application_that_cannot_be_loaded(browser, tmp_path, screen, is_readable, picture):
    site = make_site(tmp_path, "paste.app_factory = fixtureapps.app:make_broken_app")
    with hosting(str(site)) as host:
        page = text(browser, browser.open(f"http://127.0.0.1:{host.port}/", screen), 500)
    assert "could not be loaded" in page
    assert "Error id: " in page
    assert "iiswsgi.log" in page
    assert "cannot be loaded" not in page  # the exception's own words
    is_readable()
    picture("cannot-load")


def test_a_body_that_is_too_large(browser, url, screen, is_readable, picture):
    form = "<form method=post action=/count><textarea name=a></textarea></form>"
    browser.open(f"{url}/", screen)
    browser.value(f"document.body.innerHTML = '{form}'")
    browser.value("document.querySelector('textarea').value = 'x'.repeat(2000)")
    said = browser.follow("document.querySelector('form').submit()")
    page = text(browser, said, 413)
    assert page.startswith("413 Content Too Large")
    assert "Error id: " in page
    is_readable()
    picture("413")


def test_headers_that_are_too_large(browser, tmp_path, screen, is_readable, picture):
    site = make_site(tmp_path, options="max_params_bytes = 4K")
    with hosting(str(site)) as host, browser.sending({"Cookie": "a=" + "b" * 5000}):
        page = text(browser, browser.open(f"http://127.0.0.1:{host.port}/", screen), 431)
    assert page.startswith("431 Request Header Fields Too Large")
    assert "cookies" in page
    assert "Error id: " in page
    is_readable()
    picture("431")


def test_a_length_that_is_wrong(browser, screen, is_readable, picture):
    """No browser sends such a request."""
    page = ErrorPage().refused({"HTTP_ACCEPT": "text/html"}, "400 Bad Request", "1a2b3c4d")
    browser.open("about:blank", screen)
    frame = browser.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
    browser.call("Page.setDocumentContent", frameId=frame, html=page.body.decode())
    assert "Error id: 1a2b3c4d" in browser.value("document.body.innerText")
    is_readable()
    picture("400")


def test_the_stand_ins_own_page(browser, url, screen, is_readable, picture):
    browser.open(f"{url}/", screen)  # else it dies before it has answered anything
    page = text(browser, browser.open(f"{url}/exit/7?<b>", screen), 500)
    assert "The worker died while it served this request" in page
    assert "0x00000007" in page
    is_readable()
    picture("stand-in")
    with browser.sending({"X-Forwarded-For": "192.0.2.1"}):
        page = text(browser, browser.open(f"{url}/exit/7", screen), 500)
    assert "0x00000007" not in page
    is_readable()
