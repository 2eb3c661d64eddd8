import sys

import pytest

from iiswsgi.runtime import convert
from iiswsgi.runtime.convert import TcpAddress, UnixAddress


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("65536", 65536), ("64K", 65536), ("1 m", 1 << 20), ("2G", 2 << 30)],
)
def test_sizes(text, size):
    assert convert.size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5M", "K", "1T", "1MB", "9" * 19, "१"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="number of bytes"):
        convert.size(text)


def test_a_least_size():
    assert convert.size_from(1024)("1K") == 1024
    with pytest.raises(ValueError, match="at least 1024"):
        convert.size_from(1024)("1023")


def test_counts():
    count = convert.count_from(1, 100)
    assert [count("1"), count("100")] == [1, 100]
    for text in ["0", "101", "", "x", "1.0", "-1", "9" * 5000]:
        with pytest.raises(ValueError, match="whole number from 1 to 100"):
            count(text)


def test_seconds():
    assert [convert.seconds("0"), convert.seconds("0.5"), convert.seconds("86400")] == [
        0,
        0.5,
        86400,
    ]
    for text in ["-1", "nan", "inf", "", "1s", "86401"]:
        with pytest.raises(ValueError, match="seconds"):
            convert.seconds(text)


def test_flags_are_strict():
    assert all(convert.flag(text) for text in ["true", "Yes", "ON", "1"])
    assert not any(convert.flag(text) for text in ["false", "No", "OFF", "0"])
    for text in ["", "tru", "2", "enabled"]:
        with pytest.raises(ValueError, match="true or false"):
            convert.flag(text)


def test_levels():
    assert [convert.level("debug"), convert.level("WARNING")] == [10, 30]
    with pytest.raises(ValueError, match="debug, info"):
        convert.level("loud")


def test_log_files_are_absolute(tmp_path):
    assert convert.log_file(str(tmp_path)) == str(tmp_path)
    assert convert.log_file("-") == convert.STDERR
    for text in ["", "iiswsgi.log", f"{tmp_path}\0"]:
        with pytest.raises(ValueError, match="absolute path"):
            convert.log_file(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ""),
        ("/", ""),
        ("/app", "/app"),
        ("/a/b/", "/a/b"),
        ("/caf\u00e9", "/caf\u00e9"),
        ("/my app", "/my app"),
        ("/100%", "/100%"),
    ],
)
def test_script_names(text, name):
    assert convert.script_name(text) == name


@pytest.mark.parametrize(
    "text", ["app", "/a?b", "/a#b", "/a\r\nb", "http://x/", "/a%20b", "/\ud800"]
)
def test_no_script_names(text):
    with pytest.raises(ValueError, match=r"begins with /|as it reads|surrogates"):
        convert.script_name(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", TcpAddress("127.0.0.1", 9000)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("[::1]:9000", TcpAddress("::1", 9000)),
        ("[fe80::1%eth0]:1", TcpAddress("fe80::1%eth0", 1)),
    ],
)
def test_tcp_addresses(text, address):
    assert convert.address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "9000", ":9000", "::1:9000", "host", "host:", "host:65536", "h:1:2", "a b:1"]
)
def test_no_tcp_addresses(text):
    with pytest.raises(ValueError, match="host:port"):
        convert.address(text)


if sys.platform != "win32":

    def test_unix_addresses():
        assert convert.address("unix:/run/app.sock") == UnixAddress("/run/app.sock")
        assert str(UnixAddress("/run/app.sock")) == "unix:/run/app.sock"

    @pytest.mark.parametrize("text", ["unix:", "unix:app.sock", "unix:/a\0b"])
    def test_no_unix_addresses(text):
        with pytest.raises(ValueError, match="absolute"):
            convert.address(text)

else:

    def test_no_unix_addresses_on_windows():
        with pytest.raises(ValueError, match="no UNIX sockets"):
            convert.address("unix:/run/app.sock")


def test_one_of_some_words():
    convert_format = convert.one_of("text", "json")
    assert [convert_format("json"), convert_format("TEXT")] == ["json", "text"]
    for text in ["", "xml", "jsonl"]:
        with pytest.raises(ValueError, match="one of text, json"):
            convert_format(text)
