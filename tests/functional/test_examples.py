"""The example sites, each from its own web.config.in."""

from __future__ import annotations

import re
import shutil
from urllib.parse import urlencode

import pytest

import iiswsgi
from functional.sites import EXAMPLES, serving

FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.fixture
def example(tmp_path):
    """Serves a copy of an example, so that nothing is written beside the original."""

    def serve(name, virtual_path=""):
        folder = tmp_path / name
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return serving(folder, virtual_path=virtual_path)

    return serve


def test_the_sample_shows_the_test_application(example):
    with example("sample.msdeploy") as client:
        text = client.get("/some/page?format=text").text
        assert f"iiswsgi: {iiswsgi.__version__}\n" in text
        assert "PATH_INFO = /some/page\n" in text
        assert client.get("/").headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("mount", ["", "/app/sub"])
def test_pyramid(example, mount):
    """Forms, sessions, redirects, links and uploads, at the root and below it."""
    with example("pyramid.msdeploy", mount) as client:
        page = client.get(f"{mount}/")
        assert page.status == 200
        token = re.search('name="csrf_token" value="([0-9a-f]+)"', page.text)[1]
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        form = urlencode({"csrf_token": token, "name": "Zoë <b>"}).encode()

        assert client.post(f"{mount}/", form, FORM).status == 400  # no session, so a forged form
        signed = client.post(f"{mount}/", form, [*FORM, ("Cookie", cookie)])
        assert signed.status == 303
        assert signed.headers["Location"] == f"http://localhost{mount}/"
        cookie = signed.headers["Set-Cookie"].partition(";")[0]

        text = client.get(f"{mount}/", headers=[("Cookie", cookie)]).text
        assert "Signed 1 times" in text
        [link] = re.findall('href="([^"]*/guest/[^"]+)"', text)
        assert link.startswith(f"{mount}/guest/")
        assert "Zoë &lt;b&gt; was here." in client.get(link).text

        style = f"{mount}/static/style.css"
        assert f'href="{style}"' in text
        assert client.get(style).headers["Content-Type"].startswith("text/css")
        assert client.get(f"{mount}/nothing").status == 404
        client.wait_for_log("'Zoë <b>' signed")

        upload = (
            (
                f'--B\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
                '--B\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
            + bytes(3_000_000)
            + b"\r\n--B--\r\n"
        )
        multipart = [("Content-Type", "multipart/form-data; boundary=B"), ("Cookie", cookie)]
        assert (
            "big.bin: <b>3000000</b> bytes"
            in client.post(f"{mount}/upload", upload, multipart).text
        )
