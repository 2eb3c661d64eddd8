from __future__ import annotations

import logging

import pytest
from setuptools import Distribution
from setuptools.errors import BaseError

from iiswsgi.build_msdeploy import build_msdeploy
from setuptools_project import MANIFEST, write_project


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


def command(**options):
    attributes = {"name": "shop", "version": "1.2"}
    distribution = Distribution({**attributes, "cmdclass": {"build_msdeploy": build_msdeploy}})
    for name, value in options.items():
        distribution.get_option_dict("build_msdeploy")[name] = ("test", value)
    made = distribution.get_command_obj("build_msdeploy")
    made.ensure_finalized()
    return made


def test_it_makes_both_files(folder):
    command().run()
    assert (folder / "Manifest.xml").is_file()
    assert (folder / "iis_install.stamp").is_file()


def test_their_names_can_be_chosen(folder):
    (folder / "Manifest.xml.in").rename(folder / "Other.xml.in")
    (folder / "iis_install.stamp.in").rename(folder / "other.stamp.in")
    command(manifest_name="Other.xml", stamp_filename="other.stamp").run()
    assert (folder / "Other.xml").is_file()
    assert (folder / "other.stamp").is_file()


def test_variables_are_listed(folder, monkeypatch):
    monkeypatch.setenv("IISWSGI_SHOP_DRIVE", "E:")
    text = MANIFEST.replace("%SystemDrive%", "%IISWSGI_SHOP_DRIVE%")
    (folder / "Manifest.xml.in").write_text(text, encoding="utf-8")
    command().run()
    manifest = folder / "Manifest.xml"
    assert "%IISWSGI_SHOP_DRIVE%" in manifest.read_text(encoding="utf-8")
    command(variables="IISWSGI_SHOP_DRIVE").run()
    assert 'path="E:\\Python' in manifest.read_text(encoding="utf-8")
    with pytest.raises(BaseError, match=r"IISWSGI-D09: .*IISWSGI_SHOP_NOWHERE"):
        command(variables="IISWSGI_SHOP_DRIVE, IISWSGI_SHOP_NOWHERE").run()


def test_a_missing_msdeploy_exe_is_one_line_and_the_rest_goes_on(folder, caplog):
    command(msdeploy_exe=str(folder / "msdeploy.exe")).run()
    assert [r.levelno for r in caplog.records].count(logging.WARNING) == 1
    assert "IISWSGI-D17" in caplog.text
    assert (folder / "Manifest.xml").is_file()


def test_what_is_wrong_is_setuptools_error(folder):
    (folder / "Parameters.xml").write_text("<parameters/>", encoding="utf-8")
    with pytest.raises(BaseError, match=r"IISWSGI-D13: .*Parameters.xml, line 1"):
        command().run()


def test_what_a_source_distribution_needs(folder):
    assert command().get_source_files() == [
        "Manifest.xml.in",
        "iis_install.stamp.in",
        "Parameters.xml",
    ]
    (folder / "iis_install.stamp.in").unlink()
    assert command().get_source_files() == ["Manifest.xml.in", "Parameters.xml"]


@pytest.mark.usefixtures("folder")
def test_nothing_of_it_is_installed():
    assert command().get_outputs() == []
    assert command().get_output_mapping() == {}


def test_a_wrong_project_is_one_sentence_for_a_source_distribution_too(folder):
    (folder / "pyproject.toml").write_text("[tool.iiswsgi]\ntitle = 3\n", encoding="utf-8")
    with pytest.raises(BaseError, match=r"IISWSGI-D01: .*title of"):
        command().get_source_files()
