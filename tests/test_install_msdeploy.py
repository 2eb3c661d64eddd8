"""The command install_msdeploy, run in projects of their own and with a Python of their own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from deploy.installs import COMMANDS, application, make_python, run
from doubles import install_appcmd, write_config
from functional.sites import ON_WINE
from iiswsgi.iis.appcmd import AppCmd
from iiswsgi.iis.config import read_config
from iiswsgi.iis.registration import read_registrations

ROOT = Path(__file__).parent.parent
CHECK = "import greeter, os; print(ascii(os.path.dirname(greeter.__file__)))"


@pytest.fixture
def server(tmp_path):
    return AppCmd(str(install_appcmd(tmp_path / "iis bin")))


# Without pip, which takes most of the time: overriding is what the methods are for.
QUICK = """\
from setuptools import setup
from iiswsgi.install_msdeploy import install_msdeploy as base

class install_msdeploy(base):
    def pre_install(self):
        self.write_web_config()

    def write_web_config(self):
        self.variables["FROM_SETUP"] = 7
        super().write_web_config()

setup(name="greeter", version="1.0", py_modules=["greeter"],
      cmdclass={"install_msdeploy": install_msdeploy})
"""


@pytest.fixture
def quick(tmp_path):
    return application(tmp_path / "My Ä [b]", setup__py=QUICK)


def install(python, folder, server, *options, **variables):
    command = [python, "setup.py", "install_msdeploy", *options]
    bin_folder = Path(server.executable).parent
    return run(command, folder, **{"IIS_BIN": bin_folder, "GREETING": "you", **variables})


def test_the_folders_name_comes_from_the_variable_without_a_last_separator(quick, server):
    status, output = install(sys.executable, quick, server, "-S", APPL_PHYSICAL_PATH="C:\\app\\")
    assert status == 0, output
    config = read_config(quick / "web.config")
    assert config.fastcgi_applications[0].full_path == "C:\\app\\Scripts\\python.exe"


def test_nothing_is_registered_when_so_asked(quick, server):
    status, output = install(sys.executable, quick, server, "--skip-fcgi-app-install")
    assert status == 0, output
    assert "not registered, as asked" in output
    assert server.registrations() == []
    assert (quick / "web.config").is_file()


if sys.platform != "win32" or ON_WINE:  # elsewhere the machine's own IIS would be found

    def test_without_appcmd_that_is_one_line_and_the_rest_is_done(quick, tmp_path):
        nowhere = AppCmd(str(tmp_path / "no iis" / "appcmd.exe"))
        status, output = install(sys.executable, quick, nowhere)
        assert status == 0, output
        assert output.count("IISWSGI-I13: there is no appcmd.exe here, so 2 ") == 1
        assert (quick / "web.config").is_file()


def test_iis_express_has_a_configuration_for_each_user(quick, server, tmp_path):
    own = tmp_path / "my documents" / "applicationhost.config"
    own.parent.mkdir()
    write_config(own, {})
    status, output = install(sys.executable, quick, server, f"--apphost-config={own}")
    assert status == 0, output
    assert server.registrations() == []
    assert len(server._replace(apphost_config=str(own)).registrations()) == 2


def test_each_step_can_be_overridden(quick, server):
    text = (quick / "web.config.in").read_text(encoding="utf-8").replace("GREETING)", "FROM_SETUP)")
    (quick / "web.config.in").write_text(text, encoding="utf-8")
    status, output = install(sys.executable, quick, server)
    assert status == 0, output
    assert server.registrations()[0].variables == (("GREETING", "7"),)


def test_options_may_stand_in_setup_cfg(quick, server):
    cfg = f"{COMMANDS}[install_msdeploy]\nskip_fcgi_app_install = 1\n"
    (quick / "setup.cfg").write_text(cfg, encoding="utf-8")
    status, output = install(sys.executable, quick, server)
    assert status == 0, output
    assert server.registrations() == []


def test_a_project_without_a_web_config_is_only_installed(quick, server):
    (quick / "web.config.in").unlink()
    status, output = install(sys.executable, quick, server)
    assert status == 0, output
    assert "nothing to register in IIS" in output
    assert server.registrations() == []


def test_what_fails_is_one_sentence(quick, server):
    (quick / "web.config.in").write_text("<configuration>", encoding="utf-8")
    status, output = install(sys.executable, quick, server)
    assert status == 1
    assert re.search(r"^error: IISWSGI-C01: .*web\.config\.in, filled in, line 1", output, re.M)
    assert "Traceback" not in output
    assert server.registrations() == []


def readme_example():
    """The setup.py that the README shows, as it is written there."""
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    (block,) = re.findall(r"\.\. code-block:: python\n\n((?:(?: {4}.*)?\n)*? {4}\)\n)", text)
    assert "class install_greeting" in block
    return re.sub("^ {4}", "", block, flags=re.MULTILINE)


@pytest.mark.once
def test_the_readmes_example_does_what_it_says(server, tmp_path):
    python = make_python(tmp_path / "python of its own")
    app = application(tmp_path / "My Ä [b]", setup__py=readme_example())
    status, output = install(python, app, server, "--greeting=Grüß Gott")
    assert status == 0, output
    # Installed so that it runs from its folder.
    assert run([python, "-c", CHECK], tmp_path)[1].strip() == ascii(str(app))
    assert (app / "greeting.txt").read_text(encoding="utf-8") == "Grüß Gott"
    _, wanted = read_registrations(app / "web.config")
    assert [registration.variables for registration in wanted] == [(("GREETING", "Grüß Gott"),)] * 2
    assert server.registrations() == list(wanted)
