"""``iiswsgi serve``: what is wrong with its options is told, with the place where they stand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from functional.sites import make_site, serving

PASTER = ("-c", "from paste.script.command import run; run()")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Call with the command line behind ``iiswsgi``, which must be wrong; the log."""
    monkeypatch.setenv("IIS_USER_HOME", str(tmp_path))
    monkeypatch.delenv("IISEXPRESS_SITENAME", raising=False)

    def call(*arguments, python=("-m", "iiswsgi")):
        command = [sys.executable, *python, *arguments]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60, check=False)
        assert result.returncode == 2
        return (tmp_path / "Logs" / "iiswsgi.log").read_text(encoding="utf-8")

    return call


@pytest.fixture
def ini(tmp_path):
    """Call with the server's section; the path of the INI file."""

    def write(server):
        path = tmp_path / "app.ini"
        path.write_text(f"[app:main]\nuse = egg:iiswsgi#test_app\n\n{server}\n", encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("section", ["server:iis", "server:main"])
def test_an_option_of_the_ini_file_is_found_there(told, ini, section):
    path = ini(f"[{section}]\nuse = egg:iiswsgi#iis\ntreads = 3")
    text = f"IISWSGI-S01: There is no option 'treads' ([{section}] of {path}); did you mean threads"
    assert text in told("serve", path)


def test_an_option_of_the_command_line_is_found_there(told, ini):
    path = ini("[server:iis]\nuse = egg:iiswsgi#iis\nthreads = 3")
    text = "IISWSGI-S02: The option threads = 'many' (the command line) is not usable"
    assert text in told("serve", path, "threads=many")
    assert "no option 'treads' (the command line)" in told("serve", "json:loads", "treads=3")


def test_options_of_both_that_contradict_each_other_are_found_at_both(told, ini):
    path = ini("[server:iis]\nuse = egg:iiswsgi#iis\nthreads = 3")
    text = f"threads = 3 (the command line, [server:iis] of {path}) contradict each other"
    assert text in told("serve", path, "connection_limit=1")


def test_an_option_that_paster_hands_on_is_found_in_its_file(told, ini):
    path = ini("[server:main]\nuse = egg:iiswsgi#iis\ntreads = 3")
    text = f"no option 'treads' (the server's section of {path})"
    assert text in told("serve", path, python=PASTER)


def test_a_variable_that_looks_like_a_setting_is_told(tmp_path):
    given = "expose_traceback=true MaxRequestBody=1K log_dir=x port=1 treads=3"
    site = make_site(
        tmp_path,
        arguments=f'-m iiswsgi serve "{{ini}}" {given}',
        rest="[app:other]\ngreeting = %(treads)s",
    )
    with serving(site) as client:
        assert client.get("/").status == 200
        told = [line for line in client.log.splitlines() if "IISWSGI-S22" in line]
    assert [line.rpartition("did you mean ")[2] for line in told] == [
        "max_request_body?",
        "expose_tracebacks?",
        "listen?",
    ]
    assert "MaxRequestBody (the command line) is no setting" in told[0]
