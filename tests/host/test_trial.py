"""One request to an application, for a program that wants a yes or a no."""

from __future__ import annotations

import io
import sys

import pytest

from iiswsgi.errors import ConfigError, SettingError
from iiswsgi.host.trial import try_ini, try_site

WELL = "[app:main]\nuse = egg:iiswsgi#test_app\n"
ILL = "[app:main]\nuse = egg:iiswsgi#no_such_app\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "My Ä [b]"
    folder.mkdir()
    return folder


@pytest.fixture
def ini(folder):
    def write(text):
        path = folder / "an app.ini"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def site(folder, ini, arguments="-m iiswsgi serve"):
    arguments = f"{arguments} &quot;{ini}&quot;"
    (folder / "web.config").write_text(
        "<configuration><system.webServer><fastCgi>"
        f'<application fullPath="{sys.executable}" arguments="{arguments}"/></fastCgi>'
        '<handlers><add name="x" path="*" verb="*" modules="FastCgiModule" '
        f'scriptProcessor="{sys.executable}|{arguments}"/></handlers>'
        "</system.webServer></configuration>",
        encoding="utf-8",
    )
    return folder


def test_a_good_answer_is_a_yes_and_says_little(ini, caplog):
    caplog.set_level("INFO", "iiswsgi")
    out = io.BytesIO()
    assert try_ini(ini(WELL), "/ä?x=1", out)
    assert out.getvalue() == b""
    assert "answered: HTTP/1.1 200 OK" in caplog.text


def test_a_site_is_served_as_its_web_config_says(folder, ini):
    assert try_site(site(folder, ini(WELL)), "/", io.BytesIO())


APPLICATION = """\
class Body(list):
    def close(self):
        raise RuntimeError("not closed")

def close_fails(global_conf):
    def application(environ, start_response):
        start_response("200 OK", [])
        return Body([b"abc"])
    return application

def late(global_conf):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "10")])
        yield b"abc"
        raise RuntimeError("too late")
    return application

def late_after_all(global_conf):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "3")])
        yield b"abc"
        raise RuntimeError("after all of it")
    return application
"""


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("close_fails", "W03", "RuntimeError: not closed"),
        ("late", "W02", "RuntimeError: too late"),
        ("late_after_all", "W02", "RuntimeError: after all of it"),
    ],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_fails_behind_a_good_status_is_a_no(
    folder, ini, capfd, monkeypatch, name, code, reason, log_format
):
    (folder / "failing_behind.py").write_text(APPLICATION, encoding="utf-8")
    server = f"[server:main]\nuse = egg:iiswsgi#iis\nlog_format = {log_format}\n"
    path = ini(f"[app:main]\npaste.app_factory = failing_behind:{name}\n{server}")
    web_config = site(folder, path) / "web.config"
    variable = f'<environmentVariable name="PYTHONPATH" value="{folder}"/>'
    inner = f"><environmentVariables>{variable}</environmentVariables></application></fastCgi>"
    text = web_config.read_text("utf-8").replace("/></fastCgi>", inner)
    web_config.write_text(text, encoding="utf-8")
    out = io.BytesIO()
    assert not try_site(folder, "/", out)
    assert out.getvalue().endswith(b"\n\nabc")
    logged = capfd.readouterr().err
    assert f"IISWSGI-{code}: GET /" in logged
    assert ('"message": ' in logged) == (log_format == "json")
    assert reason in logged


def test_a_bad_answer_is_a_no_and_is_shown_with_the_log(ini, capfd):
    out = io.BytesIO()
    assert not try_ini(ini(ILL), "/", out)
    assert out.getvalue().startswith(b"HTTP/1.1 500 ")
    error = capfd.readouterr().err
    assert "--- the worker's log" in error
    assert "Entry point 'no_such_app' not found" in error


def test_no_answer_is_a_no_with_the_reason(folder, ini, capfd):
    out = io.BytesIO()
    assert not try_site(site(folder, ini(WELL), "-m no_such_module"), "/", out)
    assert b"The worker died before it answered anything" in out.getvalue()


def test_what_is_no_site_is_an_error(folder):
    with pytest.raises(SettingError, match="H31"):
        try_site(folder, "/", io.BytesIO())
    (folder / "web.config").write_text("<configuration>")
    with pytest.raises(ConfigError, match="C01"):
        try_site(folder, "/", io.BytesIO())


def test_what_is_no_url_is_an_error(ini):
    with pytest.raises(SettingError, match="H41"):
        try_ini(ini(WELL), "no url", io.BytesIO())
