"""What a process holds while it is ready to serve, and when it lets go of it."""

import socket

import pytest

from iiswsgi.launch import Launch
from iiswsgi.runtime.convert import TcpAddress, UnixAddress
from iiswsgi.runtime.settings import Settings
from iiswsgi.runtime.shutdown import Shutdown

unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="this Python has no Unix sockets; run it on POSIX"
)


def test_the_port_that_the_system_chose_is_told(caplog):
    launch = Launch(Settings(), None, Shutdown())
    with caplog.at_level("INFO", "iiswsgi"):
        launch.listen(TcpAddress("127.0.0.1", 0))
    port = launch.listener.getsockname()[1]
    assert f"listening on 127.0.0.1:{port}" in caplog.text
    launch.close()


def listening(path):
    launch = Launch(Settings(), None, Shutdown())
    launch.listen(UnixAddress(str(path)))
    return launch


@unix_sockets
def test_a_unix_socket_makes_room_for_its_successor_when_the_stop_is_asked_for(tmp_path):
    path = tmp_path / "app.sock"
    launch = listening(path)
    launch.shutdown.request("test")
    assert not path.exists()
    successor = listening(path)
    launch.close()
    assert path.exists()
    successor.close()


@unix_sockets
def test_a_unix_socket_leaves_when_no_stop_was_asked_for(tmp_path):
    path = tmp_path / "app.sock"
    listening(path).close()
    assert not path.exists()


@unix_sockets
@pytest.mark.parametrize("is_asked", [True, False])
def test_a_unix_socket_of_another_process_is_left_alone(tmp_path, is_asked):
    path = tmp_path / "app.sock"
    launch = listening(path)
    path.unlink()  # as somebody does who cleans up
    other = listening(path)
    if is_asked:
        launch.shutdown.request("test")
    launch.close()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    other.close()
    assert not path.exists()


@unix_sockets
def test_a_unix_socket_that_is_gone_already_is_no_error(tmp_path):
    path = tmp_path / "app.sock"
    launch = listening(path)
    path.unlink()
    launch.close()
    path.write_text("of somebody else")
    launch.shutdown.request("test")
    assert path.exists()
