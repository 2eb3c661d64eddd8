from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from iiswsgi import __version__, cli, commands, serving
from iiswsgi.runtime.settingshelp import describe


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = cli.main(arguments)
    except SystemExit as exc:
        status = int(exc.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_without_arguments_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        status, out, _ = run(capsys, *arguments)
        assert status == 0
        assert all(f"    {name} " in out for name in commands.COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"iiswsgi {__version__}\n", "")


@pytest.mark.parametrize("arguments", [("nonsense",), ("--nonsense",), ("hos", "x")])
def test_an_unknown_command(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "iiswsgi" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--foo",), "unrecognized arguments: --foo\n"),
        (("-v", "serve", "app.ini"), "unrecognized arguments: -v\n"),
        (("--", "serve"), "COMMAND"),
        (("serve",), "required: WHAT\n"),
    ],
)
def test_a_mistake_is_named(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert says in err


def test_help_of_serve_has_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "serve", "--help")
    assert describe() in out


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_each_command_has_help_and_wants_its_arguments(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    status, out, _ = run(capsys, name, "--help")
    assert status == 0
    assert f"usage: iiswsgi {name}" in out
    status, _, err = run(capsys, name, *["--lines"] * (name == "log"))
    assert status == 2
    assert "required" in err or "expected one argument" in err


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["a.ini"], ("a.ini", [])),
        (["a.ini", "threads=3", "x = y"], ("a.ini", ["threads=3", "x = y"])),
        (
            ["a.ini", "threads=3", "-n", "other", "x = y"],
            ("a.ini", ["threads=3", "x = y"], "other"),
        ),
        (["--app-name", "other", "a.ini"], ("a.ini", [], "other")),
    ],
)
def test_serve_hands_on_what_it_got(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], handed_on: tuple[Any, ...]
) -> None:
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setattr(serving, "run", lambda *args: seen.append(args) or 5)
    assert cli.main(["serve", *arguments]) == 5
    assert seen == [handed_on]


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "run", interrupted)
    assert cli.main(["serve", "a.ini"]) == 130


def test_without_stderr_a_mistake_goes_to_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    program = "import sys; sys.stderr = None; from iiswsgi.cli import main; sys.exit(main())"
    monkeypatch.setenv("IIS_USER_HOME", str(tmp_path))
    monkeypatch.delenv("IISEXPRESS_SITENAME", raising=False)
    command = [sys.executable, "-c", program, "serve", "--wrong"]
    status = subprocess.run(command, timeout=60, check=False).returncode
    assert status == 2
    log = (tmp_path / "Logs" / "iiswsgi.log").read_text(encoding="utf-8")
    assert "ERROR iiswsgi.commands: IISWSGI-S20: iiswsgi serve: " in log
    assert "--wrong" in log


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "a.ini", "--password=hunter2"),
        ("host", "a", "--pass", "hunter2 is it"),
        ("host", "a", "db_password=that hunter2"),
        ("db_password=hunter2",),
        ("serve", "a.ini", "db password hunter2"),
        ("serve", "a.ini", "db_password", "=", "hunter2"),
        ("serve", "db_password=hunter2"),
    ],
    ids=str,
)
def test_what_is_secret_is_not_repeated(arguments: tuple[str, ...], tmp_path: Any) -> None:
    command = [sys.executable, "-m", "iiswsgi", *arguments]
    result = subprocess.run(
        command,
        capture_output=True,
        env={**os.environ, "IIS_USER_HOME": str(tmp_path)},
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("IISWSGI-S")
    log = tmp_path / "Logs" / "iiswsgi.log"
    told = result.stderr + (log.read_text(encoding="utf-8") if log.exists() else "")
    assert "hunter2" not in told


def test_serve_imports_nothing_of_the_other_commands() -> None:
    program = (
        "import sys; from iiswsgi.cli import main\n"
        "main(['serve', 'there-is-none.ini'])\n"
        "sys.__stdout__.write(' '.join(sorted(n for n in sys.modules"
        " if n.startswith(('iiswsgi.host', 'waitress', 'argparse')))))"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == ""
