"""The command test_msdeploy: one request through a real worker, and what a bad answer does."""

from __future__ import annotations

import re
import sys

import pytest

from deploy.installs import COMMANDS, application, run

BROKEN = "[app:main]\npaste.app_factory = greeter:broken\n"
PASTER = "import sys; from paste.script.command import run; run()\n"


@pytest.fixture
def app(tmp_path):
    return application(tmp_path / "My Ä [b]")


def ask(folder, *options, **variables):
    command = [sys.executable, "setup.py", "test_msdeploy", *options]
    return run(command, folder, PYTHONPATH=folder, **variables)


def web_config(folder, ini="app.ini"):
    """What the worker is started with: this Python, told where the application is."""
    arguments = f"-m iiswsgi serve &quot;{folder}/{ini}&quot;"
    (folder / "web.config").write_text(
        "<configuration><system.webServer><fastCgi>"
        f'<application fullPath="{sys.executable}" arguments="{arguments}"><environmentVariables>'
        f'<environmentVariable name="PYTHONPATH" value="{folder}"/>'
        '<environmentVariable name="GREETING" value="from web.config"/></environmentVariables>'
        "</application></fastCgi><handlers>"
        '<add name="x" path="*" verb="*" modules="FastCgiModule" '
        f'scriptProcessor="{sys.executable}|{arguments}"/>'
        "</handlers></system.webServer></configuration>",
        encoding="utf-8",
    )


def test_what_web_config_names_is_asked(app):
    web_config(app)
    status, output = ask(app)
    assert status == 0, output
    assert "answered: HTTP/1.1 200 OK" in output
    assert "served by" in output
    assert "app.ini" in output


def test_a_failure_is_shown_with_its_traceback_and_fails(app):
    (app / "broken.ini").write_text(BROKEN, encoding="utf-8")
    web_config(app, "broken.ini")
    status, output = ask(app)
    assert status == 1
    assert "HTTP/1.1 500" in output
    assert "Traceback (most recent call last)" in output
    assert "RuntimeError: the database is not there" in output
    assert re.search(r"^error: IISWSGI-I41: .* does not answer / as it should", output, re.M)


def test_an_ini_file_of_ones_own_choice(app, tmp_path):
    """The application must be importable by what serves it, as it is once installed."""
    ini = "[app:main]\nuse = egg:iiswsgi#test_app\n"
    (app / "other ü [c].ini").write_text(ini, encoding="utf-8")
    status, output = ask(app, "--config-file", "other ü [c].ini", "--url", "/ä?x=1")
    assert status == 0, output
    assert "answered: HTTP/1.1 200 OK" in output
    assert "other ü [c].ini" in output


def test_options_may_stand_in_setup_cfg(app):
    ini = "[app:main]\nuse = egg:iiswsgi#test_app\n"
    (app / "mine.ini").write_text(ini, encoding="utf-8")
    cfg = f"{COMMANDS}[test_msdeploy]\nconfig_file = mine.ini\nurl = /there\n"
    (app / "setup.cfg").write_text(cfg, encoding="utf-8")
    status, output = ask(app)
    assert status == 0, output
    assert "asking for /there, served by" in output


def test_without_a_web_config_it_is_development_ini(app):
    (app / "web.config.in").unlink()
    status, output = ask(app)
    assert status == 1
    assert "error: IISWSGI-I42: there is no " in output
    assert "development.ini" in output
    (app / "development.ini").write_text("[app:main]\nuse = egg:iiswsgi#test_app\n")
    status, output = ask(app)
    assert status == 0, output


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-c", "no.ini"], "I42"),
        (["-u", "no url"], "H41"),
        (["-u", "/a\r\nX: y"], "H41"),
        (["-p", "no-such-paster"], "I01"),
    ],
)
def test_a_wrong_option_is_one_sentence(app, options, code):
    web_config(app)
    status, output = ask(app, *options)
    assert status == 1
    assert f"error: IISWSGI-{code}: " in output
    assert "Traceback" not in output


def paster(folder):
    """A program that is what Scripts\\paster.exe is; this one has no .exe around it."""
    if sys.platform == "win32":
        from doubles import windows_launcher

        program = folder / "paster it.exe"
        program.write_bytes(windows_launcher(PASTER))
    else:
        program = folder / "paster it"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{PASTER}' \"$@\"\n")
        program.chmod(0o755)
    return program


def test_paster_is_used_on_request(app, tmp_path):
    status, output = ask(app, "-p", paster(tmp_path), "-c", "app.ini", "-u", "/x", GREETING="me")
    assert status == 0, output
    assert "hello me" in output
    assert "request app.ini /x" in output
    assert "worker" not in output


ASKED = """\
def main(global_conf):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [f"asked for {environ['PATH_INFO']}?{environ['QUERY_STRING']}.".encode()]
    return application
"""


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("/x?a=ü&b=c", "/x?a=%C3%BC&b=c."),
        ("http://h/x%20y?a=%26+%3D=&b&&%C3%BC=", "/x y?a=%26%20%3D%3D&b&&%C3%BC=."),
        ("/x?", "/x?."),
        ("/x", "/x?."),
    ],
)
def test_paster_is_asked_for_the_query_too(app, tmp_path, url, seen):
    (app / "asked.py").write_text(ASKED, encoding="utf-8")
    (app / "asked.ini").write_text("[app:main]\npaste.app_factory = asked:main\n")
    status, output = ask(app, "-p", paster(tmp_path), "-c", "asked.ini", "-u", url)
    assert status == 0, output
    assert f"asked for {seen}" in output


@pytest.mark.parametrize("query", ["a=1&--header=x", "a=%FF", "%00", "a%3Db=1"])
def test_what_paster_cannot_be_asked_for_is_one_sentence(app, tmp_path, query):
    status, output = ask(app, "-p", paster(tmp_path), "-c", "app.ini", "-u", f"/x?{query}")
    assert status == 1
    assert "error: IISWSGI-I43: " in output
    assert "Traceback" not in output


def test_what_fails_in_paster_fails_too(app, tmp_path):
    (app / "development.ini").write_text(BROKEN, encoding="utf-8")
    status, output = ask(app, "--paster", paster(tmp_path))
    assert status == 1
    assert "RuntimeError: the database is not there" in output
    assert "error: IISWSGI-I41: " in output
