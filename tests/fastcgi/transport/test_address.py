"""Addresses to listen on: had, or refused with the reason."""

import os
import socket

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.fastcgi.transport import address
from iiswsgi.fastcgi.transport.address import open_listener

unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="this Python has no Unix sockets; run it on POSIX"
)


def test_an_address_that_is_taken_says_so():
    with open_listener(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(SettingError) as raised:
            open_listener(("127.0.0.1", port))
    text = str(raised.value)
    assert text.startswith(f"IISWSGI-S10: listen = 127.0.0.1:{port} cannot be had (")
    assert text.endswith("; another process holds it")


def test_an_address_of_another_machine_says_so():
    with pytest.raises(SettingError, match=r"S10.*; it is not an address of this machine$"):
        open_listener(("192.0.2.1", 9))


def test_a_host_that_nobody_knows_says_so(monkeypatch):
    def unknown(sock, address):
        sock.close()
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(address, "_listen", unknown)
    with pytest.raises(SettingError, match=r"S10.*; the host's name is not known here$"):
        open_listener(("nobody.invalid", 9))


@unix_sockets
def test_a_unix_socket_without_its_folder_says_so(tmp_path):
    with pytest.raises(SettingError, match=r"S10.*; the folder .* is not there$"):
        open_listener(str(tmp_path / "gone" / "app.sock"))


@unix_sockets
def test_a_unix_socket_takes_the_place_of_a_dead_one(tmp_path):
    path = str(tmp_path / "app.sock")
    open_listener(path).close()
    assert os.path.exists(path)
    with open_listener(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


@unix_sockets
def test_a_unix_socket_leaves_a_living_one_and_files_alone(tmp_path):
    path = str(tmp_path / "app.sock")
    with open_listener(path), pytest.raises(SettingError, match="a living process answers"):
        open_listener(path)
    file = tmp_path / "file"
    file.write_text("precious", encoding="utf-8")
    with pytest.raises(SettingError, match="something else"):
        open_listener(str(file))
    assert file.read_text(encoding="utf-8") == "precious"


def test_ipv6_is_understood():
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6; enable it to run this")
    try:
        open_listener(("::1", 0)).close()
    except SettingError as error:
        pytest.skip(f"this machine has no ::1; enable IPv6 to run this ({error})")
