from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from setuptools import Distribution
from setuptools.errors import BaseError

from iiswsgi.bdist_msdeploy import bdist_msdeploy
from iiswsgi.bdist_webpi import _moment, bdist_webpi
from iiswsgi.deploy.feedreader import parse_feed
from setuptools_project import ROOT

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOCAL = "{msdeploy_package_url}"


def write_project(folder, name="Sample", package=f"Sample-1.0-py{VERSION}"):
    """A project that is an application, with a package in dist/."""
    folder.joinpath("dist").mkdir(parents=True)
    folder.joinpath("Manifest.xml.in").write_text("<MSDeploy.iisApp/>")
    folder.joinpath("setup.cfg").write_text(
        f"[metadata]\nname = {name}\nversion = 1.0\n[options]\npy_modules =\n"
        "[global]\ncommand_packages = iiswsgi\n"
    )
    with zipfile.ZipFile(folder / "dist" / f"{package}.msdeploy.zip", "w") as archive:
        for file in ("Manifest.xml", "Parameters.xml", "Sample/app.ini"):
            archive.writestr(file, "<x/>")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = write_project(tmp_path / "project")
    monkeypatch.chdir(folder)
    # For the processes that the command starts in other folders.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    return folder


@pytest.mark.parametrize(
    ("epoch", "moment"),
    [("0", "1970-01-01T00:00:00"), ("253402300799", "9999-12-31T23:59:59")],
)
def test_any_moment_that_a_calendar_has(epoch, moment, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert _moment().isoformat() == f"{moment}+00:00"


@pytest.mark.usefixtures("project")
def test_a_moment_that_no_calendar_has_is_one_sentence(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "999999999999")
    with pytest.raises(BaseError, match="IISWSGI-D24: SOURCE_DATE_EPOCH is '999999999999'"):
        command(msdeploy_url_template=LOCAL).run()


def command(extras=None, **options):
    """The command for a distribution; what setup's keywords would set is set on it."""
    distribution = Distribution({"name": "Sample", "version": "1.0"})
    distribution.extras_require = extras or {}
    distribution.cmdclass = {"bdist_webpi": bdist_webpi, "bdist_msdeploy": bdist_msdeploy}
    made = distribution.get_command_obj("bdist_webpi")
    for name, value in options.items():
        setattr(made, name, value)
    made.ensure_finalized()
    return made


def written(folder, name=f"Sample-1.0-py{VERSION}.webpi.xml"):
    return parse_feed(folder.joinpath("dist", name).read_bytes(), name)


def refused(made):
    with pytest.raises(BaseError) as caught:
        made.run()
    return str(caught.value)


def test_the_projects_own_package_gets_an_entry(project):
    made = command(msdeploy_url_template=LOCAL)
    made.run()
    feed = written(project)
    package = project / "dist" / f"Sample-1.0-py{VERSION}.msdeploy.zip"
    (entry,) = feed.entries
    assert (entry.product_id, entry.version) == ("Sample", "1.0")
    assert entry.installers[0].url == package.resolve().as_uri()
    assert feed.updated == entry.updated == "2001-09-09T01:46:40Z"
    assert made.distribution.dist_files == [
        (
            "bdist_webpi",
            VERSION,
            str((project / "dist" / f"{package.stem[:-9]}.webpi.xml").resolve()),
        )
    ]


def test_the_same_packages_make_the_same_feed(project):
    feed = project / "dist" / f"Sample-1.0-py{VERSION}.webpi.xml"
    command(msdeploy_url_template=LOCAL).run()
    first = feed.read_bytes()
    feed.unlink()
    command(msdeploy_url_template=LOCAL).run()
    assert feed.read_bytes() == first


def test_the_option_is_stronger_than_the_keyword(project):
    made = command()
    made.distribution.msdeploy_url_template = "https://example.com/{msdeploy_file}"
    made.run()
    assert written(project).entries[0].installers[0].url.startswith("https://example.com/Sample-1")
    made = command(msdeploy_url_template="https://example.org/{name}")
    made.distribution.msdeploy_url_template = "https://example.com/{msdeploy_file}"
    made.run()
    assert written(project).entries[0].installers[0].url == "https://example.org/Sample"


@pytest.mark.parametrize("extra", ["webpi_eggs", "webpi-eggs"])
def test_distributions_get_entries_and_what_is_missing_is_named(project, extra, caplog):
    made = command({extra: ["pytest>=1"]}, msdeploy_url_template=LOCAL)
    made.distribution.install_msdeploy = ["pytest", "elsewhere"]
    caplog.set_level(logging.WARNING)
    made.run()
    assert [entry.product_id for entry in written(project).entries] == ["Sample", "pytest"]
    (warning,) = [record.message for record in caplog.records]
    assert warning.startswith("IISWSGI-D48: the feed has no product elsewhere,")


def test_the_entries_go_into_a_feed_that_is_there(project):
    template = project / "all.xml"
    template.write_text(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>All</title>"
        "<entry><productId>Other</productId></entry></feed>"
    )
    command(msdeploy_url_template=LOCAL, template=str(template)).run()
    feed = written(project)
    assert feed.title == "All"
    assert [entry.product_id for entry in feed.entries] == ["Other", "Sample"]


def test_packages_of_other_projects_get_entries_too(project, tmp_path):
    other = write_project(tmp_path / "the other", "Other", f"Other-1.0-py{VERSION}-win_amd64")
    command(msdeploy_url_template=LOCAL, msdeploy_bdists=f'"{other}" .', dist_dir="feeds").run()
    feed = parse_feed(next(project.glob("feeds/*.webpi.xml")).read_bytes(), "f")
    assert [entry.product_id for entry in feed.entries] == ["Other", "Sample"]
    assert "win_amd64" in feed.entries[0].installers[0].url
    assert not list(other.glob("dist/*.webpi.xml"))


def test_a_project_that_fails_elsewhere_is_one_sentence(project, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    sentence = refused(command(msdeploy_url_template=LOCAL, msdeploy_bdists=[str(empty)]))
    assert sentence.startswith("IISWSGI-I03: ")
    assert "IISWSGI-D03" in sentence


def test_nothing_for_a_feed_is_one_sentence(project):
    project.joinpath("Manifest.xml.in").unlink()
    assert refused(command(msdeploy_url_template=LOCAL)).startswith("IISWSGI-D46: Sample has")


def test_no_place_to_download_from_is_one_sentence(project):
    assert refused(command()).startswith("IISWSGI-D43: ")


def test_a_package_that_is_not_there_is_one_sentence(project):
    for package in project.glob("dist/*.zip"):
        package.unlink()
    assert "no package of Sample 1.0" in refused(command(msdeploy_url_template=LOCAL))


def test_several_packages_are_no_guess(project):
    (package,) = project.glob("dist/*.zip")
    for other in ("py3.8", "py3.9"):
        package.with_name(f"Sample-1.0-{other}.msdeploy.zip").write_bytes(package.read_bytes())
    command(msdeploy_url_template=LOCAL).run()  # the one for this Python is one of three
    assert f"py{VERSION}." in written(project).entries[0].installers[0].url
    package.unlink()
    sentence = refused(command(msdeploy_url_template=LOCAL))
    assert sentence.startswith("IISWSGI-D47: ")
    assert "py3.8" in sentence
    assert "py3.9" in sentence


def test_what_was_built_in_the_same_run_is_taken(project):
    (package,) = project.glob("dist/*.zip")
    built = package.rename(project / f"Sample-1.0-py{VERSION}-win32.msdeploy.zip")
    made = command(msdeploy_url_template=LOCAL)
    made.distribution.dist_files.append(("bdist_msdeploy", VERSION, str(built)))
    made.run()
    assert written(project).entries[0].installers[0].url.endswith("-win32.msdeploy.zip")


def test_it_runs_as_a_command(project):
    program = "import setuptools; setuptools.setup()"
    arguments = ["bdist_webpi", "-u", LOCAL, "-m", ".", "-d", "out"]
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (feed,) = Path("out").iterdir()
    assert feed.resolve().as_uri() in result.stdout
    assert parse_feed(feed.read_bytes(), "f").entries[0].product_id == "Sample"
