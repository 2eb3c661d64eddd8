"""The choices that the Pyramid example has when it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from functional.sites import EXAMPLES

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--scaffold=alchemy"], "scaffold is 'alchemy'; it can be guestbook, starter"),
        (["--project=../evil"], "project is '../evil'; it must be a package's name"),
        (["--project=starter"], "'starter' is a scaffold; choose another name"),
    ],
)
def test_a_choice_that_is_none_is_refused_before_anything_is_made(tmp_path, options, complaint):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "pyramid.msdeploy", folder)
    before = sorted(folder.rglob("*"))
    command = [sys.executable, "-W", "ignore", "-B", "setup.py", "install_msdeploy", *options]
    result = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert complaint in result.stderr
    assert sorted(folder.rglob("*")) == before


WITHOUT_PIP = """\
import runpy
from iiswsgi.deploy import install
install.install_project = lambda *arguments: None
runpy.run_path("setup.py", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("options", "project"),
    [
        (["--scaffold=starter"], "starter"),
        (["--scaffold=starter", "--project=wiki"], "wiki"),
        (["--project=wiki"], "wiki"),
        ([], "guestbook"),
    ],
)
def test_each_scaffold_makes_a_project_with_or_without_a_name(tmp_path, options, project):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "pyramid.msdeploy", folder)
    arguments = ["install_msdeploy", "--skip-fcgi-app-install", *options]
    command = [sys.executable, "-W", "ignore", "-B", "-c", WITHOUT_PIP, *arguments]
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, timeout=120, check=True)
    ini = (folder / "development.ini").read_text(encoding="utf-8")
    assert f"paste.app_factory = {project}:main\n" in ini
    module = (folder / project / "__init__.py").read_text(encoding="utf-8")
    assert f'config.scan("{project}' in module
