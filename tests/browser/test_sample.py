"""A browser opens what ``dev.py run`` serves; the pictures stay in .cache/screenshots."""

from __future__ import annotations

import html.parser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import iiswsgi
from functional.commands import ROOT, hosting

pytestmark = pytest.mark.browser

SCREENSHOTS = ROOT / ".cache" / "screenshots"


@pytest.fixture
def chromium(tmp_path):
    """Runs headless Chromium with some arguments; its standard output."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")

    def run(*arguments):
        command = [
            program,
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=5000",
            *arguments,
        ]
        if os.geteuid() == 0:  # as in CI; Chromium refuses its sandbox there
            command.insert(1, "--no-sandbox")
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True
        )
        return result.stdout.decode("utf-8")

    return run


@pytest.fixture(scope="module")
def url():
    """The sample site as ``python3 dev.py run`` serves it, on another port."""
    sys.path.insert(0, str(ROOT))
    import dev

    sys.path.remove(str(ROOT))
    with hosting(command=dev.host_command(sys.executable, str(dev.SAMPLE), "127.0.0.1:0")) as host:
        yield f"http://127.0.0.1:{host.port}"


class Rows(html.parser.HTMLParser):
    """The page's title, and the text of each table row by its heading."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.tag, self.title = [], None, ""
        self.feed(page)
        self.rows = dict(zip(self.cells[::2], self.cells[1::2], strict=True))

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        if tag in ("th", "td"):
            self.cells.append("")

    def handle_endtag(self, tag):
        self.tag = None

    def handle_data(self, data):
        if self.tag in ("th", "td"):
            self.cells[-1] += data
        elif self.tag == "title":
            self.title += data


def test_the_page_arrives_in_the_browser(chromium, url):
    page = Rows(chromium("--dump-dom", f"{url}/caf%C3%A9?x=<script>"))
    assert page.title == "iiswsgi test application"
    assert page.rows["iiswsgi"] == iiswsgi.__version__
    assert page.rows["Path"] == "/café"
    assert page.rows["SERVER_SOFTWARE"].startswith("Microsoft-IIS/")
    assert "Chrome" in page.rows["HTTP_USER_AGENT"]


@pytest.mark.parametrize(("name", "size"), [("desktop", "1100,1400"), ("phone", "500,1400")])
def test_a_picture(chromium, url, name, size):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = SCREENSHOTS / f"sample-{name}.png"
    picture.unlink(missing_ok=True)
    chromium(f"--screenshot={picture}", f"--window-size={size}", f"{url}/")
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
