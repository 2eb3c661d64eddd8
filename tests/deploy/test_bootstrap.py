"""``iiswsgi_install`` as a process, from the unpacked folder to the application that answers."""

from __future__ import annotations

import hashlib
import sys

import pytest

from deploy import wheels
from deploy.installs import application, bootstrap, deep, script
from doubles import install_appcmd
from functional.sites import ON_WINE
from iiswsgi.deploy import bootstrap as module
from iiswsgi.iis.appcmd import AppCmd
from iiswsgi.iis.registration import read_registrations

NAMES = ["My Ä [b]"]
if sys.platform != "win32":
    NAMES.append("/".join(["ü [c] " + "d" * 90] * 4))

BROKEN = "[app:main]\nuse = egg:iiswsgi#no_such_app\n"
SHY = """\
import sys
print("nothing doing", file=sys.stderr)
sys.exit(7)
"""


class Server:
    """IIS with one application; the double of appcmd keeps its configuration."""

    def __init__(self, folder, app):
        self.bin = folder / "iis bin"
        sites = {"Default Web Site": folder, "Default Web Site/Greeter3": app}
        self.appcmd = AppCmd(str(install_appcmd(self.bin, sites)))

    def install(self, *arguments, **variables):
        return bootstrap(*arguments, IIS_BIN=self.bin, GREETING='dear ["world"]', **variables)


@pytest.mark.once
@pytest.mark.parametrize("name", NAMES, ids=["blanks", "long"][: len(NAMES)])
def test_an_application_is_found_installed_registered_and_asked(tmp_path, name):
    app = application(tmp_path / name)
    server = Server(tmp_path, app)
    make = script(app).name
    # What pip is told for something else does not count.
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "pip.ini").write_text(f"[install]\ntarget = {elsewhere}\n", encoding="utf-8")
    misleading = {"PIP_PREFIX": elsewhere, "PIP_CONFIG_FILE": tmp_path / "pip.ini"}
    status, output = server.install("-a", "greeter", "-e", make, **misleading)
    assert status == 0, output
    assert not elsewhere.exists()
    assert "HTTP/1.1 200 OK" in output
    assert f"{app} is installed" in output
    assert not (app / "iis_install.stamp").exists()
    _, wanted = read_registrations(app / "web.config")
    assert len(wanted) == 2
    assert wanted[0].variables == (("GREETING", 'dear ["world"]'),)
    assert server.appcmd.registrations() == list(wanted)
    # Once more: the stamp is gone, the environment is there.
    status, output = server.install("-a", "greeter")
    assert (status, "IISWSGI-I23" in output) == (1, True), output
    status, output = server.install("-a", "greeter", "-i", "-e", make, "check")
    assert status == 0, output
    assert "is taken as it is" in output
    assert "running check" in output
    assert "running test_msdeploy" not in output


def lock(house):
    lines = []
    for wheel in sorted(house.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    (house / "requirements.txt").write_text("".join(lines), encoding="utf-8")


if not (ON_WINE and sys.version_info >= (3, 12)):
    # There a fresh environment's pip ends in CopyFile2, which Wine 8 has not got; the Windows
    # Python 3.11 does this on Wine, and all of them on Windows.

    @pytest.mark.once
    def test_the_package_brings_all_that_is_needed(tmp_path):
        """A standard virtual environment and a wheelhouse, without any network."""
        app = application(tmp_path / "My Ä [b]")
        wheels.installed(app / "wheelhouse", "iiswsgi", "setuptools")
        lock(app / "wheelhouse")
        server = Server(tmp_path, app)
        status, output = server.install("--virtualenv", PIP_INDEX_URL="http://127.0.0.1:9/")
        assert status == 0, output
        assert "HTTP/1.1 200 OK" in output
        assert len(server.appcmd.registrations()) == 2


@pytest.mark.once
def test_an_application_that_fails_fails_the_installation(tmp_path):
    app = application(tmp_path / "app", broken__ini=BROKEN)
    make = script(app).name
    status, output = bootstrap("--path", app, "-e", make, "test_msdeploy", "-c", "broken.ini")
    assert status == 1
    assert "LookupError: Entry point 'no_such_app' not found" in output
    assert "Traceback (most recent call last)" in output
    assert "IISWSGI-I41: " in output
    assert f"{app} is installed" not in output


def test_the_projects_own_failure_is_shown(tmp_path):
    app = application(tmp_path / "app", setup__py=SHY)
    status, output = bootstrap("--path", str(app), "check")
    assert status == 1
    assert "nothing doing" in output
    assert "ended with status 7: nothing doing" in output
    assert not (app / "iis_install.stamp").exists()


@pytest.mark.parametrize("status", [0, 7])
def test_a_stamp_that_the_build_has_made_anew_goes_too(tmp_path, status):
    setup = f"open('iis_install.stamp', 'x').close()\nraise SystemExit({status})\n"
    app = application(tmp_path / "app", setup__py=setup)
    assert bootstrap("--path", app, "check")[0] == (1 if status else 0)
    assert not (app / "iis_install.stamp").exists()


def test_a_project_without_setup_py(tmp_path):
    app = application(tmp_path / "app")
    (app / "setup.py").unlink()
    status, output = bootstrap("--path", str(app), "check")
    assert status == 0, output
    assert "running check" in output


@pytest.fixture
def install(monkeypatch):
    """The command in this process; its status."""
    for name in ("APPL_PHYSICAL_PATH", "IIS_BIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "_start_logging", lambda _verbosity: None)

    return lambda *arguments: module.main(arguments)


def test_nothing_to_go_by_is_one_sentence(install, caplog, tmp_path, monkeypatch):
    for name in ("SYSTEMROOT", "PROGRAMFILES", "PROGRAMW6432", "PROGRAMFILES(X86)"):
        monkeypatch.setenv(name, str(tmp_path))
    assert install("-a", "App") == 1
    assert "IISWSGI-I25: " in caplog.text


def test_a_folder_that_is_no_project_is_one_sentence(install, caplog, tmp_path):
    assert install("--path", str(tmp_path)) == 1
    assert "IISWSGI-I36: " in caplog.text
    assert str(tmp_path) in caplog.text


def test_ctrl_c_is_no_traceback(install, monkeypatch, tmp_path):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "locate", interrupted)
    assert install("--path", str(tmp_path)) == 130


@pytest.mark.parametrize(
    ("arguments", "how", "commands"),
    [
        ([], None, []),
        (["-e"], "venv", []),
        (["-e", "virtualenv"], "virtualenv", []),
        (["-e", "make it.py", "a", "-b"], "make it.py", ["a", "-b"]),
        (["-e", "install_msdeploy"], "venv", ["install_msdeploy"]),
        (["-v", "-e", "-i", "a", "-i", "b"], "venv", ["a", "-i", "b"]),
        (["a", "-e", "-v", "--path=x"], None, ["a", "-e", "-v", "--path=x"]),
    ],
)
def test_where_the_setup_commands_begin(arguments, how, commands):
    options, given = module._parse(arguments)
    assert options.virtualenv == how
    assert given == commands


def test_an_option_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        module.main(["--pa", "x"])
    assert caught.value.code == 2
    assert "--pa" in capsys.readouterr().err


if sys.platform == "win32":

    def test_a_folder_that_windows_starts_nothing_in(install, caplog, tmp_path):
        app = application(deep(tmp_path))
        assert install("--path", str(app)) == 1
        assert "IISWSGI-I04: " in caplog.text
