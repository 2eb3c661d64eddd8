"""appcmd.exe asked and told, against a double that keeps a real applicationHost.config."""

from __future__ import annotations

import logging
import os
import re
import shutil

import pytest

from doubles import install_appcmd, write_config
from iiswsgi import process
from iiswsgi.errors import ConfigError, InstallError
from iiswsgi.iis.appcmd import AppCmd, find
from iiswsgi.iis.config import read_config
from iiswsgi.iis.registration import Registration

pytestmark = pytest.mark.once

FIRST = Registration(
    (
        ("fullPath", r"C:\Grüße [1]\it's\python.exe"),
        ("arguments", '-m iiswsgi serve "C:\\My App\\a.ini" x'),
        ("maxInstances", "4"),
    ),
    (("PYTHONPATH", 'C:\\a b;C:\\"q"\\'), ("EMPTY", "")),
)
SECOND = Registration((("fullPath", FIRST.key[0]), ("arguments", "-m other")))


@pytest.fixture
def appcmd(tmp_path):
    return AppCmd(str(install_appcmd(tmp_path / "inet srv")))


def config_of(appcmd):
    return os.path.join(os.path.dirname(appcmd.executable), "config", "applicationHost.config")


def test_an_application_is_registered_with_its_variables(appcmd, tmp_path):
    assert appcmd.register(FIRST)
    assert appcmd.registrations() == [FIRST]
    # The file itself, by the reader that the stand-in uses.
    config = read_config(tmp_path / "inet srv" / "config" / "applicationHost.config")
    (application,) = config.fastcgi_applications
    assert (application.full_path, application.arguments) == FIRST.key
    assert application.max_instances == 4
    assert application.environment_variables == FIRST.variables


def test_registering_again_changes_nothing(appcmd):
    appcmd.register(FIRST)
    before = read(config_of(appcmd))
    assert not appcmd.register(FIRST)
    assert read(config_of(appcmd)) == before


def test_the_key_is_full_path_and_arguments(appcmd):
    appcmd.register(FIRST)
    appcmd.register(SECOND)
    assert appcmd.registrations() == [FIRST, SECOND]


def test_what_says_something_else_is_replaced(appcmd):
    appcmd.register(FIRST)
    appcmd.register(SECOND)
    changed = FIRST._replace(variables=(("OTHER", "1"),))
    assert appcmd.register(changed)
    assert appcmd.registrations() == [SECOND, changed]


def test_an_application_is_unregistered(appcmd):
    appcmd.register(FIRST)
    appcmd.register(SECOND)
    appcmd.unregister(FIRST.key)
    assert appcmd.registrations() == [SECOND]
    with pytest.raises(InstallError, match=r"I11: .*Cannot find requested"):
        appcmd.unregister(FIRST.key)


def test_no_secret_is_told(appcmd, caplog):
    caplog.set_level(logging.INFO, "iiswsgi")
    arguments = '-m iiswsgi serve "C:\\a b.ini" "db_password=x1 y2" z'
    secretive = Registration((FIRST.attributes[0], ("arguments", arguments)), (("PW", "x1 y2"),))
    appcmd.register(secretive)
    appcmd.register(secretive)
    appcmd.unregister(secretive.key)
    with pytest.raises(InstallError, match="I11") as caught:
        appcmd.unregister(secretive.key)
    assert "registered already: " in caplog.text
    assert not re.search("x1|y2", caplog.text + str(caught.value))


def test_a_replacement_that_fails_leaves_the_former_one(appcmd):
    appcmd.register(FIRST)
    refused = FIRST._replace(attributes=(*FIRST.attributes[:2], ("maxInstances", "many")))
    with pytest.raises(InstallError, match=r"I11: .*many"):
        appcmd.register(refused)
    assert appcmd.registrations() == [FIRST]


def test_half_a_replacement_is_taken_back(appcmd):
    appcmd.register(FIRST)
    refused = FIRST._replace(variables=(("A", "1"), ("A", "2")))
    with pytest.raises(InstallError, match=r"I11: .*status 183"):
        appcmd.register(refused)
    assert appcmd.registrations() == [FIRST]


@pytest.mark.parametrize(
    "variables", [(("A", "line\nbreak"),), (("A", "x" * 31000),)], ids=["control", "long"]
)
def test_what_no_command_can_carry_is_refused_before_anything_is_changed(appcmd, variables):
    appcmd.register(FIRST)
    with pytest.raises(InstallError, match="I12: ") as caught:
        appcmd.register(FIRST._replace(variables=variables))
    assert "break" not in str(caught.value)
    assert appcmd.registrations() == [FIRST]


def test_a_path_of_more_than_260_characters_is_registered(appcmd):
    long = Registration((("fullPath", "C:\\" + "ä [b] c\\" * 40 + "python.exe"), ("arguments", "")))
    appcmd.register(long)
    assert appcmd.registrations() == [long]


def test_virtual_directories_are_listed(tmp_path):
    sites = {"Default Web Site": "%SystemDrive%\\inetpub", "Default Web Site/Ö [x]": tmp_path}
    appcmd = AppCmd(str(install_appcmd(tmp_path / "bin", sites)))
    assert appcmd.virtual_directories() == (
        ("Default Web Site/", "%SystemDrive%\\inetpub"),
        ("Default Web Site/Ö [x]/", str(tmp_path)),
    )


def test_the_configuration_of_iis_express_is_passed_on(appcmd, tmp_path):
    """Each user has an applicationHost.config of their own there."""
    own = tmp_path / "my documents" / "applicationhost.config"
    own.parent.mkdir()
    write_config(own, {"mine": tmp_path})
    express = appcmd._replace(apphost_config=str(own))
    assert express.virtual_directories() == (("mine/", str(tmp_path)),)
    express.register(FIRST)
    assert express.registrations() == [FIRST]
    assert appcmd.registrations() == []


def test_a_refusal_quotes_appcmd_and_keeps_secrets(appcmd, caplog):
    secret = FIRST._replace(variables=(("PASSWORD", "hunter2"), ("PASSWORD", "hunter3")))
    with pytest.raises(InstallError) as caught:
        appcmd.register(secret)
    assert "duplicate collection entry" in str(caught.value)
    assert "hunter" not in str(caught.value) + caplog.text


def answering(monkeypatch, *answers):
    """An appcmd that gives these answers, a status and an output each, one after the other."""
    calls = iter(answers)
    monkeypatch.setattr(
        process, "run", lambda command, **_: process.Completed(tuple(command), *next(calls))
    )
    return AppCmd("appcmd.exe")


def test_who_is_no_administrator_is_told_so(monkeypatch):
    appcmd = answering(monkeypatch, (5, b"ERROR ( hresult:80070005, message:Zugriff verweigert )"))
    with pytest.raises(InstallError, match=r"Zugriff verweigert \); run it as administrator"):
        appcmd.virtual_directories()


def test_a_failed_call_of_the_service_is_asked_again(monkeypatch):
    appcmd = answering(monkeypatch, (1726, b"ERROR"), (0, b"<appcmd/>"))
    assert appcmd.virtual_directories() == ()


@pytest.mark.parametrize("status", [0, 1])
def test_an_empty_list_is_none(monkeypatch, status):
    assert answering(monkeypatch, (status, b"")).virtual_directories() == ()


@pytest.mark.parametrize(
    "answer",
    [b"SITE x", b"<appcmd>", b'<!DOCTYPE a [<!ENTITY x "y">]><appcmd>&x;</appcmd>'],
)
def test_an_answer_that_is_no_xml_is_one_sentence(monkeypatch, answer):
    with pytest.raises(ConfigError, match=r"C01: the answer of appcmd\.exe"):
        answering(monkeypatch, (0, answer)).virtual_directories()


def test_the_declared_encoding_of_an_answer_does_not_count(monkeypatch):
    text = '<?xml version="1.0" encoding="ascii"?><appcmd><VDIR VDIR.NAME="ü/"/></appcmd>'
    assert answering(monkeypatch, (0, text.encode())).virtual_directories() == (("ü/", ""),)


def place(folder):
    folder.mkdir(parents=True)
    program = folder / "appcmd.exe"
    program.write_bytes(b"")
    return str(program)


def test_appcmd_is_found_where_iis_has_it(tmp_path):
    environ = {"SYSTEMROOT": str(tmp_path / "Windows"), "PROGRAMFILES": str(tmp_path / "Programs")}
    assert find({}) is None
    assert find(environ) is None
    express = place(tmp_path / "Programs" / "IIS Express")
    assert find(environ) == AppCmd(express)
    iis = place(tmp_path / "Windows" / "System32" / "inetsrv")
    assert find(environ) == AppCmd(iis)
    seen_by_32_bits = place(tmp_path / "Windows" / "Sysnative" / "inetsrv")
    assert find(environ) == AppCmd(seen_by_32_bits)
    chosen = place(tmp_path / "chosen")
    assert find({**environ, "IIS_BIN": str(tmp_path / "chosen")}) == AppCmd(chosen)
    shutil.rmtree(tmp_path / "chosen")
    assert find({**environ, "IIS_BIN": str(tmp_path / "chosen")}) == AppCmd(seen_by_32_bits)


def test_the_users_configuration_of_iis_express_is_found(tmp_path):
    express = place(tmp_path / "express")
    environ = {"IIS_BIN": str(tmp_path / "express"), "USERPROFILE": str(tmp_path)}
    assert find(environ) == AppCmd(express)
    usual = tmp_path / "Documents" / "IISExpress" / "config" / "applicationhost.config"
    usual.parent.mkdir(parents=True)
    usual.write_text("")
    assert find(environ) == AppCmd(express, str(usual))
    own = tmp_path / "home" / "config" / "applicationhost.config"
    own.parent.mkdir(parents=True)
    own.write_text("")
    environ["IIS_USER_HOME"] = str(tmp_path / "home")
    assert find(environ) == AppCmd(express, str(own))
    assert find(environ, "C:\\given.config") == AppCmd(express, "C:\\given.config")


def test_iis_itself_has_one_configuration(tmp_path):
    inetsrv = tmp_path / "System32" / "inetsrv"
    iis = place(inetsrv)
    usual = tmp_path / "Documents" / "IISExpress" / "config" / "applicationhost.config"
    usual.parent.mkdir(parents=True)
    usual.write_text("")
    environ = {"IIS_BIN": str(inetsrv), "USERPROFILE": str(tmp_path)}
    assert find(environ) == AppCmd(iis)


def read(path):
    with open(path, "rb") as file:
        return file.read()
