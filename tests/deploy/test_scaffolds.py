"""The choices that the Pyramid example has when it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from functional.sites import EXAMPLES


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
