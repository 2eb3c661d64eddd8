from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.host import request
from iiswsgi.host.variables import HttpRequest

from .fakes import CONFIG, FakePool, failure, site_from


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    request.add_arguments(parser)
    return parser.parse_args(["site", *arguments])


def made(*arguments: str) -> HttpRequest:
    args = parsed(*arguments)
    return request.request_from(args, request.body_from(args.data))


class TestRequestFrom:
    def test_a_path(self) -> None:
        asked = made("/a b/caf\xe9?q=\xe9%20")
        assert asked.target == "/a%20b/caf%C3%A9?q=%C3%A9%20"
        assert asked.method == "GET"
        assert asked.content_length == 0
        assert ("Host", "localhost") in asked.headers

    def test_a_whole_url(self) -> None:
        asked = made("http://shop.example:8080/x?y")
        assert asked.target == "/x?y"
        assert ("Host", "shop.example:8080") in asked.headers
        assert asked.server_port == 8080
        assert made("http://shop.example").target == "/"
        assert made("http://t/x").target == "/x"  # the host's name is in http:// too
        assert made("http://shop.example?x").target == "/?x"

    def test_data_is_a_post_with_a_length(self) -> None:
        asked = made("/", "-d", "a=\xe9")
        assert asked.method == "POST"
        assert asked.content_length == 4
        assert ("Content-Length", "4") in asked.headers
        assert ("Content-Type", "application/x-www-form-urlencoded") in asked.headers

    def test_the_users_headers_replace_the_usual_ones(self) -> None:
        asked = made("/", "-d", "{}", "-H", "content-type: application/json", "-H", "Host:h")
        assert [v for k, v in asked.headers if k.lower() == "content-type"] == ["application/json"]
        assert [v for k, v in asked.headers if k.lower() == "host"] == ["h"]

    def test_chunked(self) -> None:
        asked = made("/", "-d", "abc", "-H", "Transfer-Encoding: chunked")
        assert asked.content_length == -1
        assert "Content-Length" not in dict(asked.headers)

    def test_any_method(self) -> None:
        assert made("/", "-X", "PATCH", "-d", "x").method == "PATCH"

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"\x00\xff\n")
        assert request.body_from(f"@{tmp_path / 'data'}") == b"\x00\xff\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ("nothing",),
            ("https://shop.example/",),
            ("ftp://shop.example/",),
            ("http:///x",),
            ("http://h:port/",),
            ("/a\r\nX: y",),
            ("http://h/\x7f",),
            ("/", "-X", "A\r\nB"),
            ("/", "-X", "A B"),
            ("/", "-H", "no colon"),
            ("/", "-H", "bad name: x"),
            ("/", "-H", "X: a\r\nY: b"),
            ("/", "-d", "@/nonexistent/file"),
            ("/\udcff",),
            ("/", "-H", "X: \udcff"),
            ("/", "-d", "\udcff"),
        ],
    )
    def test_what_cannot_be_asked(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(SettingError, match="IISWSGI-H41"):
            made(*arguments)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("/", "-H", "Bad name Authorization: x1y2"),
            ("ftp://jo:x1y2@shop.example/",),
            ("https://jo:x1y2@shop.example/",),
            ("nothing?password=x1y2",),
        ],
    )
    def test_what_is_secret_in_it_is_not_told(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(SettingError, match=r"IISWSGI-H41: .*\*\*\*") as caught:
            made(*arguments)
        assert "x1y2" not in str(caught.value)


class TestShowAnswer:
    @pytest.fixture(autouse=True)
    def _site(self, tmp_path: Path) -> None:
        self.site = site_from(tmp_path, CONFIG)

    def shown(self, target: str = "/") -> tuple[bool, str]:
        out = io.BytesIO()
        complete = request.show_answer(self.site, HttpRequest("GET", target), b"", out)
        return complete, out.getvalue().decode()

    def test_a_response(self) -> None:
        FakePool.answers(status=201, headers=[("X", "1")], chunks=[b"a", b"b"])
        complete, text = self.shown()
        assert complete
        assert text == "HTTP/1.1 201 As Asked\nX: 1\n\nab"
        assert FakePool.made[0].closed_replies == 1

    def test_an_error_of_the_application(self) -> None:
        FakePool.answers(status=500, chunks=[b"sorry"])
        complete, text = self.shown()
        assert not complete
        assert text.endswith("sorry")

    def test_a_failure_in_words(self) -> None:
        FakePool.replies.append(failure("died_in_start", exit_code=1, log_lines=("gone",)))
        complete, text = self.shown()
        assert not complete
        assert text.startswith("HTTP/1.1 500 Internal Server Error\n")
        assert "The worker died before it answered anything" in text
        assert "gone" not in text  # the log is printed for itself
        assert "Log: " not in text  # which is in a folder that goes at the end
        assert "More about it: " in text

    def test_a_response_that_is_broken_off(self, capsys: pytest.CaptureFixture[str]) -> None:
        FakePool.answers(chunks=[b"half", failure("killed")])
        complete, text = self.shown()
        assert not complete
        assert text.endswith("half")
        assert "broken off" in capsys.readouterr().err

    @pytest.mark.parametrize(("length", "whole"), [("3", True), ("10", False), ("2", False)])
    def test_the_length_that_was_promised(
        self, length: str, whole: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        FakePool.answers(headers=[("content-length", length)], chunks=[b"a", b"bc"])
        complete, text = self.shown()
        assert complete is whole
        assert text.endswith("abc")
        said = f"Content-Length says {length} bytes, and 3 came"
        assert (said in capsys.readouterr().err) is not whole

    @pytest.mark.parametrize(
        ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 103)]
    )
    def test_a_length_without_a_body(self, method: str, status: int) -> None:
        FakePool.answers(status=status, headers=[("Content-Length", "10")])
        out = io.BytesIO()
        assert request.show_answer(self.site, HttpRequest(method, "/"), b"", out)

    def test_a_length_that_is_none(self) -> None:
        FakePool.answers(headers=[("Content-Length", "many")], chunks=[b"a"])
        assert self.shown()[0]

    def test_a_refusal_below_500_is_an_answer(self) -> None:
        complete, text = self.shown("/a+b")
        assert complete
        assert "404.11" in text

    def test_the_worker_afterwards(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.shown()
        request.show_worker(self.site)
        shown = capsys.readouterr().err
        assert "--- the worker's log\nrequest 1 logged\n" in shown
        assert "--- the worker\nprocess 7 started\n" in shown
        assert FakePool.made[0].closed == 1
