"""One Chromium for all tests of this folder, and where the pictures go."""

from __future__ import annotations

import pytest

from browser import chromium
from functional.commands import ROOT

SCREENSHOTS = ROOT / ".cache" / "screenshots"
SCREENS = {"desktop": chromium.DESKTOP, "phone": chromium.PHONE}


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if chromium.find() is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with chromium.browsing(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(params=SCREENS)
def screen(request):
    return SCREENS[request.param]


@pytest.fixture
def picture(browser, request):
    """Takes a picture of the whole page into ``.cache/screenshots``, to be looked at."""

    def take(name):
        path = SCREENSHOTS / f"{name}-{request.node.callspec.params['screen']}.png"
        path.unlink(missing_ok=True)
        browser.picture(path)
        assert path.read_bytes().startswith(b"\x89PNG")

    return take


@pytest.fixture
def is_readable(browser, screen):
    """Asserts what every page of ours owes its reader on this screen."""

    def check():
        assert browser.value("document.documentElement.scrollWidth") <= screen["width"]
        for tag in ("p", "code", "th", "td"):
            size = f"getComputedStyle(document.querySelector('{tag}') || document.body).fontSize"
            assert float(browser.value(size).removesuffix("px")) >= 14
        assert browser.value("document.documentElement.lang") == "en"
        assert browser.value("document.title")
        # Nothing that a page is made of may run or load anything.
        assert browser.value("document.querySelectorAll('script, img, link, iframe').length") == 0

    return check
