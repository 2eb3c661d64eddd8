import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.runtime import fds, stdio

from .programs import ROOT

EVENT, PIPE = "_FCGI_SHUTDOWN_EVENT_", "_FCGI_X_PIPE_"


def test_what_the_web_server_says_is_taken_out():
    environ = {
        EVENT: "1234",
        PIPE: r"\\.\pipe\IISFCGI-x",
        "_FCGI_MUTEX_": "1",
        "__PYVENV_LAUNCHER__": "python.exe",
        "PATH": "/bin",
    }
    told = stdio.read_inherited(environ)
    assert told == stdio.Inherited(r"\\.\pipe\IISFCGI-x", 1234, "1234")
    assert environ == {"PATH": "/bin"}


def test_when_it_says_nothing():
    assert stdio.read_inherited({}) == stdio.Inherited("", None, "")


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "0x10", "x", "1 ", "4294967296", "9" * 5000, "\u0661"]
)
def test_a_hostile_event(text):
    assert stdio.read_inherited({EVENT: text}).shutdown_event is None


def test_the_largest_event():
    assert stdio.read_inherited({EVENT: "4294967295"}).shutdown_event == 4294967295


PROGRAM = Path(__file__).with_name("harmless_program.py")


def check_log(log, *, console=True):
    """Everything that the program writes is there.

    :param console: without one, Windows makes a new one for a child without redirection.
    """
    for line in [
        "INFO stdout: printed\n",
        "INFO stderr: complained\n",
        "INFO stdout: bytes\n",
        "\nraw 1\n",
        "\nraw 2\n",
        "INFO stdout: prompt\n",
        "INFO stdout: end of input\n",
        "\nfrom shell",
        *(["\nfrom multiprocessing"] if console else []),
    ]:
        assert log.count(line) == 1, log
    assert log.count("\nfrom child ''") == 4
    assert "Traceback" not in log


if sys.platform != "win32":
    SLEEPERS = """
        the_log = log.start()
        wire = stdio.take_stdin("socket")
        stdio.make_harmless(the_log)
        sleep = ["sleep", "60"]
        pids = [subprocess.Popen(sleep, close_fds=each).pid for each in (True, False)]
        pids.append(os.posix_spawnp("sleep", sleep, os.environ))
        print("pids", *pids)
    """

    def close_output():
        os.close(1)
        os.close(2)

    @pytest.mark.parametrize("before", [None, close_output], ids=["with output", "without output"])
    def test_nothing_touches_the_wire(programs, before):
        ours, theirs = socket.socketpair()
        with ours:
            ours.sendall(b"request")
            with theirs:
                result = programs.run_file(
                    PROGRAM, "socket", str(ROOT), stdin=theirs, preexec_fn=before
                )
            received = ours.recv(100) + ours.recv(100)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b""), programs.log
        assert received == b"response"
        check_log(programs.log)

    def test_no_grandchild_holds_the_wire(programs):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                result = programs.run(SLEEPERS, stdin=theirs)
            ours.settimeout(10)
            received = ours.recv(100)  # end of input, although the three still run
        found = re.search(r"pids (\d+) (\d+) (\d+)\n", programs.log)
        for pid in found.groups():
            os.kill(int(pid), signal.SIGKILL)
        assert (result.returncode, received) == (0, b"")

    def test_a_closed_stdin_is_a_setting_error(monkeypatch):
        def closed(fd):
            raise OSError(9, "Bad file descriptor")

        monkeypatch.setattr(fds, "private", closed)
        with pytest.raises(SettingError, match="IISWSGI-S04: STDIN cannot be duplicated"):
            stdio.take_stdin("socket")

else:
    import _winapi
    import msvcrt
    import platform
    import shutil
    import uuid
    import venv as venv_module

    DETACHED_PROCESS = 8
    INVALID = 2 ** (struct.calcsize("P") * 8) - 1

    def start(programs, stdin, executable, flags, *arguments):
        """Start the program as IIS does: nothing behind STDOUT and STDERR."""
        os.set_handle_inheritable(stdin, True)
        startup = subprocess.STARTUPINFO(
            dwFlags=subprocess.STARTF_USESTDHANDLES,
            hStdInput=stdin,
            hStdOutput=INVALID,
            hStdError=INVALID,
        )
        process, thread, _, _ = _winapi.CreateProcess(
            executable,
            subprocess.list2cmdline([executable, *map(str, arguments)]),
            None,
            None,
            True,
            flags,
            {**os.environ, **programs.environ},
            None,
            startup,
        )
        _winapi.CloseHandle(thread)
        return process

    def finish(process):
        assert _winapi.WaitForSingleObject(process, 60_000) == _winapi.WAIT_OBJECT_0
        status = _winapi.GetExitCodeProcess(process)
        _winapi.CloseHandle(process)
        return status

    def make_pipe():
        """Both ends of a pipe as IIS makes it: the server's, for the child, and ours."""
        name = rf"\\.\pipe\IISFCGI-{uuid.uuid4()}"
        overlapped = _winapi.FILE_FLAG_OVERLAPPED
        server = _winapi.CreateNamedPipe(
            name, _winapi.PIPE_ACCESS_DUPLEX | overlapped, 0, 1, 4096, 4096, 0, _winapi.NULL
        )
        access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
        client = _winapi.CreateFile(
            name, access, 0, _winapi.NULL, _winapi.OPEN_EXISTING, 0, _winapi.NULL
        )
        return server, client

    @pytest.fixture(scope="module")
    def venv(tmp_path_factory):
        # By hand, as the venv module calls what Wine lacks.
        folder = tmp_path_factory.mktemp("venv")
        (folder / "Scripts").mkdir()
        redirectors = Path(venv_module.__file__).parent / "scripts" / "nt"
        names = ("venvlauncher.exe", "python.exe")  # the first since Python 3.13
        [redirector, *_] = [path for name in names if (path := redirectors / name).exists()]
        executable = folder / "Scripts" / "python.exe"
        shutil.copy(redirector, executable)
        home = Path(sys.base_prefix)
        (folder / "pyvenv.cfg").write_text(
            f"home = {home}\nexecutable = {home / 'python.exe'}\n"
            f"include-system-site-packages = true\nversion = {platform.python_version()}\n",
            encoding="utf-8",
        )
        return str(executable)

    @pytest.mark.parametrize("flags", [0, DETACHED_PROCESS], ids=["console", "detached"])
    @pytest.mark.parametrize("in_venv", [False, True], ids=["base", "venv"])
    def test_nothing_touches_the_pipe(programs, flags, in_venv, request):
        executable = request.getfixturevalue("venv") if in_venv else sys.executable
        server, client = make_pipe()
        # The redirector of a virtual environment gives its interpreter a console in any case.
        console = in_venv or not flags
        more = [] if console else ["no-console"]
        process = start(programs, server, executable, flags, PROGRAM, "pipe", ROOT, *more)
        _winapi.CloseHandle(server)
        _winapi.WriteFile(client, b"request")
        assert _winapi.ReadFile(client, 100)[0] == b"response"
        status = finish(process)
        with pytest.raises(BrokenPipeError):
            _winapi.ReadFile(client, 100)
        _winapi.CloseHandle(client)
        assert status == 0, programs.log
        check_log(programs.log, console=console)

    SLEEPERS = """
        the_log = log.start()
        wire = stdio.take_stdin("pipe")
        stdio.make_harmless(the_log)
        sleep = [sys.executable, "-c", "import time; time.sleep(20)"]
        for each in (True, False):
            subprocess.Popen(sleep, close_fds=each)
        print("started")
    """

    @pytest.mark.parametrize("in_venv", [False, True], ids=["base", "venv"])
    def test_no_grandchild_holds_the_pipe(programs, in_venv, request):
        executable = request.getfixturevalue("venv") if in_venv else sys.executable
        server, client = make_pipe()
        process = start(programs, server, executable, 0, programs.write(SLEEPERS))
        _winapi.CloseHandle(server)
        assert finish(process) == 0, programs.log
        began = time.monotonic()
        with pytest.raises(BrokenPipeError):
            _winapi.ReadFile(client, 100)
        assert time.monotonic() - began < 10, "a grandchild kept the pipe open"
        _winapi.CloseHandle(client)

    SOCKET_PROGRAM = """
        import socket
        the_log = log.start()
        wire = socket.socket(fileno=stdio.take_stdin("socket"))
        stdio.make_harmless(the_log)
        assert not wire.get_inheritable()
        print("printed")
        assert wire.recv(100) == b"request"
        wire.sendall(b"response")
    """

    def test_nothing_touches_the_socket(programs):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            theirs, _ = listener.accept()
        with ours:
            ours.sendall(b"request")
            program = programs.write(SOCKET_PROGRAM)
            process = start(programs, theirs.fileno(), sys.executable, 0, program)
            theirs.close()
            assert finish(process) == 0, programs.log
            assert ours.recv(100) == b"response"

    def test_a_closed_stdin_is_a_setting_error(monkeypatch):
        monkeypatch.setattr(msvcrt, "get_osfhandle", lambda fd: 0xBADBAD)
        with pytest.raises(SettingError, match="IISWSGI-S04: STDIN cannot be duplicated"):
            stdio.take_stdin("pipe")


def test_without_a_null_device(monkeypatch):
    def missing(flags):
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(fds, "open_null", missing)
    with pytest.raises(SettingError, match="IISWSGI-S05: "):
        stdio.make_harmless(None)
