from __future__ import annotations

import sys
from pathlib import Path

import pytest

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.launch import _SYSTEM_VARIABLES, plan, split_arguments, worker_log
from iiswsgi.host.modes import Modes
from iiswsgi.iis.config import FastCgiApplication
from iiswsgi.runtime.logplaces import places


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", []),
        ("  ", []),
        ("a \t b", ["a", "b"]),
        ('""', [""]),
        ('"abc" d e', ["abc", "d", "e"]),
        (r"a\\b d" + '"e f"g h', [r"a\\b", "de fg", "h"]),
        (r"a\\\"b c d", [r"a\"b", "c", "d"]),
        (r"a\\\\" + '"b c" d e', [r"a\\b c", "d", "e"]),
        ('"a""b"', ['a"b']),
        (r'"C:\x y\\" z', ["C:\\x y\\", "z"]),
        (r"-m iiswsgi serve C:\site\app.ini", ["-m", "iiswsgi", "serve", r"C:\site\app.ini"]),
        ('"open end', ["open end"]),
    ],
)
def test_arguments_are_split_as_on_windows(text, arguments):
    assert split_arguments(text) == arguments


def planned(tmp_path, modes=None, **fields):
    fields.setdefault("full_path", sys.executable)
    folders = {"site_folder": tmp_path / "my site", "log_folder": tmp_path / "home"}
    return plan(FastCgiApplication(**fields), modes=modes or Modes(), **folders)


def test_the_command_line_is_the_registration(tmp_path):
    launch = planned(tmp_path, arguments='-u "a b"')
    assert launch.command_line == f'"{sys.executable}" -u "a b"'
    assert planned(tmp_path).command_line == f'"{sys.executable}"'
    assert launch.note == ""


def test_what_is_secret_in_the_command_line_is_for_the_process_alone(tmp_path):
    launch = planned(tmp_path, arguments='app.ini "db_password=x y" threads=3')
    assert launch.command_line.endswith('app.ini "db_password=x y" threads=3')
    assert launch.shown == f'"{sys.executable}" app.ini "db_password=***" threads=3'


def test_variables_in_the_registration_are_put_in(tmp_path, monkeypatch):
    monkeypatch.setenv("RoleRoot", str(tmp_path))
    arguments = "%RoleRoot%/app.ini %NoSuch% 100% %41%"
    launch = planned(tmp_path, full_path="%RoleRoot%/python", arguments=arguments)
    assert launch.command_line == f'"{tmp_path}/python" {tmp_path}/app.ini %NoSuch% 100% %41%'


def test_configured_variables_come_first_and_win(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")
    launch = planned(
        tmp_path,
        environment_variables=(("PATH", "mine"), ("A", "1")),
        modes=Modes(environment=(("A", "2"), ("B", "3"))),
    )
    assert launch.environment[:3] == (("PATH", "mine"), ("A", "1"), ("B", "3"))
    names = [name for name, _ in launch.environment]
    assert len(names) == len(set(names))
    assert "APP_POOL_ID" in names
    assert "SECRET_OF_THE_SHELL" not in names


def test_the_documentation_names_every_variable(tmp_path, monkeypatch):
    for name in _SYSTEM_VARIABLES:
        monkeypatch.setenv(name, "x")
    page = (Path(__file__).parents[2] / "docs" / "host.rst").read_text(encoding="utf-8")
    names = [name for name, _ in planned(tmp_path).environment]
    assert set(_SYSTEM_VARIABLES) < set(names)
    assert not [name for name in names if f"``{name}``" not in page]


def test_the_log_is_where_the_environment_points(tmp_path):
    environment = dict(planned(tmp_path).environment)
    assert environment["IIS_USER_HOME"] == str(tmp_path / "home")
    log = worker_log(tmp_path / "my site", tmp_path / "home")
    assert log.parts[-4:] == ("home", "Logs", environment["IISEXPRESS_SITENAME"], "iiswsgi.log")


@pytest.mark.parametrize("name", ["my site", "aux", "Con", "nul.x", "COM1 .x", "com10", "\xe9"])
def test_the_gateway_takes_the_first_place_for_its_log(tmp_path, name):
    launch = plan(
        FastCgiApplication(sys.executable),
        site_folder=tmp_path / name,
        log_folder=tmp_path / "home",
        modes=Modes(),
    )
    place = next(places(dict(launch.environment)))
    assert place.refused == ""
    assert place.path == str(worker_log(tmp_path / name, tmp_path / "home"))


def test_the_site_is_not_the_current_directory(tmp_path):
    assert planned(tmp_path).current_directory != str(tmp_path / "my site")


if sys.platform != "win32":

    @pytest.mark.parametrize(
        "full_path",
        [r"C:\inetpub\site\Scripts\python.exe", r"%SystemDrive%\Python\python.exe", "PYTHON.EXE"],
    )
    def test_a_windows_python_is_replaced_and_it_is_said(tmp_path, full_path):
        launch = planned(tmp_path, full_path=full_path)
        assert launch.executable == sys.executable
        assert full_path in launch.note

    def test_another_windows_program_is_refused(tmp_path):
        with pytest.raises(WorkerFailure) as caught:
            planned(tmp_path, full_path=r"C:\PHP\php-cgi.exe")
        assert caught.value.kind == "never_started"
