from __future__ import annotations

import logging

import pytest

from iiswsgi.deploy import building
from iiswsgi.deploy.building import build, variables_of
from iiswsgi.deploy.project import Project
from iiswsgi.errors import DeployError
from setuptools_project import MANIFEST, write_project


@pytest.fixture
def project(tmp_path):
    write_project(tmp_path)
    return Project(
        folder=tmp_path,
        name="shop",
        version="1.2",
        manifest=tmp_path / "Manifest.xml",
        parameters=tmp_path / "Parameters.xml",
        stamp=tmp_path / "iis_install.stamp",
    )


def made(project):
    manifest = build(project, variables_of(project, (), {}))
    return manifest, project.manifest.read_text(encoding="utf-8")


def add_entry(project, scope, match):
    entry = f'<parameterEntry kind="TextFile" scope="{scope}" match="{match}"/>'
    text = project.parameters.read_text(encoding="utf-8")
    text = text.replace("</parameter>", f"{entry}</parameter>")
    project.parameters.write_text(text, encoding="utf-8")


def test_the_manifest_and_the_stamp_are_made(project):
    manifest, text = made(project)
    assert manifest.app_folder == "Shop"
    assert "MSDeploy.MSDeployProviderOptions" in text
    assert "%SystemDrive%" in text
    stamp = project.stamp.read_text(encoding="utf-8")
    assert stamp == "# shop 1.2 is not yet installed\n"


def test_making_them_again_changes_nothing(project):
    assert made(project) == made(project)


def test_a_manifest_without_a_template_is_taken_as_it_is(project, caplog):
    caplog.set_level(logging.INFO)
    (project.folder / "Manifest.xml.in").unlink()
    project.manifest.write_text(MANIFEST, encoding="utf-8")
    assert made(project)[1] == MANIFEST
    assert "is taken as it is" in caplog.text


@pytest.mark.parametrize("template", [True, False])
def test_a_misspelt_provider_is_told_of_once(project, caplog, template):
    text = MANIFEST.replace("runCommand", "runComand")
    path = project.folder / ("Manifest.xml.in" if template else "Manifest.xml")
    (project.folder / "Manifest.xml.in").unlink()
    path.write_text(text, encoding="utf-8")
    made(project)
    assert caplog.text.count("IISWSGI-D10") == 1


def warnings(project, caplog):
    made(project)
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_no_stamp_for_the_installer_is_told_of(project, caplog):
    assert not warnings(project, caplog)
    (project.folder / "iis_install.stamp.in").unlink()
    project.stamp.unlink()
    [says] = warnings(project, caplog)
    assert says.startswith(f"IISWSGI-D38: {project.manifest}, line 4: iiswsgi_install looks for")


def test_a_stamp_of_another_name_is_told_of(project, caplog):
    (project.folder / "iis_install.stamp.in").rename(project.folder / "my.stamp.in")
    [says] = warnings(project._replace(stamp=project.folder / "my.stamp"), caplog)
    assert "IISWSGI-D38" in says


@pytest.mark.parametrize(
    "command",
    [
        "iiswsgi_install -e venv -vi",
        "iiswsgi_install --path=C:\\x",
        "iiswsgi_install -i",
        "cmd /c x",
    ],
)
def test_a_command_that_needs_no_stamp(project, caplog, command):
    (project.folder / "iis_install.stamp.in").unlink()
    text = MANIFEST.replace("iiswsgi_install.exe -v -a Shop", command)
    (project.folder / "Manifest.xml.in").write_text(text, encoding="utf-8")
    assert not warnings(project, caplog)


def test_what_was_unpacked_from_a_package_has_had_its_stamp(project, caplog):
    (project.folder / "iis_install.stamp.in").unlink()
    project.parameters.unlink()
    assert not warnings(project, caplog)


def test_a_project_without_a_manifest(project):
    (project.folder / "Manifest.xml.in").unlink()
    with pytest.raises(DeployError, match=r"IISWSGI-D16: there is no .*Manifest.xml.in"):
        build(project, {})


def test_a_project_without_a_stamp_gets_none(project):
    (project.folder / "iis_install.stamp.in").unlink()
    made(project)
    assert not project.stamp.exists()


def test_an_unpacked_package_has_no_parameters_to_check(project):
    project.parameters.unlink()
    assert made(project)


def test_an_unknown_variable_of_the_stamp(project):
    stamp = project.folder / "iis_install.stamp.in"
    stamp.write_text("\n%(NOBODY)s", encoding="utf-8")
    with pytest.raises(DeployError, match=r"IISWSGI-D09: .*stamp.in, line 2: .*NOBODY"):
        made(project)


def test_variables_of_the_environment_are_those_that_are_listed(project):
    environ = {"A": "1", "B": "2"}
    assert variables_of(project, ["A"], environ) == {
        "PROJECT_NAME": "shop",
        "PROJECT_VERSION": "1.2",
        "A": "1",
    }
    with pytest.raises(DeployError, match=r"IISWSGI-D09: .*lists C, which is not"):
        variables_of(project, ["A", "C"], environ)


@pytest.mark.parametrize("name", ["web.config.in", "sub/deep/web.config.in"])
def test_entries_are_held_against_the_projects_files(project, name):
    add_entry(project, r"\\web\.config\.in$", "__name__")
    with pytest.raises(DeployError, match=r"IISWSGI-D15: .*Parameters\.xml, line 4: .*no file"):
        made(project)
    path = project.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("__name__", encoding="utf-8")
    assert made(project)


def test_a_script_may_lie_at_the_root_of_the_package(project):
    add_entry(project, r"^\\install\.sql$", "DB")
    (project.folder / "install.sql").write_text("CREATE DB", encoding="utf-8")
    assert made(project)


@pytest.mark.parametrize("name", ["build", "dist", ".git", "shop.egg-info", "venv", "__pycache__"])
def test_what_is_no_source_is_not_looked_at(project, name):
    add_entry(project, r"\\x\.txt$", "text")
    folder = project.folder / name
    folder.mkdir()
    (folder / "x.txt").write_text("text", encoding="utf-8")
    (folder / "pyvenv.cfg").touch()
    with pytest.raises(DeployError, match="IISWSGI-D15"):
        made(project)


def test_no_end_of_files_is_not_the_end_of_the_build(project, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(building, "MAX_FILES", 1)
    made(project)
    assert "has more than 1 files" in caplog.text


def test_a_manifest_that_cannot_be_written(project):
    project.manifest.mkdir()
    with pytest.raises(DeployError, match=r"IISWSGI-D06: .*cannot be written"):
        made(project)


def test_nothing_is_written_if_the_manifest_is_wrong(project):
    (project.folder / "Manifest.xml.in").write_text("<a/>", encoding="utf-8")
    with pytest.raises(DeployError, match="IISWSGI-D08"):
        made(project)
    assert not project.manifest.exists()
    assert not project.stamp.exists()
