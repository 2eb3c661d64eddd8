"""Which of a server's folders is the application's."""

from __future__ import annotations

import errno
import os

import pytest

from deploy.installs import deep
from iiswsgi.deploy.locate import locate, remove_stamp
from iiswsgi.errors import InstallError
from iiswsgi.iis.appcmd import VirtualDirectory

STAMP = "iis_install.stamp"


class Sites:
    """An appcmd that knows these virtual directories."""

    def __init__(self, *directories):
        self.directories = [VirtualDirectory(name, str(path)) for name, path in directories]

    def virtual_directories(self):
        return tuple(self.directories)


def folder(path, stamp=True):
    path.mkdir(parents=True)
    if stamp:
        (path / STAMP).write_text("")
    return path


def test_a_path_that_is_given_needs_nothing_else(tmp_path):
    place = folder(tmp_path / "ä [b] c", stamp=False)
    assert locate({}, None, path=place) == place


def test_a_relative_path_counts_from_the_current_folder(tmp_path, monkeypatch):
    place = folder(tmp_path / "app")
    monkeypatch.chdir(tmp_path)
    assert locate({}, None, path=type(place)("app")) == place


def test_the_variable_comes_before_the_search(tmp_path):
    place = folder(tmp_path / "app")
    environ = {"APPL_PHYSICAL_PATH": str(place) + os.sep}
    assert locate(environ, Sites(("x/", folder(tmp_path / "other")))) == place


def test_the_variables_folder_needs_a_stamp(tmp_path):
    environ = {"APPL_PHYSICAL_PATH": str(folder(tmp_path / "app", stamp=False))}
    with pytest.raises(InstallError, match=r"I22: .*--ignore-stamp"):
        locate(environ, None)
    assert locate(environ, None, need_stamp=False) == tmp_path / "app"


@pytest.mark.parametrize("how", ["path", "variable"])
def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path, how):
    gone = tmp_path / "gone"
    environ = {"APPL_PHYSICAL_PATH": str(gone)} if how == "variable" else {}
    with pytest.raises(InstallError, match=r"I21: .*gone is no folder"):
        locate(environ, None, path=gone if how == "path" else None)


def test_without_iis_the_folder_must_be_named():
    with pytest.raises(InstallError, match=r"I25: .*--path"):
        locate({}, None)


def test_the_only_folder_with_a_stamp_is_it(tmp_path):
    sites = Sites(
        ("Default Web Site/", folder(tmp_path / "wwwroot", stamp=False)),
        ("Default Web Site/App/", folder(tmp_path / "a ü [1]")),
        ("Gone/", tmp_path / "gone"),
        ("None/", ""),
    )
    assert locate({}, sites) == tmp_path / "a ü [1]"


def test_a_folder_that_two_sites_serve_is_one(tmp_path):
    place = folder(tmp_path / "app")
    assert locate({}, Sites(("one/", place), ("two/", f"{place}{os.sep}"))) == place


def test_variables_in_a_physical_path_are_put_in(tmp_path):
    place = folder(tmp_path / "app")
    sites = Sites(("one/", os.path.join("%SystemDrive%", "app")), ("two/", "%nobody%/x"))
    assert locate({"SYSTEMDRIVE": str(tmp_path)}, sites) == place


def test_several_with_a_stamp_are_not_guessed_among(tmp_path):
    sites = Sites(("one/", folder(tmp_path / "a")), ("two/", folder(tmp_path / "b")))
    with pytest.raises(InstallError, match="I24: ") as caught:
        locate({}, sites)
    assert str(tmp_path / "a") in str(caught.value)
    assert str(tmp_path / "b") in str(caught.value)


@pytest.mark.parametrize("name", ["Shop", "shop", "web [2]", "folder"])
def test_a_name_narrows_the_search(tmp_path, name):
    """The site's, the application's or the folder's, with or without a number."""
    meant = folder(tmp_path / "folder7")
    sites = Sites(
        ("Shop12/web [2]/", meant),
        ("Shopping/web 2/", folder(tmp_path / "folders")),
    )
    assert locate({}, sites, app_name=name) == meant


def test_a_path_in_iis_is_a_name_too(tmp_path):
    meant = folder(tmp_path / "folder")
    sites = Sites(
        ("Shop/", folder(tmp_path / "root")),
        ("Shop/Web2/", meant),
        ("Web/Shop/", folder(tmp_path / "other")),
    )
    assert locate({}, sites, app_name="shop/web") == meant
    assert locate({}, sites, app_name="Shop/") == tmp_path / "root"


def test_a_name_that_nothing_has_is_one_sentence(tmp_path):
    sites = Sites(("Shop/", folder(tmp_path / "a")))
    with pytest.raises(InstallError, match=r"I23: .*stamp and the name Store"):
        locate({}, sites, app_name="Store")


def test_without_the_stamp_the_name_decides(tmp_path):
    sites = Sites(
        ("Default Web Site/", folder(tmp_path / "wwwroot", stamp=False)),
        ("Default Web Site/App/", folder(tmp_path / "a", stamp=False)),
    )
    assert locate({}, sites, app_name="App", need_stamp=False) == tmp_path / "a"
    with pytest.raises(InstallError, match="I23"):
        locate({}, sites, app_name="App")


def unreadable(tmp_path, monkeypatch):
    """A folder that only another account may look into; ours may be root."""
    closed = folder(tmp_path / "closed")
    stat = os.stat

    def refuse(path, *arguments, **options):
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(str(closed)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refuse)
    return closed


def test_a_folder_that_cannot_be_looked_into_is_passed_over(tmp_path, monkeypatch, caplog):
    meant = folder(tmp_path / "app")
    too_long = tmp_path / ("x" * 300)
    sites = Sites(
        ("Other/", unreadable(tmp_path, monkeypatch)), ("Long/", too_long), ("Mine/", meant)
    )
    assert locate({}, sites) == meant
    assert "IISWSGI-I27: " in caplog.text
    assert "closed of Other/ is passed over" in caplog.text


@pytest.mark.parametrize("how", ["path", "variable"])
def test_a_named_folder_that_cannot_be_looked_into_is_one_sentence(tmp_path, monkeypatch, how):
    closed = unreadable(tmp_path, monkeypatch)
    environ = {"APPL_PHYSICAL_PATH": str(closed)} if how == "variable" else {}
    with pytest.raises(InstallError, match=r"I21: .*closed cannot be looked into: Permission"):
        locate(environ, None, path=closed if how == "path" else None)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError, match=r"I21: .*file is no folder"):
        locate({}, None, path=tmp_path / "file")


def test_a_path_of_more_than_260_characters(tmp_path):
    place = folder(deep(tmp_path) / "app")
    assert locate({}, Sites(("one/", place))) == place


def test_the_stamp_is_removed_once(tmp_path, caplog):
    place = folder(tmp_path / "app")
    remove_stamp(place)
    remove_stamp(place)
    assert not (place / STAMP).exists()
    assert not caplog.records


def test_a_stamp_that_cannot_be_removed_is_one_line(tmp_path, caplog):
    (folder(tmp_path / "app", stamp=False) / STAMP).mkdir()
    remove_stamp(tmp_path / "app")
    assert "IISWSGI-I26: " in caplog.text
