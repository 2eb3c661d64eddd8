"""What an application may say in a head, and what is done about the rest."""

from __future__ import annotations

import pytest

from iiswsgi.errors import ApplicationError
from iiswsgi.wsgi import headers
from iiswsgi.wsgi.headers import checked_headers, checked_status

LIMIT = 1000


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "299 ", "200", "599 Caf\xe9"])
def test_a_status(status):
    assert checked_status(status)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "204"])
def test_a_status_that_has_no_body(status):
    assert not checked_status(status)


@pytest.mark.parametrize(
    "status",
    [
        *("", "20", "2000 OK", "OK", "200OK", " 200 OK", "101 Switching Protocols", "100 Continue"),
        *("200 OK\r\nSet-Cookie: a", "200 OK\n", "200 \0", "200 \u20ac", "\u0662\u0660\u0660 OK"),
        *(b"200 OK", 200, None, ["200 OK"]),
    ],
    ids=repr,
)
def test_no_status(status):
    with pytest.raises(ApplicationError, match="IISWSGI-W06"):
        checked_status(status)


def test_headers_come_out_in_a_list_of_their_own():
    given = [("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("x_odd.name", "")]
    kept, promised = checked_headers(given, LIMIT)
    assert kept == given
    assert kept is not given
    assert promised is None


@pytest.mark.parametrize("value", ["", "caf\xe9", "a\tb", "\xa0", "\x85", "utf-8 \xc3\xa9"])
def test_a_value(value):
    assert checked_headers([("X", value)], LIMIT)[0] == [("X", value)]


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\r\nSet-Cookie: x", "a\rb", "\n", "\0", "\x0b", "\x1f", "\x7f", "\u20ac", "\ud800"],
    ids=ascii,
)
def test_no_value(value):
    with pytest.raises(ApplicationError, match="IISWSGI-W06: the value of the header X-Odd"):
        checked_headers([("X-Odd", value)], LIMIT)


@pytest.mark.parametrize(
    "name", ["", " ", "X Y", "X:", "X\n", "X\r\nY", "X\0", "caf\xe9", "(X)", "X\u212a"], ids=ascii
)
def test_no_name(name):
    with pytest.raises(ApplicationError, match="IISWSGI-W06: the header name"):
        checked_headers([(name, "x")], LIMIT)


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, (), {}, iter([]), [["X", "y"]], [("X",)], [("X", "y", "z")], ["Xy"], [None]),
        *([("X", None)], [("X", 1)], [("X", b"y")], [(b"X", "y")], [(["X"], "y")]),
    ],
    ids=repr,
)
def test_no_headers(wrong):
    with pytest.raises(ApplicationError, match="IISWSGI-W06"):
        checked_headers(wrong, LIMIT)


def test_a_subclass_of_str_is_made_plain():
    class Markup(str):
        __slots__ = ()

        def __str__(self):
            return "no"

        def __add__(self, other):
            return "no"

    [(name, value)], _ = checked_headers([(Markup("X"), Markup("y"))], LIMIT)
    assert (type(name), type(value)) == (str, str)
    assert (name, value) == ("X", "y")


@pytest.mark.parametrize(
    "name", ["Connection", "keep-alive", "Transfer-Encoding", "TE", "Upgrade", "Trailer", "STATUS"]
)
def test_what_is_the_servers_affair_is_dropped_and_said_once(name, caplog, monkeypatch):
    monkeypatch.setattr(headers, "_reported", set())
    for _ in range(3):
        kept, _ = checked_headers([("X", "1"), (name, "x"), ("Y", "2")], LIMIT)
        assert kept == [("X", "1"), ("Y", "2")]
    assert caplog.text.count("IISWSGI-W08") == 1
    assert name.lower() in caplog.text


def test_the_length():
    kept, promised = checked_headers([("CONTENT-length", "12")], LIMIT)
    assert promised == 12
    assert kept == [("CONTENT-length", "12")]


def test_two_equal_lengths_are_one():
    kept, promised = checked_headers([("Content-Length", "5"), ("content-length", "5")], LIMIT)
    assert promised == 5
    assert kept == [("Content-Length", "5")]


def test_two_lengths_that_differ():
    with pytest.raises(ApplicationError, match="two Content-Length headers, 5 and 6"):
        checked_headers([("Content-Length", "5"), ("content-length", "6")], LIMIT)


@pytest.mark.parametrize(
    "value", ["", "-1", "+1", "1.0", "1e3", " 1", "five", "5, 5", "\xb2", "9" * 5000], ids=ascii
)
def test_no_length(value):
    with pytest.raises(ApplicationError, match="is no number"):
        checked_headers([("Content-Length", value)], LIMIT)


def test_the_limit_is_on_the_whole_head():
    assert checked_headers([("X", "y" * 490), ("Y", "z" * 494)], LIMIT, "200 OK")
    with pytest.raises(ApplicationError, match=r"IISWSGI-W09: .* 2 headers have 1001 bytes"):
        checked_headers([("X", "y" * 490), ("Y", "z" * 495)], LIMIT, "200 OK")
    with pytest.raises(ApplicationError, match="IISWSGI-W09"):
        checked_headers([("a", "")] * 201, LIMIT)
    with pytest.raises(ApplicationError, match="IISWSGI-W09"):
        checked_headers([], LIMIT, "200 " + "x" * 1000)


@pytest.mark.parametrize("name", ["Set-Cookie: a=secret", "Set-Cookie\r\nX-Secret", ": secret"])
def test_a_name_that_is_none_is_not_shown_to_its_end(name):
    with pytest.raises(ApplicationError) as raised:
        checked_headers([(name, "x")], LIMIT)
    assert "ecret" not in str(raised.value)


def test_a_status_that_is_none_is_not_shown_to_its_end():
    with pytest.raises(ApplicationError) as raised:
        checked_status("200 OK\r\nSet-Cookie: secret")
    assert "secret" not in str(raised.value)
