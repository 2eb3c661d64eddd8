"""pip's configuration counts in an installation, but for where to install."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deploy.installs import COMMANDS, application, bootstrap
from iiswsgi.deploy.pipsettings import pip_environment

ELSEWHERE = """\
[global]
index-url = https://me:s3cret%40x@index.example/
user = true
extra-index-url =
    https://one.example/
    https://two.example/
[install]
target = {0}
prefix = {0}
[list]
format = freeze
"""


@pytest.fixture
def env(tmp_path):
    """Variables of a user whose pip is configured to install elsewhere; no other files count."""
    home = tmp_path / "home ü"
    for name in (".config", "config", "pip"):
        (home / name / "pip").mkdir(parents=True)
    for path in (home / ".config" / "pip" / "pip.conf", home / "pip" / "pip" / "pip.ini"):
        path.write_text(ELSEWHERE.format(tmp_path / "elsewhere"), encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "XDG_"))}
    # On Windows pip asks the system for the usual folder, and the profile for an older one.
    return {**kept, "HOME": str(home), "USERPROFILE": str(home / "pip"), "PYTHONUTF8": "1"}


def settings(env):
    """What pip is configured to do, by its own account."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in lines.splitlines())


def test_where_to_install_is_left_out_and_all_else_counts(env, caplog):
    caplog.set_level("INFO", "iiswsgi")
    before = settings(env)
    with pip_environment(sys.executable, env) as changed:
        after = settings(changed)
    left_out = ["global.user", "install.prefix", "install.target"]
    assert sorted(name for name in before if before[name] != after[name]) == left_out
    assert {after[name] for name in left_out} == {"''"}
    assert "s3cret" in before["global.index-url"]
    assert "s3cret" not in caplog.text
    assert "install.target" in caplog.text


def test_nothing_changes_where_there_is_nothing_to_leave_out(env, tmp_path):
    env = {**env, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with pip_environment(sys.executable, env) as changed:
        assert changed is env


def test_without_a_pip_nothing_changes(env):
    env = {**env, "PYTHONPATH": os.path.join(env["HOME"], "broken")}
    os.makedirs(os.path.join(env["PYTHONPATH"], "pip"))
    open(os.path.join(env["PYTHONPATH"], "pip", "__init__.py"), "wb").close()
    with pip_environment(sys.executable, env) as changed:
        assert changed is env


@pytest.mark.once
def test_the_setup_commands_get_no_other_place_by_variables(tmp_path):
    names = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_PROXY")
    shown = f"import os\nprint('pip:', [name for name in {names} if name in os.environ])\n"
    setup = f"{shown}from setuptools import setup\nsetup(py_modules=['greeter'])\n"
    app = application(tmp_path / "app", setup__py=setup, setup__cfg=COMMANDS)
    status, output = bootstrap("--path", app, "check", **dict.fromkeys(names, "0"))
    assert status == 0, output
    assert "pip: ['PIP_PROXY']" in output
