"""Every command, in an environment with the oldest and the newest setuptools that are allowed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from setuptools_project import ROOT, copy_source

pytestmark = [
    pytest.mark.once,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        sys.platform == "win32",
        reason="the commands run there with one setuptools; run it on POSIX",
    ),
]

COMMANDS = [
    ["egg_info", "build_msdeploy", "bdist_msdeploy"],
    ["bdist_webpi", "-u", "{msdeploy_package_url}"],
    ["clean_webpi", "-c", "cache"],
    ["install_msdeploy", "--skip-fcgi-app-install", "test_msdeploy"],
]


def check(*command, cwd):
    result = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("version", ["65.0.0", "81.0.0"])
def test_every_command(tmp_path, version):
    check(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    check(*pip, f"setuptools=={version}", "wheel", cwd=tmp_path)
    copy = copy_source(tmp_path / "iiswsgi")
    check(*pip, "--no-build-isolation", f"{copy}[host]", f"setuptools=={version}", cwd=tmp_path)
    ours = "import setuptools; print(setuptools.__version__)"
    assert check(python, "-W", "ignore", "-c", ours, cwd=tmp_path).strip() == version
    folder = tmp_path / "sample"
    shutil.copytree(ROOT / "examples" / "sample.msdeploy", folder)
    for command in COMMANDS:
        check(python, "-W", "ignore", "setup.py", *command, cwd=folder)
    assert list(folder.glob("dist/*.msdeploy.zip"))
    assert (folder / "web.config").is_file()
    check(python, "-W", "ignore", "-m", "iiswsgi", "bdist_msdeploy", cwd=folder)
