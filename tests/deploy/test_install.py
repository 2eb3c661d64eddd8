"""The steps of an installation, each by itself."""

from __future__ import annotations

import os
import sys

import pytest

from deploy.installs import application, deep, recorded
from doubles import install_appcmd
from iiswsgi.deploy.install import (
    install_project,
    install_wheelhouse,
    register_applications,
    write_web_config,
)
from iiswsgi.errors import ConfigError, DeployError, InstallError
from iiswsgi.iis.appcmd import find
from iiswsgi.iis.registration import read_registrations

EMPTY = "<configuration/>"


@pytest.fixture
def calls(monkeypatch):
    return recorded(monkeypatch)


@pytest.fixture
def app(tmp_path):
    return application(tmp_path / "My Ä [b]")


def test_a_web_config_is_filled_in_and_written(app):
    variables = {"APPL_PHYSICAL_PATH": "C:\\My Ä [b]", "GREETING": 'say "<hi>" & go'}
    assert write_web_config(app, variables) == app / "web.config"
    _, registrations = read_registrations(app / "web.config")
    assert [registration.key[1][-3:] for registration in registrations] == ["n=1", "n=2"]
    assert registrations[0].key[0] == "C:\\My Ä [b]\\Scripts\\python.exe"
    assert registrations[0].variables == (("GREETING", 'say "<hi>" & go'),)


def test_a_value_that_is_no_text_leaves_the_web_config_as_it_was(app):
    (app / "web.config").write_text("old")
    with pytest.raises(ConfigError, match=r"C06: .*the variable GREETING is not UTF-8"):
        write_web_config(app, {"APPL_PHYSICAL_PATH": str(app), "GREETING": "a\udcffb"})
    assert (app / "web.config").read_text() == "old"


def test_a_path_of_more_than_260_characters(tmp_path):
    app = application(deep(tmp_path))
    install_appcmd(tmp_path / "bin")
    write_web_config(app, {"APPL_PHYSICAL_PATH": str(app), "GREETING": ""})
    register_applications(app / "web.config", {"IIS_BIN": str(tmp_path / "bin")})
    _, wanted = read_registrations(app / "web.config")
    assert len(wanted[0].key[0]) > 260
    assert find({"IIS_BIN": str(tmp_path / "bin")}).registrations() == list(wanted)


def test_values_stay_out_of_the_log(app, caplog):
    caplog.set_level("DEBUG", "iiswsgi")
    write_web_config(app, {"GREETING": "hunter2"})
    assert "GREETING" in caplog.text
    assert "hunter2" not in caplog.text


def test_names_without_a_value_are_left_and_told(app, caplog):
    write_web_config(app, {"GREETING": "x"})
    assert "%(APPL_PHYSICAL_PATH)s\\Scripts" in (app / "web.config").read_text(encoding="utf-8")
    assert "IISWSGI-I32: " in caplog.text
    assert "no value for APPL_PHYSICAL_PATH;" in caplog.text


def test_a_web_config_is_replaced_and_keeps_its_mode(app):
    (app / "web.config").write_text(EMPTY)
    (app / "web.config").chmod(0o640)
    mode = (app / "web.config").stat().st_mode
    write_web_config(app, {"APPL_PHYSICAL_PATH": str(app), "GREETING": "x"})
    assert (app / "web.config").read_text(encoding="utf-8") != EMPTY
    assert (app / "web.config").stat().st_mode == mode


def test_without_a_template_the_web_config_stays(tmp_path):
    (tmp_path / "web.config").write_text(EMPTY)
    assert write_web_config(tmp_path, {}) is None
    assert (tmp_path / "web.config").read_text() == EMPTY


@pytest.mark.parametrize(
    ("template", "error", "code"),
    [
        (b"<configuration>\xe4</configuration>", DeployError, "D06: .*not UTF-8"),
        (b'<?xml version="1.0" encoding="latin-1"?><configuration/>', DeployError, "D06"),
        (b"<configuration>", ConfigError, "C01: .*filled in, line 1"),
        (b"<configuration>&x;</configuration>", ConfigError, "C01"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><configuration>&x;</configuration>', ConfigError, "C01"),
        (b"<web/>", ConfigError, "C02"),
    ],
)
def test_a_bad_template_leaves_the_web_config_as_it_was(tmp_path, template, error, code):
    (tmp_path / "web.config").write_text(EMPTY)
    (tmp_path / "web.config.in").write_bytes(template)
    with pytest.raises(error, match=code):
        write_web_config(tmp_path, {})
    assert (tmp_path / "web.config").read_text() == EMPTY
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.config", "web.config.in"]


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "web.config.in").write_text(EMPTY)

    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InstallError, match=r"I31: .*web\.config cannot be written: .*denied"):
        write_web_config(tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.config.in"]


def test_all_applications_are_registered_and_no_second_time(app, tmp_path, caplog):
    caplog.set_level("INFO", "iiswsgi")
    install_appcmd(tmp_path / "iis bin")
    environ = {"IIS_BIN": str(tmp_path / "iis bin")}
    write_web_config(app, {"APPL_PHYSICAL_PATH": str(app), "GREETING": 'it\'s ["here"]'})
    register_applications(app / "web.config", environ)
    _, wanted = read_registrations(app / "web.config")
    assert find(environ).registrations() == list(wanted)
    caplog.clear()
    register_applications(app / "web.config", environ)
    assert caplog.text.count("registered already") == 2
    assert find(environ).registrations() == list(wanted)


def test_without_appcmd_that_is_one_line(app, caplog):
    write_web_config(app, {"APPL_PHYSICAL_PATH": "C:\\app", "GREETING": ""})
    register_applications(app / "web.config", {})
    (record,) = caplog.records
    assert record.message.startswith("IISWSGI-I13: there is no appcmd.exe here, so 2 ")


def test_a_handler_that_iis_will_not_serve_is_told(tmp_path, caplog):
    install_appcmd(tmp_path)
    (tmp_path / "web.config").write_text(
        '<configuration><system.webServer><fastCgi><application fullPath="C:\\a.exe"/></fastCgi>'
        '<handlers><add name="ok" path="*" verb="*" modules="FastCgiModule" '
        'scriptProcessor="C:\\a.exe|"/><add name="other" path="*" verb="*" '
        'modules="FastCgiModule" scriptProcessor="c:\\a.exe|"/><add name="static" path="*" '
        'verb="*" modules="StaticFileModule"/></handlers></system.webServer></configuration>'
    )
    register_applications(tmp_path / "web.config", {"IIS_BIN": str(tmp_path)})
    (record,) = caplog.records
    assert "IISWSGI-I33" in record.message
    assert '"other"' in record.message
    assert "upper and lower case differ" in record.message


def test_the_project_and_what_it_requires(app, calls):
    install_project("python.exe", app)
    assert calls[-1] == [
        *("python.exe", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"),
        *("--use-pep517", "--no-build-isolation", "--editable", os.path.join(app, "")),
    ]


def test_a_setuptools_that_makes_no_wheels_gets_help(app, monkeypatch):
    """Before 70.1 it needed the package wheel for what pip asks of it."""
    commands = recorded(monkeypatch, status=1)
    install_project("python.exe", app)
    assert [command[6:] for command in commands[1:]] == [
        ["wheel"],
        ["--use-pep517", "--no-build-isolation", "--editable", os.path.join(app, "")],
    ]


def test_from_the_wheelhouse_when_there_is_one(app, calls):
    house = app / "wheelhouse"
    house.mkdir()
    (house / "requirements.txt").write_text("")
    install_project("python.exe", app)
    first, last = calls[0], calls[-1]
    offline = ["--no-index", "--find-links", str(house)]
    lock = ["--require-hashes", "--requirement", str(house / "requirements.txt")]
    assert first[6:] == [*offline, *lock]
    assert last[6:9] == offline
    assert "--no-deps" in last


def test_a_wheelhouse_without_its_lock_is_not_trusted(app, calls):
    (app / "wheelhouse").mkdir()
    with pytest.raises(InstallError, match=r"I34: .*requirements\.txt"):
        install_wheelhouse(sys.executable, app)
    assert calls == []
