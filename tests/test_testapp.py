from __future__ import annotations

from html.parser import HTMLParser
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

import iiswsgi
from iiswsgi.testapp import make_test_app


def ask(**variables):
    """The page's status, headers and text for an environ with these variables."""
    environ = {"QUERY_STRING": ""}
    setup_testing_defaults(environ)
    environ.update(variables)
    seen = []
    body = validator(make_test_app({}))(environ, lambda *head: seen.append(head) or bytearray)
    try:
        text = b"".join(body).decode("utf-8")
    finally:
        body.close()
    [(status, headers)] = [head[:2] for head in seen]
    return status, dict(headers), text


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self._row = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self._row = []
        elif tag in ("th", "td"):
            self._row.append("")

    def handle_data(self, data):
        if self._row:
            self._row[-1] += data

    def handle_endtag(self, tag):
        if tag == "tr":
            name, value = self._row
            self.rows[name] = value
            self._row = None


def test_the_page_shows_the_environ_and_a_summary():
    status, headers, text = ask(SCRIPT_NAME="/app", PATH_INFO="/caf\xc3\xa9", X_ANY="a value")
    assert status == "200 OK"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    rows = Page(text).rows
    assert rows["iiswsgi"] == iiswsgi.__version__
    assert rows["Mount point"] == "/app"
    assert rows["Path"] == "/café"
    assert rows["X_ANY"] == "a value"
    assert rows["wsgi.version"] == "(1, 0)"


class Loud:
    def __repr__(self):
        return "hunter2"


def test_the_page_says_where_to_look_when_something_fails():
    for query in ("", "format=text"):
        _, _, page = ask(QUERY_STRING=query)
        assert "error id" in page
        assert "python -m iiswsgi log" in page


def test_of_objects_only_the_kind_is_shown():
    config = {"sqlalchemy.url": "postgres://jo:hunter2@db"}
    for query in ("", "format=text"):
        extra = {"paste.config": config, "x.loud": Loud(), "x.pair": (1, "hunter2")}
        text = ask(QUERY_STRING=query, **extra)[2]
        assert "hunter2" not in text
    lines = text.splitlines()
    assert {"paste.config = (dict)", "x.loud = (Loud)", "x.pair = (tuple)"} <= {*lines}
    assert {"wsgi.version = (1, 0)", "wsgi.run_once = 0"} <= {*lines}


def test_the_root_is_named_as_such():
    _, _, text = ask(SCRIPT_NAME="")
    assert Page(text).rows["Mount point"] == "/ (the root of the site)"


def test_variables_are_sorted():
    _, _, text = ask(ZZZ="1", AAA="2")
    names = [line.split(" = ")[0] for line in ask(QUERY_STRING="format=text")[2].splitlines()]
    environ = names[names.index("") + 1 :]
    assert environ == sorted(environ)
    assert list(Page(text).rows).index("AAA") < list(Page(text).rows).index("ZZZ")


def test_plain_text_on_request():
    _, headers, text = ask(QUERY_STRING="format=text", X_ANY="<b>")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "X_ANY = <b>\n" in text


def test_nothing_from_the_request_becomes_markup():
    evil = "</td><script>alert(1)</script>"
    _, headers, text = ask(PATH_INFO="/" + evil, HTTP_USER_AGENT=evil, **{f"HTTP_{evil}": "x"})
    page = Page(text)
    assert "script" not in page.tags
    assert page.rows["HTTP_USER_AGENT"] == evil
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name",
    [
        "AUTH_PASSWORD",
        "HTTP_AUTHORIZATION",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_COOKIE",
        "CERT_COOKIE",
        "HTTP_X_API_KEY",
        "HTTP_X_CSRF_TOKEN",
        "my.client_secret",
        "HTTP_X_PWD",
        "HTTP_X_CREDENTIAL",
        "HTTP_X_AUTH",
        "ALL_HTTP",
        "ALL_RAW",
    ],
)
def test_secrets_are_hidden(name):
    for query in ("", "format=text"):
        text = ask(QUERY_STRING=query, **{name: "hunter2"})[2]
        assert "hunter2" not in text
        assert "(hidden)" in text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("QUERY_STRING", "a=b&password=hunter2", "a=b&password=***"),
        ("QUERY_STRING", "a=b&user%5Bpassword%5D=hunter2", "a=b&user[password]=***"),
        ("QUERY_STRING", "p%61ssword=hunter2&token=x", "password=***"),
        ("QUERY_STRING", "next=%2Fa%3Ftoken%3Dhunter2", "next=/a?token=***"),
        ("REQUEST_URI", "http://jo:hunter2@host/a%20b", "http://jo:***@host/a b"),
        ("REQUEST_URI", "/a?api_key=hunter2&c=d", "/a?api_key=***"),
        ("UNENCODED_URL", "/a?session_id=hunter2", "/a?session_id=***"),
        ("HTTP_REFERER", "http://host/?pwd=hunter2", "http://host/?pwd=***"),
        ("PATH_INFO", "/reset/token=hunter2", "/reset/token=***"),
        ("QUERY_STRING", "a=%20&b=c", "a=%20&b=c"),
    ],
)
def test_secrets_within_a_value_are_hidden(name, value, shown):
    text = ask(**{name: value})[2]
    assert "hunter2" not in text
    assert Page(text).rows[name] == shown


def test_an_empty_secret_is_shown_as_empty_and_a_key_size_is_none():
    rows = Page(ask(AUTH_PASSWORD="", HTTPS_SECRETKEYSIZE="2048")[2]).rows
    assert rows["AUTH_PASSWORD"] == ""
    assert rows["HTTPS_SECRETKEYSIZE"] == "2048"


def test_odd_characters_do_not_break_the_page():
    _, _, text = ask(
        QUERY_STRING="format=text", X_ODD="a\nb = c", X_LONE="\udcff", PATH_INFO="/\xff"
    )
    assert "X_ODD = 'a\\nb = c'\n" in text
    assert "X_LONE = '\\udcff'\n" in text
    assert "Path: /\\xff\n" in text


def test_a_path_forges_no_line():
    _, _, text = ask(QUERY_STRING="format=text", PATH_INFO="/x\nIdentity: root\xe2\x80\xae")
    assert "Path: '/x\\nIdentity: root\\u202e'\n" in text


def test_head_has_the_length_and_no_body():
    status, headers, text = ask(REQUEST_METHOD="HEAD")
    assert status == "200 OK"
    assert int(headers["Content-Length"]) > 0
    assert text == ""


def test_identity_names_the_application_pool(monkeypatch):
    monkeypatch.setenv("APP_POOL_ID", "MyPool")
    assert "application pool MyPool" in Page(ask()[2]).rows["Identity"]


def test_an_unknown_account_is_no_error(monkeypatch):
    def unknown():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert Page(ask()[2]).rows["Identity"].startswith("unknown")


def test_the_section_may_hold_anything():
    assert callable(make_test_app({"here": "/x"}, debug="true", **{"sqlalchemy.url": "x"}))
