"""Web frameworks as they are, each served as its page in docs/frameworks says.

The sites are tests/fixtureapps/*_site; what the pages show is taken from there, and each site has
the same five pages. They are served below the root, and one process answers all requests.
"""

from __future__ import annotations

import contextlib
import http.cookies
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple
from urllib.parse import urlencode

import docutils.core
import docutils.nodes
import pytest
from setuptools.config.setupcfg import read_configuration

from functional.sites import ON_WINE, TESTS, serving

PAGES = TESTS.parent / "docs" / "frameworks"
FIXTURES = TESTS / "fixtureapps"
FRAMEWORKS = ["bottle", "fastapi", "flask", "pyramid", "wsgi_file"]
"""Django has a test of its own, and its site the same pages."""

UPLOAD = 100 * 1024 * 1024
"""What issue 3 asks of Django: beyond all that is kept in memory anywhere."""


def blocks(page, name=""):
    """Name and text of a page's examples, or of the one with that name."""
    path = PAGES / f"{page}.rst"
    tree = docutils.core.publish_doctree(path.read_text(encoding="utf-8"), str(path))
    for node in tree.findall(docutils.nodes.literal_block):
        [found] = node["names"] or [""]
        if not name or name == found:
            yield found, node.astext() + "\n"


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.rst")))
def test_what_a_page_shows_is_what_is_served(page):
    """Each example is a file of the tested site; a line ``# ...`` stands for what is left out."""
    site = FIXTURES / f"{page.replace('-files', '_file')}_site"
    shown = {name: text for name, text in blocks(page) if name and name != "below-the-root"}
    assert "web.config" in shown
    for name, text in shown.items():
        have = site.joinpath(name).read_text(encoding="utf-8")
        end = 0
        for part in re.split(r"(?m)^ *# \.\.\.\n", text):
            assert part in have[end:], f"{name} has no\n{part}"
            end = have.index(part, end) + len(part)
        if name == "web.config":
            assert text == have


OTHER_COMMANDS = (
    r"py -m venv C:\inetpub\mysite",
    r"md C:\inetpub\mysite\data",
    r'icacls C:\inetpub\mysite\data /grant "IIS AppPool\DefaultAppPool:(OI)(CI)M"',
)


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.rst")))
def test_the_commands_of_a_page(page):
    options = read_configuration(TESTS.parent / "setup.cfg")["options"]["extras_require"]
    known = {re.split("[^A-Za-z0-9-]", each)[0] for each in options["test"]} | {"iiswsgi"}
    for name, text in blocks(page):
        for line in text.splitlines() if not name else ():
            if " pip install " in line:
                assert set(line.partition(" pip install ")[2].split()) <= known
            elif "manage.py" in line:
                assert line.partition("manage.py ")[2].split() in MANAGE
            else:
                assert line.strip() in OTHER_COMMANDS


def test_the_index_names_every_page():
    index = PAGES.with_suffix(".rst").read_text(encoding="utf-8")
    for path in PAGES.glob("*.rst"):
        assert f"frameworks/{path.name}" in index


def make_site(framework, folder):
    """A copy of the framework's site that runs with this Python."""
    site = folder / "mysite"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(FIXTURES / f"{framework}_site", site, ignore=ignored)
    config = site / "web.config"
    text = config.read_text(encoding="utf-8")
    text = text.replace(r"C:\inetpub\mysite\Scripts\python.exe", sys.executable)
    text = re.sub(
        r"C:\\inetpub\\mysite(\\[\w.\\]+)?",
        lambda match: str(site.joinpath(*(match[1] or "").strip("\\").split("\\"))),
        text,
    )
    config.write_text(text, encoding="utf-8")
    return site


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework(framework, tmp_path):
    if framework == "fastapi" and ON_WINE:
        try:
            import pydantic_core  # noqa: F401 - whether it can be
        except ImportError as error:
            pytest.skip(f"Wine 8 lacks bcryptprimitives.dll ({error}); run it on Windows")
    with serving(make_site(framework, tmp_path), virtual_path="/app") as client:
        check_pages(client, "/app")
        check_ended_well(client)


def test_django(tmp_path):
    site = make_site("django", tmp_path)
    manage(site)
    with serving(site) as client:
        check_pages(client, "")
        check_large_upload(client)
        check_admin(Browser(client))
        check_clock(client)
        assert client.pool.counters.started == 1
    [(_, below)] = blocks("django", "below-the-root")
    with (site / "mysite" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(below)
    with serving(site, virtual_path="/app") as client:
        check_style(Browser(client), "/app")
        assert Browser(client).get("/app/admin/").location.startswith("/app/admin/login/")


MANAGE = [
    ["migrate"],
    ["collectstatic", "--no-input"],
    ["createsuperuser", "--no-input", "--username", "zoe", "--email", "zoe@example.com"],
]
PASSWORD = "correct horse battery staple"


def manage(site):
    """Run Django's manage.py, as the page says; in one process, for Wine is slow to start one."""
    program = (
        "import json, runpy, sys\n"
        "script, commands = sys.argv[1], json.loads(sys.argv[2])\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "for command in commands:\n"
        "    sys.argv = [script, *command]\n"
        "    runpy.run_path(script, run_name='__main__')\n"
    )
    arguments = [str(site / "manage.py"), json.dumps(MANAGE), str(site)]
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        check=True,
        timeout=150,
        stdin=subprocess.DEVNULL,
    )


def check_large_upload(client):
    answer = client.post("/upload", Form(UPLOAD), [Form.content_type])
    assert answer.json == {"name": "grüße.bin", "size": UPLOAD}


def check_admin(browser):
    """Log in, with a wrong password first, and see what only those see who are logged in."""
    assert browser.get("/admin/").location == "/admin/login/?next=/admin/"
    check_style(browser, "")
    assert "errornote" in browser.log_in("wrong").text
    assert browser.log_in(PASSWORD).location == "/admin/"
    page = browser.get("/admin/")
    assert page.status == 200
    assert "/admin/auth/user/" in page.text
    assert "errornote" not in page.text


def check_style(browser, root):
    page = browser.get(f"{root}/admin/login/?next={root}/admin/")
    [style] = re.findall('href="([^"]+/base[^"]*.css)"', page.text)
    assert style.startswith(f"{root}/static/")
    assert b"{" in browser.get(style).body


def check_clock(client):
    """A stream without an end arrives while it goes on, and ends with its client."""
    reply = client.open("/clock")
    ticks = itertools.islice(reply, 3)
    assert all(tick.startswith(b"data: ") for tick in ticks)
    reply.close()


class Page(NamedTuple):
    """What a browser shows, and where it is sent instead."""

    status: int
    body: bytes
    location: str | None

    @property
    def text(self):
        return self.body.decode("utf-8")


class Browser:
    """Keeps cookies, and sends forms back with their hidden fields."""

    def __init__(self, client):
        self._client = client
        self._cookies = http.cookies.SimpleCookie()

    def get(self, target, method="GET", body=None, headers=()):
        cookies = "; ".join(f"{name}={each.value}" for name, each in self._cookies.items())
        headers = [*headers, ("Cookie", cookies), ("Referer", f"http://localhost{target}")]
        reply = self._client.open(target, method, body, headers)
        with contextlib.closing(reply):
            body = b"".join(reply)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                self._cookies.load(value)
        return Page(reply.status, body, dict(reply.headers).get("Location"))

    def log_in(self, password):
        target = "/admin/login/?next=/admin/"
        hidden = 'name="(csrfmiddlewaretoken|next)" value="([^"]+)"'
        fields = dict(re.findall(hidden, self.get(target).text))
        form = urlencode({**fields, "username": "zoe", "password": password}).encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        return self.get(target, "POST", form, headers)


def check_pages(client, root):
    """Ask for what all the sites have."""
    [link] = re.findall('href="([^"]+)"', client.get(f"{root}/").text)
    assert link == f"{root}/hello/Zo%C3%AB"
    assert client.get(link).text.strip() == "Hello, Zoë!"
    assert client.get(f"{root}/hello/%3Cb%3E").text.strip() == "Hello, &lt;b&gt;!"
    for length, chunked in ((0, False), (3_000_000, False), (100_000, True)):
        answer = client.post(f"{root}/upload", Form(length), [Form.content_type], chunked)
        assert answer.status == 200, answer.text
        assert answer.json == {"name": "grüße.bin", "size": length}
    streamed = client.get(f"{root}/stream")
    assert streamed.text == "line 0\nline 1\nline 2\n"
    kinds = [value for name, value in streamed.headers.items() if name.lower() == "content-type"]
    assert kinds[0].startswith("text/plain")
    assert client.get(f"{root}/fail").status == 500
    client.wait_for_log("RuntimeError: raised on request")


def check_ended_well(client):
    """One process has served all of it, and leaves as it should when it is asked to."""
    assert client.pool.counters.started == 1
    assert not client.pool.counters.failed
    client.site.close()
    [end] = [event for event in client.pool.events if " ended: " in event]
    assert end.endswith("it left with exit code 0"), end


class Form:
    """A form with a file of so many bytes, of which only one piece at a time exists."""

    content_type = ("Content-Type", "multipart/form-data; boundary=the-boundary")
    piece = bytes(range(256)) * 128

    def __init__(self, length):
        head = (
            '--the-boundary\r\nContent-Disposition: form-data; name="file"; filename="grüße.bin"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = b"\r\n--the-boundary--\r\n"
        self._length = len(head) + length + len(tail)
        self._pieces = itertools.chain([head], self._file(length), [tail, b""])

    def __len__(self):
        return self._length

    def _file(self, left):
        while left > 0:
            yield self.piece[:left]
            left -= len(self.piece)

    def read(self, size):
        assert size >= len(self.piece)
        return next(self._pieces)
