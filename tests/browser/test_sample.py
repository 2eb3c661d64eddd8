"""A browser opens what ``dev.py run`` serves; the pictures stay in .cache/screenshots."""

from __future__ import annotations

import sys

import pytest

import iiswsgi
from functional.commands import ROOT, hosting

pytestmark = pytest.mark.browser

ROWS = """
Object.fromEntries([...document.querySelectorAll("tr")].map(row => [
    row.querySelector("th").textContent, row.querySelector("td").textContent]))
"""
"""The text of each table row by its heading."""


@pytest.fixture(scope="module")
def url():
    """The sample site as ``python3 dev.py run`` serves it, on another port."""
    sys.path.insert(0, str(ROOT))
    import dev

    sys.path.remove(str(ROOT))
    with hosting(command=dev.host_command(sys.executable, str(dev.SAMPLE), "127.0.0.1:0")) as host:
        yield f"http://127.0.0.1:{host.port}"


def test_the_page_arrives_in_the_browser(browser, url):
    browser.open(f"{url}/caf%C3%A9?x=<script>document.title='evil'</script>")
    rows = browser.value(ROWS)
    assert browser.value("document.title") == "iiswsgi test application"
    assert rows["iiswsgi"] == iiswsgi.__version__
    assert rows["Path"] == "/café"
    assert rows["SERVER_SOFTWARE"].startswith("Microsoft-IIS/")
    assert "Chrome" in rows["HTTP_USER_AGENT"]


def test_it_is_readable(browser, url, screen, is_readable, picture):
    said = browser.open(f"{url}/a-long-word-that-has-to-be-broken{'-' * 300}", screen)
    assert not said
    is_readable()
    browser.open(url, screen)
    picture("sample")


def test_hostile_text_stays_text(browser, url):
    evil = "</td></table><script>document.title='evil'</script><img src=x onerror=alert(1)>"
    with browser.sending({"X-Evil": evil}):
        said = browser.open(f"{url}/%3Cscript%3Edocument.title=1%3C/script%3E?{evil}")
    assert not said
    rows = browser.value(ROWS)
    assert rows["HTTP_X_EVIL"] == evil
    assert rows["Path"] == "/<script>document.title=1</script>"
    assert browser.value("document.title") == "iiswsgi test application"
    assert browser.value("document.querySelectorAll('script, img').length") == 0


def test_the_link_to_plain_text_leads_there(browser, url):
    browser.open(f"{url}/page")
    browser.follow("document.querySelector('a').click()")
    assert browser.value("document.contentType") == "text/plain"
    assert "PATH_INFO = /page\n" in browser.value("document.body.textContent")
