"""The command bdist_msdeploy, run in projects of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from deploy.wheels import find_links, toy
from iiswsgi import __version__
from iiswsgi.deploy.package import read_package
from iiswsgi.deploy.pythons import own_platform

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

FILES = {
    "setup.py": "from setuptools import setup\nsetup()\n",
    "setup.cfg": (
        "[metadata]\nname = guest-book\nversion = 1.0\n"
        "[options]\npackages = guests\ninstall_requires = shelf\n"
    ),
    "guests/__init__.py": "",
    "guests/page.css": "b {}",
    "guests/notes.txt": "not for the server",
    "app.ini": "[app:main]\n",
    "MANIFEST.in": "include app.ini\nrecursive-include guests *.css\n",
    "Manifest.xml.in": (
        '<msdeploy.iisApp>\n  <iisApp path="%(PROJECT_NAME)s"/>\n'
        '  <runCommand path="%SystemDrive%\\py\\iiswsgi_install.exe" waitAttempts="60"/>\n'
        "</msdeploy.iisApp>\n"
    ),
    "Parameters.xml": (
        '<parameters>\n  <parameter name="Application Path" tags="iisApp">\n'
        '    <parameterEntry kind="ProviderPath" scope="iisApp" match="^guest-book$"/>\n'
        "  </parameter>\n</parameters>\n"
    ),
    "iis_install.stamp.in": "%(PROJECT_NAME)s",
}
CONTENT = {
    "Manifest.xml",
    "Parameters.xml",
    "guest-book/MANIFEST.in",
    "guest-book/app.ini",
    "guest-book/guests/__init__.py",
    "guest-book/guests/page.css",
    "guest-book/iis_install.stamp",
    "guest-book/setup.cfg",
    "guest-book/setup.py",
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path):
    return write(tmp_path / "project", FILES)


def run(folder, *command, status=0, **variables):
    """Run Python in a project's folder; what it printed."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout + result.stderr


def names(path):
    """The files of a package but for what setuptools says of the project."""
    return {name for name in read_package(path).names if ".egg-info/" not in name}


def the_package(folder):
    [path] = folder.glob("*.msdeploy.zip")
    return path


def test_from_setup_py(project):
    said = run(project, "setup.py", "bdist_msdeploy")
    path = project / f"dist/guest-book-1.0-py{VERSION}.msdeploy.zip"
    assert names(path) == CONTENT
    assert f"{path}: " in said
    package = read_package(path)
    assert b'<iisApp path="guest-book"/>' in package.manifest
    assert b"MSDeploy.MSDeployProviderOptions" in package.manifest


@pytest.mark.parametrize(
    "command", [["-m", "iiswsgi"], ["-c", "import setuptools as s; s.setup()"]]
)
def test_from_a_project_without_setup_py(project, command):
    (project / "setup.py").unlink()
    (project / "setup.cfg").unlink()
    text = (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "guest-book"\nversion = "1.0"\n'
        '[tool.setuptools]\npackages = ["guests"]\n'
    )
    write(project, {"pyproject.toml": text})
    run(project, *command, "bdist_msdeploy")
    expected = {name.replace("setup.py", "pyproject.toml") for name in CONTENT}
    assert names(the_package(project / "dist")) == expected - {"guest-book/setup.cfg"}


def test_a_clean_build_is_the_same_to_the_byte(project, tmp_path):
    other = write(tmp_path / "other place", FILES)
    for folder in (project, other):
        run(folder, "setup.py", "bdist_msdeploy", SOURCE_DATE_EPOCH="1700000000")
    first, second = (the_package(folder / "dist").read_bytes() for folder in (project, other))
    assert first == second


def test_a_build_that_the_server_could_not_repeat_is_told_of(project):
    (project / "setup.py").unlink()
    (project / "setup.cfg").unlink()
    text = '[build-system]\nbuild-backend = "flit_core.buildapi"\nrequires = ["flit_core"]\n'
    write(project, {"pyproject.toml": text + '[project]\nname = "guest-book"\nversion = "1"\n'})
    said = run(project, "-m", "iiswsgi", "bdist_msdeploy")
    assert said.count("IISWSGI-D39: ") == 1
    assert the_package(project / "dist")


@pytest.mark.parametrize("options", [[], ["--dist-dir=out/put"], ["--dist-dir=."]])
def test_the_package_before_is_not_in_the_next(project, options):
    write(project, {"MANIFEST.in": "graft .\nglobal-exclude *.py[co]\n"})
    packages = []
    for _ in range(2):
        run(project, "setup.py", "bdist_msdeploy", *options, SOURCE_DATE_EPOCH="1700000000")
        [path] = project.rglob("*.msdeploy.zip")
        packages.append(path.read_bytes())
    assert packages[0] == packages[1]
    assert not [name for name in read_package(path).names if name.endswith(".zip")]
    assert "guest-book/guests/notes.txt" in read_package(path).names


def test_options_in_setup_cfg_and_a_package_for_azure_pipelines(project):
    with (project / "setup.cfg").open("a", encoding="utf-8") as file:
        file.write(
            "[bdist_msdeploy]\nsystem_info = true\napp_parameter = IIS Web Application Name\n"
        )
    run(project, "setup.py", "bdist_msdeploy", "--dist-dir", "out", "--python-version", "3.12")
    package = read_package(project / "out/guest-book-1.0-py3.12.msdeploy.zip")
    # What ziputility.ts of the task looks for.
    assert {"parameters.xml", "systeminfo.xml"} <= {name.lower() for name in package.names}
    assert b'name="IIS Web Application Name"' in package.parameters


def test_nothing_is_installed_and_nothing_left_beside_the_sources(project):
    before = run(project, "-m", "pip", "list", "--format=freeze")
    run(project, "setup.py", "bdist_msdeploy")
    assert run(project, "-m", "pip", "list", "--format=freeze") == before
    made = {path.relative_to(project).parts[0] for path in project.rglob("*")} - {
        name.partition("/")[0] for name in FILES
    }
    assert made <= {"build", "dist", "guest_book.egg-info", "Manifest.xml", "iis_install.stamp"}
    assert not (project / "web.config").exists()


def test_a_wheelhouse_for_the_server(project, tmp_path, monkeypatch):
    find_links(monkeypatch, tmp_path / "index")
    toy(tmp_path / "index", "shelf", tag="cp312-cp312-win_amd64")
    toy(tmp_path / "index", "shelf", tag="cp312-cp312-manylinux2014_x86_64")
    toy(tmp_path / "index", "iiswsgi", __version__, ["gateway; sys_platform == 'win32'"])
    toy(tmp_path / "index", "gateway")
    run(project, "setup.py", "bdist_msdeploy", "--wheelhouse", "--python-version=3.12")
    path = project / "dist/guest-book-1.0-py3.12-win_amd64.msdeploy.zip"
    assert names(path) - CONTENT == {
        "guest-book/wheelhouse/requirements.txt",
        "guest-book/wheelhouse/shelf-1.0-cp312-cp312-win_amd64.whl",
        f"guest-book/wheelhouse/iiswsgi-{__version__}-py3-none-any.whl",
        "guest-book/wheelhouse/gateway-1.0-py3-none-any.whl",
    }
    with zipfile.ZipFile(path) as archive:
        lock = archive.read("guest-book/wheelhouse/requirements.txt").decode()
    assert "shelf==1.0 --hash=sha256:" in lock


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--python-version=2.7"], "IISWSGI-D30: "),
        (["--plat-name=amiga"], "IISWSGI-D30: "),
        (["--trial", "--wheelhouse", "--plat-name=win_arm64"], "IISWSGI-D36: "),
    ],
)
def test_wrong_options_are_one_sentence_and_nothing_is_built(project, options, code):
    said = run(project, "setup.py", "bdist_msdeploy", *options, status=1)
    assert code in said
    assert "Traceback" not in said
    assert not (project / "dist").exists()
    assert own_platform() in said or "2.7" in said


def test_what_is_wrong_with_the_project_is_one_sentence(project):
    (project / "Parameters.xml").unlink()
    said = run(project, "setup.py", "bdist_msdeploy", status=1)
    assert "error: IISWSGI-D" in said
    assert "Traceback" not in said
