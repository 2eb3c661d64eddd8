"""Packages, from a project's folder and back."""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile

import pytest

from iiswsgi.deploy.archive import write_archive
from iiswsgi.deploy.package import make_package, package_name, read_package
from iiswsgi.deploy.project import Project
from iiswsgi.errors import DeployError

MANIFEST = b"""\
<msdeploy.iisApp>
  <iisApp path="My App"/>
  <dbFullSql path="install.sql"/>
  <runCommand path="%SystemDrive%\\Python311\\Scripts\\iiswsgi_install.exe"/>
</msdeploy.iisApp>
"""
PARAMETERS = b"""\
<parameters>
  <parameter name="Application Path" tags="iisApp">
    <parameterEntry kind="ProviderPath" scope="iisApp" match="^My App$"/>
  </parameter>
</parameters>
"""
FILES = {
    "setup.py": b"print('setup')",
    "guest/__init__.py": b"",
    "guest/static/größe.css": b"b {}",
    "web.config.in": b"<configuration/>",
    "install.sql": b"select 1",
    "Manifest.xml": MANIFEST,
    "Parameters.xml": PARAMETERS,
    "Manifest.xml.in": b"template",
    "iis_install.stamp.in": b"template",
    "iis_install.stamp": b"stamp",
}
CHOSEN = [name for name in FILES if name != "iis_install.stamp"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder, as build_msdeploy leaves it."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    folder = tmp_path / "project"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    files = (folder / name for name in ("Manifest.xml", "Parameters.xml", "iis_install.stamp"))
    return Project(folder, "my-app", "1.0", *files)


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "dist/my.msdeploy.zip"


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_stands_where(project, destination):
    assert make_package(project, CHOSEN, destination) == destination
    assert entries(destination) == {
        "Manifest.xml": MANIFEST,
        "Parameters.xml": PARAMETERS,
        "install.sql": FILES["install.sql"],
        "My App/setup.py": FILES["setup.py"],
        "My App/guest/__init__.py": b"",
        "My App/guest/static/größe.css": FILES["guest/static/größe.css"],
        "My App/web.config.in": FILES["web.config.in"],
        "My App/iis_install.stamp": b"stamp",
    }


def test_what_was_not_chosen_is_not_in_it_but_the_stamp_is(project, destination):
    make_package(project, ["setup.py", "setup.py"], destination)
    names = {name for name in entries(destination) if "/" in name}
    assert names == {"My App/setup.py", "My App/iis_install.stamp"}


def manifest_with(project, provider):
    text = MANIFEST.replace(b'<dbFullSql path="install.sql"/>', provider.encode())
    project.manifest.write_bytes(text)


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ('<dbFullSql path="instal.sql"/>', "<dbFullSql> .*'instal.sql' is not among"),
        ('<dbmysql path="sql\\x.sql"/>', r"<dbMySql> .*is not among"),
        ('<dbFullSql path="../install.sql"/>', "'../install.sql' is no plain path below"),
        ('<dbFullSql path="C:\\install.sql"/>', "contains ':'"),
        ('<dbFullSql path=""/>', "has 0 characters"),
    ],
)
def test_a_script_that_is_not_there_is_named_with_its_line(project, destination, provider, says):
    manifest_with(project, provider)
    text = refusal(make_package, project, CHOSEN, destination)
    assert text.startswith(f"IISWSGI-D37: {project.manifest}, line 3: ")
    assert re.search(says, text)
    assert not destination.exists()


@pytest.mark.parametrize(
    "provider",
    [
        '<dbFullSql path="Data Source=.;Initial Catalog=shop"/>',
        '<dbFullSql path="My App/install.sql"/>',
        '<dbFullSql path="my app\\install.sql"/>',
        '<alias from="My App/install.sql" to="x.sql"/><dbFullSql path="x.sql"/>',
    ],
)
def test_a_script_that_is_elsewhere_or_none(project, destination, provider):
    manifest_with(project, provider)
    make_package(project, CHOSEN, destination)
    assert "My App/install.sql" in entries(destination)


def test_a_script_in_a_folder_is_at_that_place_of_the_package(project, destination):
    manifest_with(project, '<dbFullSql path="sql\\all.sql"/>')
    (project.folder / "sql").mkdir()
    (project.folder / "sql/all.sql").write_bytes(b"select 2")
    make_package(project, CHOSEN, destination)
    assert entries(destination)["sql/all.sql"] == b"select 2"


def test_what_azure_pipelines_wants(project, destination):
    make_package(project, CHOSEN, destination, app_parameter="IIS Web", system_info=True)
    found = entries(destination)
    assert b'name="IIS Web"' in found["Parameters.xml"]
    assert b"<systemInfo" in found["systemInfo.xml"]
    assert project.parameters.read_bytes() == PARAMETERS


def test_wheels_go_into_the_application(project, destination, tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/requirements.txt").write_bytes(b"lock")
    make_package(project, CHOSEN, destination, wheels=tmp_path / "wheels")
    assert entries(destination)["My App/wheelhouse/requirements.txt"] == b"lock"


def refusal(function, *arguments):
    with pytest.raises(DeployError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("name", ["../secret.txt", "guest/../../secret.txt"])
def test_a_file_outside_of_the_project_is_refused(project, destination, name):
    (project.folder.parent / "secret.txt").write_bytes(b"secret")
    assert "IISWSGI-D23: " in refusal(make_package, project, [*CHOSEN, name], destination)
    assert not destination.exists()


if sys.platform != "win32":  # where links need rights, and lead nowhere on Wine

    def test_a_link_out_of_the_project_is_refused_and_one_within_is_a_file(project, destination):
        (project.folder.parent / "secret.txt").write_bytes(b"secret")
        (project.folder / "in.py").symlink_to("setup.py")
        (project.folder / "out.txt").symlink_to("../secret.txt")
        make_package(project, ["in.py"], destination)
        assert entries(destination)["My App/in.py"] == FILES["setup.py"]
        assert "IISWSGI-D23: " in refusal(make_package, project, ["out.txt"], destination)


def test_without_parameters_it_is_no_package(project, destination):
    project.parameters.unlink()
    assert "IISWSGI-D27: " in refusal(make_package, project, CHOSEN, destination)


def test_an_entry_that_finds_nothing_in_what_goes_in_is_refused(project, destination):
    entry = b'<parameterEntry kind="TextFile" scope="web.config.in$" match="nowhere"/>'
    project.parameters.write_bytes(PARAMETERS.replace(b"</parameter>", entry + b"</parameter>"))
    text = refusal(make_package, project, CHOSEN, destination)
    assert f"IISWSGI-D15: {project.parameters}, line 4: " in text


def test_a_missing_file_is_named(project, destination):
    text = refusal(make_package, project, ["lost.py"], destination)
    assert "IISWSGI-D25: " in text
    assert "lost.py" in text


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        (None, "my-app-1.0-py3.11.msdeploy.zip"),
        ("win_amd64", "my-app-1.0-py3.11-win_amd64.msdeploy.zip"),
    ],
)
def test_the_name(project, platform, name):
    assert package_name(project, "3.11", platform) == name


def test_a_name_is_no_path(project):
    odd = project._replace(name="../a b", version="1.0+local/x")
    assert package_name(odd, "3.11") == ".._a_b-1.0+local_x-py3.11.msdeploy.zip"


def test_reading_it_back(project, destination):
    make_package(project, CHOSEN, destination)
    package = read_package(destination)
    data = destination.read_bytes()
    assert (package.size, package.sha1) == (len(data), hashlib.sha1(data).hexdigest())
    assert (package.manifest, package.parameters) == (MANIFEST, PARAMETERS)
    assert set(package.names) == set(entries(destination))


def test_the_case_of_names_does_not_matter(tmp_path):
    write_archive(tmp_path / "x.zip", {"manifest.XML": b"m", "parameters.xml": b"p"})
    package = read_package(tmp_path / "x.zip")
    assert (package.manifest, package.parameters) == (b"m", b"p")


@pytest.mark.parametrize("missing", ["Manifest.xml", "Parameters.xml"])
def test_a_zip_file_that_is_no_package(tmp_path, missing):
    content = {"Manifest.xml": b"m", "Parameters.xml": b"p", "app/Manifest.xml": b"not this one"}
    del content[missing]
    write_archive(tmp_path / "x.zip", content)
    text = refusal(read_package, tmp_path / "x.zip")
    assert text.startswith("IISWSGI-D28: ")
    assert missing in text


def test_a_manifest_without_end_is_not_read(tmp_path):
    write_archive(tmp_path / "x.zip", {"Manifest.xml": bytes(9 << 20), "Parameters.xml": b""})
    assert "IISWSGI-D26: " in refusal(read_package, tmp_path / "x.zip")
