"""The ways to run a setuptools command of ours, each in a process of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import setuptools

import iiswsgi
from functional.sites import ON_WINE
from iiswsgi import setupcommand
from iiswsgi.commands import SETUP_COMMANDS
from iiswsgi.commands import run as run_command
from iiswsgi.errors import DeployError
from setuptools_project import PYPROJECT, SETUP, run, write_project

IMPORTED = ("setuptools", "_distutils_hack", "pkg_resources", "packaging")


def built(folder):
    manifest = (folder / "Manifest.xml").read_text(encoding="utf-8")
    stamp = (folder / "iis_install.stamp").read_text(encoding="utf-8")
    assert stamp == "# shop 1.2 is not yet installed\n"
    return "MSDeploy.MSDeployProviderOptions" in manifest


def test_every_command_is_named_and_installed_under_its_name():
    installed = importlib.metadata.entry_points(group="distutils.commands")
    ours = {e.name: e.value for e in installed if e.value.startswith("iiswsgi.")}
    assert ours == {name: f"iiswsgi.{name}:{name}" for name in SETUP_COMMANDS}


def test_in_a_project_with_nothing_but_pyproject_toml(tmp_path):
    write_project(tmp_path, pyproject__toml=PYPROJECT)
    result = run(tmp_path, "-m", "iiswsgi", "build_msdeploy")
    assert result.returncode == 0, result.stderr
    assert "writing " in result.stdout
    assert built(tmp_path)


def test_in_a_project_with_a_setup_py_that_imports_what_lies_beside_it(tmp_path):
    setup = "import beside\n" + SETUP.replace('"shop"', "beside.NAME")
    write_project(tmp_path, setup__py=setup, beside__py="NAME = 'shop'\n")
    result = run(tmp_path, "-m", "iiswsgi", "build_msdeploy")
    assert result.returncode == 0, result.stderr
    assert built(tmp_path)


def test_setup_py_build_makes_the_manifest(tmp_path):
    write_project(tmp_path, setup__py=SETUP)
    result = run(tmp_path, "setup.py", "build")
    assert result.returncode == 0, result.stderr
    assert "running build_msdeploy" in result.stdout
    assert built(tmp_path)


@pytest.fixture
def not_installed(tmp_path):
    """A folder with what is needed to import iiswsgi, and without its entry points."""
    packages = tmp_path / "packages"
    for name in IMPORTED:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            shutil.copytree(spec.submodule_search_locations[0], packages / name)
    shutil.copytree(Path(iiswsgi.__file__).parent, packages / "iiswsgi")
    for info in Path(setuptools.__file__).parents[1].glob("setuptools-*.dist-info"):
        shutil.copytree(info, packages / info.name)
    return packages


NEEDS_NO_SITE = pytest.mark.skipif(
    ON_WINE and sys.version_info >= (3, 12),
    reason="needs -S, and so cannot take from this Python what ends it on Wine 8 (sitecustomize in"
    " dev.py); the Windows Python 3.11 runs it there; run it on Windows",
)


@NEEDS_NO_SITE
def test_command_packages_where_iiswsgi_is_not_installed(tmp_path, not_installed):
    project = tmp_path / "project"
    project.mkdir()
    write_project(project, setup__py=SETUP, setup__cfg="[global]\ncommand_packages = iiswsgi\n")
    result = run(project, "-S", "setup.py", "build_msdeploy", path=not_installed)
    assert result.returncode == 0, result.stderr
    assert built(project)


@NEEDS_NO_SITE
@pytest.mark.parametrize("files", [{"pyproject__toml": PYPROJECT}, {"setup__py": SETUP}])
def test_python_m_iiswsgi_where_it_is_not_installed(tmp_path, not_installed, files):
    project = tmp_path / "project"
    project.mkdir()
    write_project(project, **files)
    result = run(project, "-S", "-m", "iiswsgi", "bdist_msdeploy", path=not_installed)
    assert result.returncode == 0, result.stderr
    assert built(project)
    assert list(project.glob("dist/*.msdeploy.zip"))


def test_what_is_wrong_is_one_line_and_a_status(tmp_path):
    manifest = "<a>\n<iisApp path='Shop'/>\n<runCommand path='x' waitAtempts='1'/></a>"
    write_project(tmp_path, pyproject__toml=PYPROJECT, Manifest__xml__in=manifest)
    result = run(tmp_path, "-m", "iiswsgi", "build_msdeploy")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "error: IISWSGI-D07: " in result.stderr
    assert "Manifest.xml.in, line 3: <runCommand> has no setting waitAtempts" in result.stderr
    assert not (tmp_path / "Manifest.xml").exists()


def test_a_folder_without_a_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(DeployError, match="IISWSGI-D03"):
        setupcommand.run(["build_msdeploy"])
    assert run_command(["build_msdeploy"]) == 2
    assert capsys.readouterr().err.startswith("IISWSGI-D03: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[project", "Expected"),
        ("[project]\nversion = '1'", "name"),
        ("[project]\nname = 'a'\nversion = '1'\nfoo = 1", "foo"),
        (b"name = '\xff'", "decode"),
        ("tool = 3", "a table"),
    ],
)
@pytest.mark.parametrize("script", [True, False])
def test_a_pyproject_toml_that_is_wrong(tmp_path, monkeypatch, text, says, script):
    if script:
        (tmp_path / "setup.py").write_text(SETUP, encoding="utf-8")
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "pyproject.toml").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(DeployError, match=rf"IISWSGI-D19: .*pyproject\.toml cannot .*{says}"):
        setupcommand.run(["build_msdeploy"])


@pytest.mark.parametrize("data", [b"[a", b"[a]\nb = \xff", b"[a]\n[a]\n"])
@pytest.mark.parametrize("script", [True, False])
def test_a_setup_cfg_that_is_wrong(tmp_path, monkeypatch, data, script):
    if script:
        (tmp_path / "setup.py").write_text(SETUP, encoding="utf-8")
    (tmp_path / "setup.cfg").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(DeployError, match=r"IISWSGI-D19: .*setup\.cfg cannot be used: "):
        setupcommand.run(["build_msdeploy"])


@pytest.mark.parametrize("command", SETUP_COMMANDS)
def test_each_command_explains_its_options(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(write_project(tmp_path, setup__py=SETUP))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", [])
    assert run_command([command, "--help"]) == 0
    assert f"Options for '{command}' command:" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_options_are_explained_without_a_project(option, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert run_command(["bdist_msdeploy", option]) == 0
    assert "Options for 'bdist_msdeploy' command:" in capsys.readouterr().out


def test_the_list_of_commands_has_them(capsys):
    with pytest.raises(SystemExit):
        run_command(["--help"])
    listed = capsys.readouterr().out
    assert all(command in listed for command in SETUP_COMMANDS)
