"""From a clean checkout of an example to its page, by way of a package.

The package is built, unpacked as Web Deploy would with the answers to its parameters, and the
command recorded in it is run: with doubles of msdeploy.exe and appcmd.exe, real Pythons, and the
stand-in for IIS. No index is asked; wheels come from the package or from a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.wheels import installed
from doubles import install_appcmd
from doubles.webdeploy import WebDeploy, install_program
from functional.sites import EXAMPLES, ON_WINE
from iiswsgi.deploy.pythons import own_platform

# Each makes an environment and installs into it: a minute or two on Wine on a quiet machine.
pytestmark = [pytest.mark.timeout(900), pytest.mark.once]

MADE = ("build", "dist", "*.egg-info", "__pycache__", "Manifest.xml", "*.stamp", "web.config")
"""What a clean checkout has not."""


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Wheels of what the examples require, made of what is installed here."""
    folder = tmp_path_factory.mktemp("index")
    installed(folder, "iiswsgi", "pyramid")
    return folder


def environment(**variables):
    """The environment without what tells pip or Python of other places, and with *variables*."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PIP_", "PYTHON", "IIS", "APPL_"))
    }
    nothing = "nul" if sys.platform == "win32" else os.devnull
    # As os.environ has it: case makes no difference on Windows, and capitals are kept.
    named = {n.upper() if sys.platform == "win32" else n: v for n, v in variables.items()}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": nothing, **named}


def build(folder, name, *options, **variables):
    """The package of a clean copy of an example."""
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns(*MADE))
    command = [sys.executable, "-W", "ignore", "setup.py", "bdist_msdeploy", *options]
    run(command, folder, environment(**variables))
    [package] = (folder / "dist").iterdir()
    return package


def run(command, folder, env):
    result = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    output = result.stdout.decode("utf-8", "replace")
    assert result.returncode == 0, output
    return output


class Server:
    """A server with IIS, as far as it matters here: its folders, appcmd, and a Python."""

    def __init__(self, folder, app):
        self.site = folder / "inetpub" / "wwwroot"
        self.app = self.site / app
        self.app.mkdir(parents=True)
        iis = folder / "inetsrv"
        sites = {"Default Web Site": self.site, f"Default Web Site/{app}": self.app}
        install_appcmd(iis, sites)
        self.config = iis / "config" / "applicationHost.config"
        programs = folder / "Program Files"
        launcher = programs / "Python312" / "Scripts" / "iiswsgi_install.exe"
        install_program(launcher, "iiswsgi.deploy.bootstrap")
        if ON_WINE:  # what it needs lies beside pip in dev.py's Pythons; see there
            packages = self.app / "Lib" / "site-packages"
            packages.mkdir(parents=True)
            shutil.copy(sys.modules["sitecustomize"].__file__, packages)
        self.variables = {"ProgramFiles": str(programs), "IIS_BIN": str(iis)}

    def install(self, package, env=None, **answers):
        """What Web Deploy would do; what was printed."""
        variables = {**self.variables, **(env or {})}
        folder, output = WebDeploy(package, self.site, environment(**variables)).sync(**answers)
        assert folder == self.app
        return output

    @property
    def registered(self):
        """The FastCGI applications of applicationHost.config."""
        return ElementTree.parse(self.config).getroot().findall(".//fastCgi/application")

    def page(self, path="/"):
        """What the installed site answers, below the root, to its own Python's stand-in.

        FastCGI processes are taken from applicationHost.config alone, as IIS does.
        """
        config = self.app / "web.config"
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub("(?s)<fastCgi>.*</fastCgi>", "", text), encoding="utf-8")
        below = f"/{self.app.name}"
        parts = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
        command = [str(self.app.joinpath(*parts)), "-m", "iiswsgi", "request", str(self.app)]
        command += [below + path, "--apphost", str(self.config), "--virtual-path", below]
        return run(command, self.site.parent, environment())


def python_of(application):
    return Path(application.get("fullPath").replace("\\", "/"))


def test_sample_to_a_server_without_internet(tmp_path, index):
    options = ["--wheelhouse", "--plat-name", own_platform()]
    package = build(tmp_path / "clean", "sample.msdeploy", *options, PIP_FIND_LINKS=str(index))
    server = Server(tmp_path / "sërver [1]", "iiswsgi-sample")
    said = server.install(package, Processes="3", Log_Level="DEBUG")
    assert "is installed" in said

    assert not (server.app / "iis_install.stamp").exists()
    assert "level = DEBUG\n" in (server.app / "development.ini").read_text(encoding="utf-8")
    [application] = server.registered
    assert application.get("maxInstances") == "3"
    assert python_of(application) == server.app / "Scripts/python.exe"
    assert str(server.app) in application.get("arguments")
    page = server.page("/some/page?format=text")
    assert "\nPath: /some/page" in page.replace("\r", "")
    assert "Mount point: /iiswsgi-sample" in page
    # The page is by the Python that was installed, and by no other.
    assert re.search(r"^Python: .*[\\/]iiswsgi-sample[\\/](bin|Scripts)[\\/]python", page, re.M)


CHOICES = {
    "starter": ({"Scaffold": "starter", "Project": "wiki"}, 'Welcome to <b id="project">wiki</b>'),
    "guestbook": ({}, "Signed 0 times in this session."),
}
if ON_WINE:  # where each takes more than a minute
    del CHOICES["guestbook"]


@pytest.mark.parametrize(("answers", "page"), CHOICES.values(), ids=CHOICES)
def test_pyramid(tmp_path, index, answers, page):
    package = build(tmp_path / "clean", "pyramid.msdeploy")
    server = Server(tmp_path / "server", "guestbook")
    links = {"PIP_FIND_LINKS": str(index)}
    server.install(package, links, Session_Secret="f0rty-tw0", **answers)

    ini = (server.app / "development.ini").read_text(encoding="utf-8")
    project = answers.get("Project", "guestbook")
    assert f"paste.app_factory = {project}:main\n" in ini
    assert f"{project}.secret = f0rty-tw0\n" in ini
    [application] = server.registered
    assert 'run()" serve -s egg:iiswsgi#iis' in application.get("arguments")
    [variable] = application.iter("environmentVariable")
    assert (variable.get("name"), variable.get("value")) == ("PYTHONPATH", str(server.app))
    assert page in server.page()
