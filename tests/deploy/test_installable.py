"""What would stop the installation on the server."""

from __future__ import annotations

import pytest

from iiswsgi.deploy.installable import warn_of_obstacles
from iiswsgi.deploy.manifest import parse_manifest

MANIFEST = """<m><iisApp path='App'/><dirPath path='iiswsgi_install -e'/>
<runCommand path='%ProgramFiles%\\Python\\Scripts\\iiswsgi_install.exe -v {}'/></m>"""


def said(folder, caplog, pyproject=None, options=(), command="-e venv", wheels=False):
    manifest = parse_manifest(MANIFEST.format(command), "Manifest.xml")
    warn_of_obstacles(folder, pyproject or {}, options, manifest, wheels=wheels)
    return [record.getMessage() for record in caplog.records]


def backend(name, **others):
    return {"build-system": {"build-backend": name, **others}, "tool": {"setuptools": PACKAGES}}


PACKAGES = {"packages": ["shop"]}


def test_another_build_backend_is_told_of(tmp_path, caplog):
    [says] = said(tmp_path, caplog, backend("hatchling.build"))
    assert says.startswith(f"IISWSGI-D39: {tmp_path / 'pyproject.toml'}: the build-backend of ")
    assert "'hatchling.build'" in says


@pytest.mark.parametrize(
    "pyproject",
    [
        backend("setuptools.build_meta"),
        backend("setuptools.build_meta:__legacy__"),
        backend("own", **{"backend-path": ["."]}),
        {"build-system": {}, "tool": {"setuptools": PACKAGES}},
        {"build-system": 3, "tool": {"setuptools": PACKAGES}},
    ],
)
def test_setuptools_is_there(tmp_path, caplog, pyproject):
    assert not said(tmp_path, caplog, pyproject)


@pytest.mark.parametrize(
    "how", [{"command": "-ve"}, {"command": "--virtualenv=x"}, {"command": "", "wheels": True}]
)
def test_packages_that_nobody_names_are_told_of(tmp_path, caplog, how):
    [says] = said(tmp_path, caplog, {"tool": {"setuptools": {"zip-safe": False}}}, **how)
    assert says.startswith(f"IISWSGI-D39: {tmp_path / 'pyproject.toml'}: setuptools finds")


@pytest.mark.parametrize(
    "how",
    [
        {"pyproject": {"tool": {"setuptools": {"py-modules": []}}}},
        {"options": ["packages"]},
        {"command": "-v"},
        {"command": "-a Shop-e"},
    ],
)
def test_nothing_lies_beside_them_or_they_are_named(tmp_path, caplog, how):
    assert not said(tmp_path, caplog, **how)


@pytest.mark.parametrize("name", ["setup.py", "src/shop/__init__.py"])
def test_a_layout_that_is_known(tmp_path, caplog, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert not said(tmp_path, caplog)
