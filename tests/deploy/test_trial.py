"""A package's installation tried out."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import pytest

from iiswsgi import process
from iiswsgi.deploy.archive import write_archive
from iiswsgi.deploy.trial import try_package
from iiswsgi.errors import DeployError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package, and a place for temporary folders that is looked at afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    content = {
        "Manifest.xml": b'<msdeploy.iisApp><iisApp path="My App"/></msdeploy.iisApp>',
        "Parameters.xml": b"<parameters/>",
        "My App/setup.py": b"pass",
    }
    write_archive(tmp_path / "x.zip", content)
    yield tmp_path / "x.zip"
    assert not list((tmp_path / "temporary").iterdir())


def ending(monkeypatch, status):
    """Let the installation end so; what was run, with its folder's files and its environment."""
    seen = []

    def run(command, *, timeout, env, check):
        folder = Path(command[command.index("--path") + 1])
        seen.append((command, sorted(os.listdir(folder)), env))
        return process.Completed(tuple(command), status, b"")

    monkeypatch.setattr(process, "run", run)
    return seen


def test_it_is_unpacked_and_installed_without_iis_and_without_a_trace(package, monkeypatch, caplog):
    monkeypatch.setenv("APPL_PHYSICAL_PATH", "somewhere else")
    seen = ending(monkeypatch, 0)
    with caplog.at_level(logging.INFO):
        try_package(package)
    [(command, files, env)] = seen
    assert files == ["setup.py"]
    assert command[-3:] == ["install_msdeploy", "--skip-fcgi-app-install", "test_msdeploy"]
    assert command[command.index("--virtualenv") + 1] == "venv"
    assert "APPL_PHYSICAL_PATH" not in env
    assert f"the trial of {package} went well" in caplog.text


def test_a_failed_installation_is_one_sentence(package, monkeypatch):
    ending(monkeypatch, 1)
    with pytest.raises(DeployError) as caught:
        try_package(package)
    assert str(caught.value).startswith(f"IISWSGI-D35: {package}: ")
    assert package.exists()
