from __future__ import annotations

import os

import pytest
from setuptools import Distribution

from doubles import install_appcmd
from iiswsgi.bdist_webpi import bdist_webpi
from iiswsgi.clean_webpi import clean_webpi
from iiswsgi.deploy.feed import Feed
from iiswsgi.deploy.feedwriter import write
from iiswsgi.deploy.project import STAMP
from setuptools_project import ROOT

MANIFEST = '<MSDeploy.iisApp><iisApp path="SampleApp"/></MSDeploy.iisApp>'


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def cache(tmp_path):
    """WebPI's cache with two products, two feeds and a log."""
    folder = tmp_path / "Web Platform Installer"
    for product in ("Sample", "Other"):
        folder.joinpath("installers", product).mkdir(parents=True)
        folder.joinpath("installers", product, "x.zip").write_text("x")
        feed = write(Feed(product, f"https://example.com/{product}"))
        folder.joinpath(f"{product}.xml").write_bytes(feed)
    folder.joinpath("logs").mkdir()
    folder.joinpath("logs", "1.txt").write_text("x")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    folder.joinpath("Manifest.xml.in").write_text(MANIFEST)
    monkeypatch.chdir(folder)
    # For the processes that the command starts in other folders.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("IIS_BIN", "LOCALAPPDATA", "SYSTEMROOT"):
        if os.name != "nt" or name != "SYSTEMROOT":  # Windows starts no program without it
            monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def sites(project, tmp_path, monkeypatch):
    """Sites that a double of appcmd.exe knows, each with a stamp and a file of its own."""
    folders = {}
    for name in ("SampleApp", "SampleApp2", "SampleApplication"):
        folders[name] = tmp_path / "www" / name
        folders[name].mkdir(parents=True)
        for file in (STAMP, "app.ini"):
            folders[name].joinpath(file).write_text("x")
    applications = {f"Site/{name}": folder for name, folder in folders.items()}
    install_appcmd(tmp_path / "bin", {"Site": tmp_path / "www", **applications})
    monkeypatch.setenv("IIS_BIN", str(tmp_path / "bin"))
    return tmp_path / "www"


def run(**options):
    attributes = {"name": "Sample", "version": "1.0", "url": "https://example.com/Sample"}
    distribution = Distribution(attributes)
    distribution.cmdclass = {"bdist_webpi": bdist_webpi, "clean_webpi": clean_webpi}
    made = distribution.get_command_obj("clean_webpi")
    for name, value in options.items():
        setattr(made, name, value)
    made.ensure_finalized()
    made.run()


def test_what_is_the_projects_goes_and_nothing_else(project, cache, sites):
    project.joinpath("Manifest.xml").write_text(MANIFEST)
    sites_before = files(sites)
    before = files(cache)
    run(webpi_cache=str(cache))
    assert before - files(cache) == {"installers/Sample/x.zip", "Sample.xml"}
    assert sites_before - files(sites) == {f"SampleApp/{STAMP}", f"SampleApp2/{STAMP}"}


PARAMETERS = '<parameters><parameter name="x" tags="iisApp" defaultValue="{}"/></parameters>'


@pytest.mark.parametrize(
    ("default", "found"),
    [
        ("Site/SampleApplication", {"SampleApp", "SampleApp2", "SampleApplication"}),
        ("Site", {"SampleApp", "SampleApp2", ""}),
        ("{Other}/SampleApplication", {"SampleApp", "SampleApp2"}),
    ],
)
def test_the_proposed_path_is_looked_for_too(project, sites, default, found):
    project.joinpath("Manifest.xml").write_text(MANIFEST)
    project.joinpath("Parameters.xml").write_text(PARAMETERS.format(default))
    sites.joinpath(STAMP).write_text("x")
    before = files(sites)
    run()
    assert before - files(sites) == {f"{name}/{STAMP}".lstrip("/") for name in found}


def test_the_usual_cache_is_found(project, tmp_path, monkeypatch, cache):
    usual = tmp_path / "local" / "Microsoft" / "Web Platform Installer"
    usual.parent.mkdir(parents=True)
    cache.rename(usual)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    run()
    assert "Sample.xml" not in files(usual)
    assert "Other.xml" in files(usual)


def test_where_there_is_neither_webpi_nor_iis_two_lines_say_so(project, caplog):
    before = files(project)
    run()
    if os.name != "nt":  # Windows may have an appcmd.exe of its own
        codes = [record.message.partition(":")[0] for record in caplog.records]
        assert codes == ["IISWSGI-D50", "IISWSGI-D53"]
    assert files(project) == before


def test_a_cache_that_is_not_there_is_no_error(project, tmp_path):
    run(webpi_cache=str(tmp_path / "missing"))
    assert not tmp_path.joinpath("missing").exists()


def test_other_projects_are_cleared_up_after_too(project, tmp_path, cache):
    other = tmp_path / "an other"
    other.mkdir()
    other.joinpath("setup.cfg").write_text(
        "[metadata]\nname = Other\nversion = 1\nurl = https://example.com/Other\n"
        "[options]\npy_modules =\n[global]\ncommand_packages = iiswsgi\n"
    )
    before = files(cache)
    run(webpi_cache=str(cache), msdeploy_bdists=[str(other)])
    gone = {"installers/Other/x.zip", "Other.xml", "Sample.xml"}
    assert before - files(cache) == gone
