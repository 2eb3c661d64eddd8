from __future__ import annotations

import pytest
from setuptools import Distribution
from setuptools.errors import BaseError, OptionError, SetupError

from iiswsgi.errors import ConfigError, DeployError
from iiswsgi.options import check_list, check_string, join_build, paths, project_of, reported
from setuptools_project import PYPROJECT, SETUP, run, write_project


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def distribution(**attributes):
    found = Distribution({"name": "shop", "version": "1.2"})
    found.parse_config_files()
    vars(found).update(attributes)
    return found


def test_a_project_is_what_setup_was_told(folder):
    attributes = {
        "name": "shop", "version": "1.2", "description": "A shop", "author": "Ann",
        "author_email": "a@example.com", "url": "http://example.com", "license": "MIT",
        "keywords": ["a", "b"], "install_requires": ["flup>1"], "python_requires": ">=3.10",
        "long_description": "It sells.",
    }  # fmt: skip
    project = project_of(Distribution(attributes))
    assert project.folder == folder
    assert (project.name, project.version, project.description) == ("shop", "1.2", "A shop")
    assert (project.author, project.author_email) == ("Ann", "a@example.com")
    assert (project.url, project.license) == ("http://example.com", "MIT")
    assert project.keywords == ("a", "b")
    assert project.requires == ("flup>1",)
    assert project.requires_python == ">=3.10"
    assert project.long_description == "It sells."
    assert project.manifest == folder / "Manifest.xml"
    assert project.parameters == folder / "Parameters.xml"
    assert project.stamp == folder / "iis_install.stamp"


@pytest.mark.usefixtures("folder")
def test_what_setup_was_not_told_is_empty():
    project = project_of(distribution())
    assert project.title == project.url == project.license == project.requires_python == ""
    assert project.install_msdeploy == project.install_webpi == project.keywords == ()


@pytest.mark.usefixtures("folder")
def test_setup_keywords():
    project = project_of(distribution(title="The shop", install_webpi=["PHP", "SQL"]))
    assert project.title == "The shop"
    assert project.install_webpi == ("PHP", "SQL")


def test_keywords_in_setup_cfg(folder):
    text = "[options]\ntitle = The shop\ninstall_msdeploy =\n    a\n    b\n"
    (folder / "setup.cfg").write_text(text, encoding="utf-8")
    project = project_of(distribution(title=None, install_msdeploy="\na\nb"))
    assert project.install_msdeploy == ("a", "b")


# Older setuptools call the table [tool.setuptools] beta.
@pytest.mark.filterwarnings("ignore:.*beta")
def test_keywords_in_pyproject_toml(folder):
    table = (
        '[project.urls]\nHomepage = "http://x"\n[tool.iiswsgi]\ntitle = "T"\ninstall_webpi = ["x"]'
    )
    (folder / "pyproject.toml").write_text(PYPROJECT + table, encoding="utf-8")
    found = Distribution()
    found.parse_config_files()
    project = project_of(found)
    assert (project.name, project.title, project.url) == ("shop", "T", "http://x")
    assert project.install_webpi == ("x",)


def test_what_setup_is_told_goes_before_pyproject_toml(folder):
    (folder / "pyproject.toml").write_text('[tool.iiswsgi]\ntitle = "T"\n', encoding="utf-8")
    assert project_of(distribution(title="U")).title == "U"


def test_an_unknown_keyword_in_pyproject_toml(folder):
    (folder / "pyproject.toml").write_text('[tool.iiswsgi]\ntitel = "T"\n', encoding="utf-8")
    with pytest.raises(DeployError, match=r"IISWSGI-D01: .*pyproject.toml has titel"):
        project_of(distribution())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool]\niiswsgi = 3", r".*iiswsgi = 3; it must be a table"),
        ("[tool.iiswsgi]\ntitle = 3", r"title of \[tool.iiswsgi\] is 3; it must be a text"),
        ("[tool.iiswsgi]\ninstall_webpi = [3]", r"install_webpi of .* must be a list of texts"),
    ],
)
def test_what_is_wrong_in_pyproject_toml(folder, text, says):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DeployError, match=rf"IISWSGI-D01: .*pyproject\.toml: {says}"):
        project_of(distribution())


@pytest.mark.usefixtures("folder")
def test_names_that_build_msdeploy_was_given():
    found = distribution()
    found.get_option_dict("build_msdeploy")["manifest_name"] = ("setup.cfg", "Other.xml")
    assert project_of(found).manifest.name == "Other.xml"


@pytest.mark.usefixtures("folder")
def test_a_project_needs_a_name():
    with pytest.raises(DeployError, match="IISWSGI-D02"):
        project_of(Distribution())


@pytest.mark.parametrize("value", [5, ["a"], b"a", True])
def test_a_keyword_that_must_be_a_text(value):
    with pytest.raises(SetupError, match="IISWSGI-D01: the setup keyword title is"):
        check_string(distribution(), "title", value)


@pytest.mark.parametrize("value", [5, 0, [5], [""], {"a": "b"}, {"a"}, [None]])
def test_a_keyword_that_must_be_a_list(value):
    with pytest.raises(SetupError, match="IISWSGI-D01: the setup keyword install_webpi is"):
        check_list(distribution(), "install_webpi", value)


def test_keywords_that_are_right():
    check_string(distribution(), "title", "A title")
    check_list(distribution(), "install_webpi", ["a", "b"])
    check_list(distribution(), "install_webpi", ())


def test_a_wrong_keyword_is_one_line_of_setups(tmp_path):
    write_project(tmp_path, setup__py=SETUP.replace("packages=[]", "packages=[], title=5"))
    result = run(tmp_path, "setup.py", "--version")
    assert result.returncode == 1
    assert "error in shop setup command: IISWSGI-D01: the setup keyword title" in result.stderr
    assert "Traceback" not in result.stderr


def test_our_errors_become_one_line_of_setuptools():
    with pytest.raises(BaseError, match=r"^IISWSGI-C01: x$"), reported():
        raise ConfigError("C01", "x")


def sub_commands(of):
    return [name for name, _ in of.get_command_class("build").sub_commands]


def test_build_is_joined_where_there_is_a_template_and_nowhere_else(folder):
    other = Distribution({"name": "other"})
    before = sub_commands(other)
    (folder / "Manifest.xml.in").touch()
    found = Distribution({"name": "shop"})
    found.cmdclass.pop("build", None)  # it has joined already where the entry point is installed
    join_build(found)
    assert sub_commands(found) == [*before, "build_msdeploy"]
    assert sub_commands(other) == before
    assert "build_msdeploy" not in sub_commands(other)


def test_a_projects_own_build_is_joined_too(folder):
    from setuptools.command.build import build

    class Own(build):
        sub_commands = [("build_py", None)]  # noqa: RUF012 - as setuptools has it

    (folder / "Manifest.xml.in").touch()
    found = Distribution({"name": "shop"})
    found.cmdclass["build"] = Own
    join_build(found)
    assert sub_commands(found) == ["build_py", "build_msdeploy"]
    assert issubclass(found.get_command_class("build"), Own)
    assert Own.sub_commands == [("build_py", None)]


@pytest.mark.usefixtures("folder")
def test_a_project_without_a_template_is_left_alone():
    found = Distribution({"name": "shop"})
    join_build(found)
    assert "build" not in found.cmdclass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("", []),
        (".", ["."]),
        ("a b\n c", ["a", "b", "c"]),
        (r'. "C:\My App" D:\x', [".", r"C:\My App", r"D:\x"]),
        (["a b", "c"], ["a b", "c"]),
    ],
)
def test_an_option_may_hold_several_paths(value, expected):
    assert paths(value) == expected


def test_a_quotation_mark_that_is_never_closed_is_refused():
    with pytest.raises(OptionError, match="No closing quotation"):
        paths('"a b')
