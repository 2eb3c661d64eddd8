"""The log of a site is found by what its files say, and else in the usual places."""

import os
import sys
from pathlib import Path

import pytest

from functional.sites import make_site
from iiswsgi import logsearch
from iiswsgi.errors import Error, ExitStatus
from iiswsgi.runtime.logplaces import places


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """One in which nobody else's log is found."""
    for name in ("IIS_USER_HOME", "IISEXPRESS_SITENAME", "SystemRoot", "SystemDrive"):
        monkeypatch.delenv(name, raising=False)
    temporary = tmp_path / "temp"
    temporary.mkdir()
    monkeypatch.setattr(logsearch.tempfile, "gettempdir", lambda: str(temporary))
    # The last one is at the root of the drive, where a log of this machine may be.
    monkeypatch.setattr(logsearch, "places", lambda environ: list(places(environ))[:-1])
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "profile"))
    monkeypatch.chdir(tmp_path)
    return {name: str(temporary) for name in ("TEMP", "TMPDIR")}


@pytest.fixture
def usual(tmp_path, environ):
    return tmp_path / "temp" / "iiswsgi.log"


def make_log(path, text="", *, old=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if old:
        os.utime(path, (1, 1))
    return str(path)


def test_what_the_ini_file_says(tmp_path, environ, usual):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/logs/my.log")
    other = make_log(usual, "of everybody")
    log = make_log(site / "logs" / "my.log", old=True)
    for given in (site, site / "web.config", site / "app.ini"):
        found = logsearch.find(str(given), environ)
        assert found.logs == [log, other]
        assert not found.remarks


def test_a_log_that_the_site_cannot_write_to_any_more(tmp_path, environ, usual):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    log = make_log(site / "my.log", old=True)
    other = make_log(usual, f"command line: {site / 'app.ini'}\nIISWSGI-L02")
    found = logsearch.find(str(site), environ)
    assert found.logs == [other, log]
    assert found.remarks == [
        f"{log}, where log_file leads, was not written to since the site last wrote into {other}; "
        "look there for IISWSGI-L02"
    ]
    os.utime(log)
    os.utime(other, (1, 1))
    assert logsearch.find(str(site), environ) == ([log, other], [])


def test_what_the_command_line_says(tmp_path, environ):
    log = make_log(tmp_path / "my.log")
    site = make_site(tmp_path / "site", arguments=f'-m iiswsgi serve shop:app "log_file={log}"')
    assert logsearch.find(str(site), environ).logs == [log]


def test_the_handler_s_command_line_does_too(tmp_path, environ):
    """IIS itself takes ``<fastCgi>`` from applicationHost.config only."""
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    config = site / "web.config"
    text = config.read_text(encoding="utf-8")
    head, _, rest = text.partition("<fastCgi>")
    config.write_text(head + rest.partition("</fastCgi>")[2], encoding="utf-8")
    log = make_log(site / "my.log")
    assert logsearch.find(str(site), environ).logs == [log]


def test_the_environment_of_the_site_s_processes(tmp_path, environ):
    site = make_site(tmp_path / "site", environment={"IIS_USER_HOME": str(tmp_path / "home")})
    log = make_log(tmp_path / "home" / "Logs" / "iiswsgi.log")
    assert logsearch.find(str(site), environ).logs == [log]


def test_what_the_stand_in_keeps(tmp_path, environ):
    site = make_site(tmp_path / "my site")
    log = make_log(tmp_path / "temp" / "iiswsgi-host-x1" / "Logs" / "my site" / "iiswsgi.log")
    make_log(tmp_path / "temp" / "iiswsgi-host-x2" / "Logs" / "other" / "iiswsgi.log")
    assert logsearch.find(str(site), environ).logs == [log]
    assert len(logsearch.find(None, environ).logs) == 2


@pytest.mark.parametrize("quoted", [lambda text: text, repr, lambda text: repr(repr(text))[1:-1]])
def test_of_shared_logs_the_one_that_names_the_site(tmp_path, environ, usual, quoted):
    site = make_site(tmp_path / "site", environment={"IIS_USER_HOME": str(tmp_path / "home")})
    log = make_log(usual, f"command line: {quoted(str(site / 'app.ini'))}\n", old=True)
    other = make_log(tmp_path / "home" / "Logs" / "iiswsgi.log", "of another site\n")
    found = logsearch.find(str(site), environ)
    assert found.logs == [log, other]
    assert not found.remarks


def test_a_module_is_a_site_s_name_too(tmp_path, environ, usual):
    log = make_log(usual, "command line: ['-m', 'iiswsgi', 'serve', 'shop.web:make_app()']\n")
    for target, remarks in (("shop.web:make_app()", 0), ("other.web:make_app()", 1)):
        site = make_site(tmp_path / target[:5], arguments=f"-m iiswsgi serve {target}")
        found = logsearch.find(str(site), environ)
        assert found.logs == [log]
        assert len(found.remarks) == remarks


def test_a_log_that_cannot_be_read_names_nothing(tmp_path, environ, usual, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    site = make_site(tmp_path / "site")
    log = make_log(usual, str(site))
    monkeypatch.setattr(logsearch, "Tail", refuse)
    found = logsearch.find(str(site), environ)
    assert found.logs == [log]
    assert "no log names this site" in found.remarks[0]


def test_when_no_log_names_the_site_it_is_said(tmp_path, environ, usual):
    site = make_site(tmp_path / "site")
    log = make_log(usual, "of another site\n")
    found = logsearch.find(str(site), environ)
    assert found.logs == [log]
    assert "no log names this site" in found.remarks[0]


def test_an_ini_file_that_cannot_be_used_is_no_hindrance(tmp_path, environ, usual):
    site = make_site(tmp_path / "site", options="log_file = %(nowhere)s/my.log")
    log = make_log(usual, str(site))
    found = logsearch.find(str(site), environ)
    assert found.logs == [log]
    assert "IISWSGI-S15" in found.remarks[0]


def test_a_log_on_stderr_is_said(tmp_path, environ, usual):
    site = make_site(tmp_path / "site", options="log_file = -")
    make_log(usual, str(site))
    assert "STDERR" in logsearch.find(str(site), environ).remarks[0]


def test_the_current_folder(tmp_path, environ, monkeypatch):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    log = make_log(site / "my.log")
    monkeypatch.chdir(site)
    assert logsearch.find(None, environ).logs == [log]


def test_a_log_by_its_name(tmp_path, environ, usual):
    make_log(usual)
    log = make_log(tmp_path / "any.log")
    assert logsearch.find("any.log", environ).logs == [log]


def test_no_log_at_all(tmp_path, environ, usual):
    site = make_site(tmp_path / "site", options="log_file = %(here)s/my.log")
    with pytest.raises(Error, match="IISWSGI-L09: no log was found") as caught:
        logsearch.find(str(site), environ)
    assert "my.log" in str(caught.value)
    assert str(usual) in str(caught.value)
    assert caught.value.exit_status is ExitStatus.USAGE


def test_no_such_site(environ):
    with pytest.raises(Error, match="IISWSGI-H31"):
        logsearch.find("nowhere", environ)


if sys.platform == "win32":

    @pytest.mark.parametrize(
        ("variable", "parts"),
        [
            ("SystemRoot", "Temp"),
            ("SystemDrive", "Users/pool/AppData/Local/Temp"),
            ("USERPROFILE", "Documents/IISExpress/Logs/site"),
        ],
    )
    def test_the_places_of_other_accounts(variable, parts, tmp_path, environ, monkeypatch):
        value = str(tmp_path)[:2] if variable == "SystemDrive" else str(tmp_path)
        monkeypatch.setenv(variable, value)
        start = Path(f"{value}\\") if variable == "SystemDrive" else tmp_path
        if variable == "SystemDrive":
            seen = []
            monkeypatch.setattr(logsearch.glob, "iglob", lambda p: seen.append(p) or [])
            with pytest.raises(Error):
                logsearch.find(None, environ)
            assert str(start / "Users" / "*" / "AppData" / "Local" / "Temp" / "iiswsgi.log") in seen
            return
        log = make_log(start.joinpath(*parts.split("/")) / "iiswsgi.log")
        assert log in logsearch.find(None, environ).logs
