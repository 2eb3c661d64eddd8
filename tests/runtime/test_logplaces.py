import ntpath
import os
import tempfile

import pytest

from iiswsgi.runtime import logplaces
from iiswsgi.runtime.logplaces import places

HOME = r"C:\Users\me\Documents\IISExpress"


def ladder(platform="win32", **environ):
    return list(places(environ, platform))


def usable(platform="win32", **environ):
    return [place.path for place in ladder(platform, **environ) if not place.refused]


def test_the_ladder_on_windows(monkeypatch):
    monkeypatch.setattr(os, "getcwd", lambda: r"D:\site")
    assert usable(IIS_USER_HOME=HOME, IISEXPRESS_SITENAME="My Site", TEMP=r"C:\Temp") == [
        HOME + r"\Logs\My Site\iiswsgi.log",
        HOME + r"\Logs\iiswsgi.log",
        r"C:\Temp\iiswsgi.log",
        r"D:\iiswsgi.log",
    ]


def test_the_ladder_under_iis():
    assert usable(TEMP=r"C:\Windows\TEMP")[0] == r"C:\Windows\TEMP\iiswsgi.log"


def test_the_ladder_on_posix():
    found = ladder("linux", IIS_USER_HOME="/home/me/IIS", IISEXPRESS_SITENAME="s", TMPDIR="/var/x")
    assert [place.path for place in found] == [
        "/home/me/IIS/Logs/s/iiswsgi.log",
        "/home/me/IIS/Logs/iiswsgi.log",
        "/var/x/iiswsgi.log",
        "/iiswsgi.log",
    ]
    assert [place.shared_folder for place in found] == [False, False, True, False]


def test_temporary_files_go_where_tempfile_puts_them():
    place = next(place for place in places(os.environ) if not place.refused)
    if "IIS_USER_HOME" not in os.environ:
        assert os.path.samefile(os.path.dirname(place.path), tempfile.gettempdir())


def test_without_variables():
    assert usable("linux") == ["/tmp/iiswsgi.log", "/iiswsgi.log"]
    assert [place.refused for place in ladder()] == ["TEMP is not set", ""]


@pytest.mark.parametrize(
    "site",
    [
        "..", ".", "a/../b", "..\\..\\x", "a\\b", "C:x", "a\0b", "a\nb", "CON", "nul.txt", "com1",
        "lpt\u00b2", "name.", "name ", "a?b", "x" * 256, "%IISEXPRESS_SITENAME%",
    ],
)  # fmt: skip
def test_a_hostile_site_name_is_passed_over(site):
    for platform in ("win32", "linux"):
        home = HOME if platform == "win32" else "/home/me"
        place, second, *_ = ladder(platform, IIS_USER_HOME=home, IISEXPRESS_SITENAME=site)
        assert place.refused == "IISEXPRESS_SITENAME is no plain name"
        assert not second.refused


@pytest.mark.parametrize(
    "home",
    [
        "IISExpress", "C:IISExpress", r"\IISExpress", r"\\.\pipe\x", r"\\?\C:\x", "//./pipe/x",
        "C:\\a\0b", r"..\x",
    ],
)  # fmt: skip
def test_a_hostile_home_is_passed_over(home):
    for place in ladder(IIS_USER_HOME=home, IISEXPRESS_SITENAME="site")[:2]:
        assert place.refused == "IIS_USER_HOME is no absolute path"


def test_an_unexpanded_variable_is_passed_over():
    first, second, third, _ = ladder(
        IIS_USER_HOME=r"%USERPROFILE%\IIS", IISEXPRESS_SITENAME="s", TEMP=r"C:\%TEMP%"
    )
    assert first.refused == second.refused == "IIS_USER_HOME holds an unexpanded variable"
    assert third.refused == "TEMP holds an unexpanded variable"


def test_a_share_will_do_as_home():
    assert usable(IIS_USER_HOME=r"\\server\share\iis")[0].startswith("\\\\server\\share\\iis\\Logs")


def test_the_drive_is_pythons_when_the_folder_is_on_a_share(monkeypatch):
    monkeypatch.setattr(os, "getcwd", lambda: r"\\server\share")
    monkeypatch.setattr(logplaces.sys, "executable", r"E:\Python\python.exe")
    assert ladder()[-1].path == r"E:\iiswsgi.log"
    monkeypatch.setattr(logplaces.sys, "executable", "")
    assert ntpath.splitdrive(ladder()[-1].path) == ("", r"\iiswsgi.log")
