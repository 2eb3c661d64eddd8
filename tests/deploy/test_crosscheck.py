"""msdeploy.exe is played by a function: what a real one says, only a real one can tell."""

from __future__ import annotations

import logging
import zipfile
from xml.sax.saxutils import quoteattr

import pytest

from iiswsgi.deploy import crosscheck
from iiswsgi.deploy.completion import complete
from iiswsgi.deploy.crosscheck import compare
from iiswsgi.deploy.manifest import OPTIONS, parse_manifest
from iiswsgi.deploy.provider import ProviderOptions, encode
from iiswsgi.errors import InstallError

SETTINGS = (("waitAttempts", "10"), ("successReturnCodes", "0x0"))


def manifest(path="C:\\Python\\python.exe -V"):
    settings = " ".join(f"{name}='{value}'" for name, value in SETTINGS)
    text = f"<a><iisApp path='A'/><runCommand path={quoteattr(path)} {settings}/></a>"
    return parse_manifest(complete(text, {}, "Manifest.xml.in"), "Manifest.xml")


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "ms deploy.exe"
    path.touch()
    return path


@pytest.fixture
def asked(monkeypatch, caplog):
    """Play msdeploy.exe: what it was asked, and what it answers (set ``asked.answer``)."""
    caplog.set_level(logging.INFO)

    class Asked:
        answer = ProviderOptions("runCommand", "C:\\Python\\python.exe -V", SETTINGS[::-1])
        attribute = OPTIONS
        command = line = ()

    def run(command, *, timeout, command_line):
        Asked.command, Asked.line = command, command_line
        package = command_line.rpartition("=")[2].strip('"')
        with zipfile.ZipFile(package, "w") as archive:
            element = f"<runCommand {Asked.attribute}='{encode(Asked.answer)}'/>"
            archive.writestr("archive.xml", f"\ufeff<sitemanifest>{element}</sitemanifest>")

    monkeypatch.setattr(crosscheck, "run", run)
    return Asked


def test_an_msdeploy_exe_that_is_not_there_is_one_line(tmp_path, caplog):
    compare(manifest(), tmp_path / "msdeploy.exe")
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("IISWSGI-D17: there is no ")


def test_the_question_and_the_same_answer(program, asked, caplog):
    compare(manifest(), program)
    source = '-source:runCommand="C:\\Python\\python.exe -V",waitAttempts=10,successReturnCodes=0x0'
    assert asked.command[:3] == (str(program), "-verb:sync", source)
    assert asked.line.startswith(f'"{program}" -verb:sync {source} -dest:package="')
    assert "ms deploy.exe says the same" in caplog.text


def test_another_answer_is_told(program, asked, caplog):
    asked.answer = ProviderOptions("runCommand", "C:\\Python\\python.exe -V", SETTINGS[:1])
    compare(manifest(), program)
    assert "IISWSGI-D18: " in caplog.text


def test_a_command_with_quotation_marks_gets_the_other_ones(program, asked):
    compare(manifest('"C:\\My Python\\python.exe" -V'), program)
    assert """-source:runCommand='"C:\\My Python\\python.exe" -V',""" in asked.line


@pytest.mark.usefixtures("asked")
def test_a_command_with_both_is_not_asked_for(program, caplog):
    compare(manifest('"C:\\O\'Neill\\python.exe" -V'), program)
    assert "IISWSGI-D17: " in caplog.text
    assert "both kinds of quotation marks" in caplog.text


def test_an_answer_without_the_attribute(program, asked, caplog):
    asked.attribute = "x"
    compare(manifest(), program)
    assert "archive.xml has no provider" in caplog.text


def test_a_program_that_fails_or_writes_nothing(program, monkeypatch, caplog):
    monkeypatch.setattr(crosscheck, "run", lambda *a, **k: None)
    compare(manifest(), program)
    assert "IISWSGI-D17: " in caplog.text
    caplog.clear()

    def fail(*args, **options):
        raise InstallError("I03", "status 1")

    monkeypatch.setattr(crosscheck, "run", fail)
    compare(manifest(), program)
    assert "IISWSGI-I03: status 1" in caplog.text


def test_no_secret_of_a_command_is_told(program, asked, caplog):
    compare(manifest("a.exe --password=x1y2"), program)
    asked.answer = ProviderOptions("runCommand", "a.exe --password=x1y2", SETTINGS)
    compare(manifest("a.exe --password=x1y2"), program)
    assert "IISWSGI-D18" in caplog.text
    assert "says the same of a.exe --password=***" in caplog.text
    assert "x1y2" not in caplog.text


def test_a_manifest_without_commands_asks_nothing(program, caplog):
    compare(parse_manifest("<a><iisApp path='A'/><runCommand path='x'/></a>", "M"), program)
    assert not caplog.records
