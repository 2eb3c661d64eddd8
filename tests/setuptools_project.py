"""A small project for the setuptools commands, and the commands run in it as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

MANIFEST = """\
<?xml version="1.0" encoding="utf-8"?>
<msdeploy.iisApp>
  <iisApp path="Shop"/>
  <runCommand path="%SystemDrive%\\Python\\Scripts\\iiswsgi_install.exe -v -a Shop"
              waitAttempts="10" waitInterval="60000" successReturnCodes="0x0"/>
</msdeploy.iisApp>
"""
PARAMETERS = """\
<parameters>
  <parameter name="Application Path" defaultValue="Default Web Site/Shop" tags="iisApp">
    <parameterEntry kind="ProviderPath" scope="iisApp" match="Shop"/>
  </parameter>
</parameters>
"""
STAMP = "# %(PROJECT_NAME)s %(PROJECT_VERSION)s is not yet installed\n"
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "shop"
version = "1.2"
[tool.setuptools]
packages = []
"""
SETUP = """\
from setuptools import setup

setup(name="shop", version="1.2", packages=[])
"""


def copy_source(folder: Path) -> Path:
    """Copy what iiswsgi is built from: a build leaves files beside it, which other suites read."""
    folder.mkdir()
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.rst", "CHANGES.rst", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "iiswsgi", folder / "iiswsgi", ignore=ignored)
    return folder


def write_project(folder: Path, **files: str) -> Path:
    """Write a project; each of *files*, its dots written as ``__``, in place of the usual one."""
    usual = {
        "Manifest.xml.in": MANIFEST,
        "Parameters.xml": PARAMETERS,
        "iis_install.stamp.in": STAMP,
    }
    given = {name.replace("__", "."): text for name, text in files.items()}
    for name, text in {**usual, **given}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run this Python in *folder*, with iiswsgi importable from *path*."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
