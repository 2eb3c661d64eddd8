"""What ``pip install iiswsgi`` would bring: every module, the public names, the requirements."""

from __future__ import annotations

import configparser
import importlib
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import iiswsgi
from setuptools_project import copy_source

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the sources."""
    copy = copy_source(tmp_path_factory.mktemp("built") / "source")
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", "bdist_wheel", "-d", "."]
    subprocess.run(command, cwd=copy, check=True, stdin=subprocess.DEVNULL, timeout=120)
    [path] = copy.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def text(wheel, name):
    [path] = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode("utf-8")


def test_every_module_is_in_it_and_nothing_else(wheel):
    sources = [*ROOT.glob("iiswsgi/**/*.py"), ROOT / "iiswsgi/py.typed"]
    wanted = {path.relative_to(ROOT).as_posix() for path in sources}
    assert {path for path in wheel.namelist() if ".dist-info/" not in path} == wanted


def test_metadata(wheel):
    metadata = message_from_string(text(wheel, "METADATA"))
    assert metadata["Version"] == iiswsgi.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Requires-Dist: setuptools<82" in str(metadata)
    assert "When it does not work" in metadata.get_payload()


def test_the_public_names_lead_to_something(wheel):
    parser = configparser.ConfigParser(delimiters="=")
    parser.read_string(text(wheel, "entry_points.txt"))
    names = {(section, name) for section in parser.sections() for name in parser[section]}
    assert names >= {
        ("console_scripts", "iiswsgi"),
        ("paste.server_runner", "iis"),
        ("paste.server_factory", "iis"),
        ("paste.app_factory", "test_app"),
    }
    for section, name in names:
        module, _, attribute = parser[section][name].partition(":")
        assert callable(getattr(importlib.import_module(module), attribute))
