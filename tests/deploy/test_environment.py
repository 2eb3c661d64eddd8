"""The virtual environment in an application's folder."""

from __future__ import annotations

import os
import sys

import pytest

from deploy.installs import MAKE_ENVIRONMENT, recorded, run
from iiswsgi.deploy.environment import (
    TOOLS,
    environment_python,
    install_tools,
    make_environment,
)
from iiswsgi.errors import InstallError


@pytest.fixture
def commands(monkeypatch):
    return recorded(monkeypatch)


def test_a_script_makes_it_and_it_is_taken_again(tmp_path, caplog):
    folder = tmp_path / "My Ä [b]"
    folder.mkdir()
    (folder / "make.py").write_text(MAKE_ENVIRONMENT, encoding="utf-8")
    python = make_environment(folder, "make.py", os.environ)
    assert python == environment_python(folder)
    status, output = run([python, "-c", "import sys, iiswsgi; print(ascii(sys.prefix))"])
    assert (status, output.strip()) == (0, ascii(str(folder)))
    # Taken as it is: the script is not needed any more.
    (folder / "make.py").unlink()
    caplog.set_level("INFO", "iiswsgi")
    assert make_environment(folder, "make.py", os.environ) == python
    assert "is taken as it is" in caplog.text


def test_what_does_not_work_is_left_alone(tmp_path):
    broken = environment_python(tmp_path)
    os.makedirs(os.path.dirname(broken))
    with open(broken, "wb") as file:
        file.write(b"no program")
    with pytest.raises(InstallError, match=r"I37: .*does not work: .*cannot be started"):
        make_environment(tmp_path, "venv", os.environ)
    assert os.path.getsize(broken) == 10


@pytest.mark.parametrize("how", ["venv", "virtualenv"])
def test_the_usual_makers_are_modules(tmp_path, commands, how):
    with pytest.raises(InstallError, match=f"I35: {how} has made no virtual environment"):
        make_environment(tmp_path, how, os.environ)
    assert commands == [[sys.executable, "-m", how, str(tmp_path)]]


def test_a_script_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(InstallError, match=r"I03: .*no-such\.py"):
        make_environment(tmp_path, "no-such.py", os.environ)


def test_the_tools_come_from_pips_index(tmp_path, commands):
    install_tools("python.exe", tmp_path, os.environ)
    assert commands == [
        ["python.exe", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *TOOLS]
    ]


def test_or_from_the_wheelhouse_alone(tmp_path, commands):
    house = tmp_path / "wheelhouse"
    house.mkdir()
    (house / "requirements.txt").write_text("")
    install_tools("python.exe", tmp_path, os.environ)
    (command,) = commands
    assert "--no-index" in command
    assert "--require-hashes" in command
