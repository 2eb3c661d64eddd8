from __future__ import annotations

import pytest

from iiswsgi.host import variables
from iiswsgi.host.variables import HttpRequest, InvalidTarget, Place, Rewrite, make_variables

ROOT = Place("C:\\Sites\\Shop", separator="\\")
APP = Place("C:\\Sites\\Shop", virtual_path="/app", separator="\\")


def made(target: str = "/", place: Place = ROOT, **options: object) -> dict[str, str]:
    arguments = {"headers": options.pop("headers", ())}
    for name in ("content_length", "method"):
        if name in options:
            arguments[name] = options.pop(name)
    request = HttpRequest(str(arguments.pop("method", "GET")), target, **arguments)
    return dict(make_variables(request, place, **options))


class TestOrderAndNames:
    def test_headers_then_modules_then_the_fixed_list(self) -> None:
        request = HttpRequest("GET", "/", [("Host", "h"), ("X-Foo", "1")])
        names = [name for name, _ in make_variables(request, ROOT, rewrite=Rewrite())]
        assert names[:3] == ["HTTP_HOST", "HTTP_X_FOO", "IIS_UrlRewriteModule"]
        assert names[3:] == list(variables.FIXED_NAMES)

    def test_the_fixed_list_has_the_41_names_of_iis(self) -> None:
        assert len(variables.FIXED_NAMES) == len(set(variables.FIXED_NAMES)) == 41

    def test_a_variable_without_a_value_is_sent_empty(self) -> None:
        values = made()
        for name in ("REMOTE_USER", "AUTH_TYPE", "AUTH_PASSWORD", "CONTENT_TYPE", "CERT_SUBJECT"):
            assert values[name] == ""

    def test_content_headers_are_sent_both_ways(self) -> None:
        values = made(
            method="POST",
            content_length=2,
            headers=[("Content-Type", "text/plain"), ("Content-Length", "2")],
        )
        assert values["CONTENT_TYPE"] == values["HTTP_CONTENT_TYPE"] == "text/plain"
        assert values["CONTENT_LENGTH"] == values["HTTP_CONTENT_LENGTH"] == "2"

    def test_get_has_length_0_and_a_chunked_upload_minus_1(self) -> None:
        assert made()["CONTENT_LENGTH"] == "0"
        chunked = made(content_length=-1, headers=[("Transfer-Encoding", "chunked")])
        assert chunked["CONTENT_LENGTH"] == "-1"
        assert chunked["HTTP_TRANSFER_ENCODING"] == "chunked"

    def test_headers_of_one_name_are_joined(self) -> None:
        values = made(
            headers=[("Accept", "a"), ("Cookie", "x=1"), ("accept", "b"), ("Cookie", "y")]
        )
        assert values["HTTP_ACCEPT"] == "a, b"
        assert values["HTTP_COOKIE"] == "x=1; y"


class TestPlace:
    def test_root(self) -> None:
        values = made("/a/b?x=1&y=+")
        assert values["SCRIPT_NAME"] == values["PATH_INFO"] == values["URL"] == "/a/b"
        assert values["REQUEST_URI"] == "/a/b?x=1&y=+"
        assert values["QUERY_STRING"] == "x=1&y=+"
        assert values["APPL_MD_PATH"] == "/LM/W3SVC/1/ROOT"
        assert values["INSTANCE_META_PATH"] == "/LM/W3SVC/1"
        assert values["APPL_PHYSICAL_PATH"] == "C:\\Sites\\Shop\\"
        assert values["DOCUMENT_ROOT"] == "C:\\Sites\\Shop"
        assert values["SCRIPT_FILENAME"] == values["PATH_TRANSLATED"] == "C:\\Sites\\Shop\\a\\b"

    def test_virtual_path(self) -> None:
        values = made("/App/x", APP)
        assert values["APPL_MD_PATH"] == "/LM/W3SVC/1/ROOT/app"
        assert values["SCRIPT_NAME"] == values["PATH_INFO"] == "/App/x"
        assert values["SCRIPT_FILENAME"] == "C:\\Sites\\Shop\\x"

    def test_fixed_words(self) -> None:
        values = made(headers=[("Host", "shop.example:8080")])
        assert values["SERVER_NAME"] == "shop.example"
        assert values["SERVER_SOFTWARE"] == "Microsoft-IIS/10.0"
        assert values["GATEWAY_INTERFACE"] == "CGI/1.1"
        assert (values["HTTPS"], values["SERVER_PORT_SECURE"]) == ("off", "0")

    def test_an_ipv6_host_keeps_its_brackets(self) -> None:
        assert made(headers=[("Host", "[::1]:8080")])["SERVER_NAME"] == "[::1]"

    def test_without_a_host_header_the_name_is_the_address(self) -> None:
        assert made()["SERVER_NAME"] == "127.0.0.1"


class TestScript:
    @pytest.mark.parametrize(
        ("handler", "path", "script", "rest"),
        [
            ("*", "/a.wsgi/b", "/a.wsgi/b", ""),
            ("*.wsgi", "/x/a.WSGI/b/c", "/x/a.WSGI", "/b/c"),
            ("*.wsgi", "/x/a.wsgi", "/x/a.wsgi", ""),
            ("*.wsgi", "/nothing/here", "/nothing/here", ""),
            ("run.wsgi", "/run.wsgi/b.wsgi", "/run.wsgi", "/b.wsgi"),
            ("api/run", "/api/run/x", "/api/run", "/x"),
            ("[a].wsgi", "/a.wsgi/b", "/a.wsgi/b", ""),
        ],
    )
    def test_where_the_scripts_name_ends(
        self, handler: str, path: str, script: str, rest: str
    ) -> None:
        values = made(path, handler_path=handler, allow_path_info=True)
        assert (values["SCRIPT_NAME"], values["PATH_INFO"]) == (script, rest)

    def test_without_allow_path_info_it_is_the_whole_path(self) -> None:
        values = made("/a.wsgi/b", handler_path="*.wsgi")
        assert (values["SCRIPT_NAME"], values["PATH_INFO"]) == ("/a.wsgi", "/a.wsgi/b")

    def test_below_a_virtual_path(self) -> None:
        values = made("/app/a.wsgi/b", APP, handler_path="a.wsgi", allow_path_info=True)
        assert (values["SCRIPT_NAME"], values["PATH_INFO"]) == ("/app/a.wsgi", "/b")


class TestEncoding:
    def test_a_path_outside_ascii_becomes_question_marks(self) -> None:
        values = made("/caf%C3%A9?q=%C3%A9")
        assert values["PATH_INFO"] == "/caf?"
        assert values["REQUEST_URI"] == "/caf%C3%A9?q=%C3%A9"
        assert values["QUERY_STRING"] == "q=%C3%A9"

    def test_the_registry_switch_gives_utf8(self) -> None:
        values = made("/caf%C3%A9", utf8_names={"PATH_INFO"})
        assert values["PATH_INFO"].encode("latin-1") == "/café".encode()
        assert values["SCRIPT_NAME"] == "/caf?"

    def test_bytes_that_are_no_utf8_are_read_as_windows_1252(self) -> None:
        assert variables.decode_path("/%E9%80") == "/é€"

    @pytest.mark.parametrize(
        ("raw", "decoded"),
        [
            ("/a%2Fb", "/a/b"),
            ("/a%25b", "/a%b"),
            ("//a//", "//a//"),
            ("/a+b", "/a+b"),
            ("/a/./b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/a/%2e%2e/b", "/b"),
            ("*", "*"),
        ],
    )
    def test_paths_are_decoded_once_and_resolved(self, raw: str, decoded: str) -> None:
        assert variables.decode_path(raw) == decoded

    @pytest.mark.parametrize("raw", ["/%", "/%4", "/%zz", "/a%00b", "/a%0D%0Ab", "/../x", "/.."])
    def test_what_http_sys_refuses(self, raw: str) -> None:
        with pytest.raises(InvalidTarget):
            variables.decode_path(raw)

    def test_a_header_keeps_its_bytes(self) -> None:
        assert made(headers=[("X-Name", "M\xc3\xbcller")])["HTTP_X_NAME"] == "M\xc3\xbcller"


class TestTargets:
    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            ("/a?b?c", ("/a", "b?c")),
            ("/a#f?b", ("/a", "")),
            ("http://host:80/a?b", ("/a", "b")),
            ("http://host", ("/", "")),
            ("http://host?q", ("/", "q")),
            ("//host/a", ("//host/a", "")),
            ("*", ("*", "")),
        ],
    )
    def test_split(self, target: str, expected: tuple[str, str]) -> None:
        assert variables.split_target(target) == expected


class TestRewrite:
    def test_the_module_alone(self) -> None:
        values = made(rewrite=Rewrite(), headers=[("X-Original-URL", "/forged")])
        assert values["IIS_UrlRewriteModule"]
        assert "IIS_WasUrlRewritten" not in values
        assert values["HTTP_X_ORIGINAL_URL"] == "/forged"

    def test_a_rewritten_request(self) -> None:
        values = made(
            "/handler.wsgi/caf%C3%A9",
            rewrite=Rewrite("/caf%C3%A9?x=1"),
            headers=[("X-Original-URL", "/forged")],
        )
        assert values["IIS_WasUrlRewritten"] == "1"
        assert values["UNENCODED_URL"] == values["HTTP_X_ORIGINAL_URL"] == "/caf%C3%A9?x=1"
