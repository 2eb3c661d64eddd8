"""Applications to install, and environments to install them into without an index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iiswsgi import process

SECONDS = 300

MAKE_ENVIRONMENT = """\
# Like `python -m venv`, but what this Python has counts as installed; so no index is needed.
import os, sys, sysconfig, venv
folder = os.path.abspath(sys.argv[1])
venv.create(folder, symlinks=os.name != "nt")
names = {"base": folder, "platbase": folder}
packages = sysconfig.get_path("purelib", "nt" if os.name == "nt" else "posix_prefix", names)
sites = [path for path in sys.path if path.endswith("site-packages")]
with open(os.path.join(packages, "outer.pth"), "w", encoding="utf-8") as file:
    for site in sites:
        file.write(f"import site; site.addsitedir({ascii(site)})\\n")
"""

SETUP = """\
from setuptools import setup
setup(name="greeter", version="1.0", py_modules=["greeter"], install_requires=["iiswsgi"])
"""

APPLICATION = """\
import os

def main(global_conf, **settings):
    def application(environ, start_response):
        body = f"{settings['word']} {os.environ.get('GREETING', '')}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    return application

def broken(global_conf):
    raise RuntimeError("the database is not there")
"""

INI = """\
[app:main]
paste.app_factory = greeter:main
word = hello

[app:broken]
paste.app_factory = greeter:broken
"""

_ARGUMENTS = "-m iiswsgi serve &quot;%(APPL_PHYSICAL_PATH)s\\app.ini&quot;"
_APPLICATION = """\
      <application fullPath="%(APPL_PHYSICAL_PATH)s\\Scripts\\python.exe"
                   arguments="{0} n={1}">
        <environmentVariables>
          <environmentVariable name="GREETING" value="%(GREETING)s"/>
        </environmentVariables>
      </application>
"""

WEB_CONFIG = f"""\
<configuration>
  <system.webServer>
    <fastCgi>
{_APPLICATION.format(_ARGUMENTS, 1)}{_APPLICATION.format(_ARGUMENTS, 2)}    </fastCgi>
    <handlers>
      <add name="greeter" path="*" verb="*" modules="FastCgiModule"
           scriptProcessor="%(APPL_PHYSICAL_PATH)s\\Scripts\\python.exe|{_ARGUMENTS} n=1"/>
    </handlers>
  </system.webServer>
</configuration>
"""

COMMANDS = "[global]\ncommand_packages = iiswsgi\n"
"""For a setup.cfg: the commands are found also where iiswsgi's entry points are not."""


def application(folder, **files):
    """An application's folder as Web Deploy leaves it; files by name, dots as ``__``."""
    given = {
        "setup.py": SETUP,
        "setup.cfg": COMMANDS,
        "greeter.py": APPLICATION,
        "app.ini": INI,
        "web.config.in": WEB_CONFIG,
        "iis_install.stamp": "",
        **{name.replace("__", "."): text for name, text in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in given.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def deep(folder):
    """A folder whose path has more than 260 characters."""
    path = folder.joinpath(*["ü [c] " + "d" * 90] * 4)
    try:
        path.mkdir(parents=True)
    except OSError:
        pytest.skip("this Windows allows no long paths; switch LongPathsEnabled on")
    return path


def make_python(folder):
    """The Python of an environment of its own, in which iiswsgi is installed."""
    folder.mkdir(parents=True)
    script = folder / "make_environment.py"
    script.write_text(MAKE_ENVIRONMENT, encoding="utf-8")
    subprocess.run([sys.executable, str(script), str(folder)], check=True, timeout=SECONDS)
    return folder.joinpath(*(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def environment(**variables):
    """This process's variables, without what would lead an installation elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("APPL_PHYSICAL_PATH", "IIS_BIN", "PYTHONPATH")
    }
    offline = {"PIP_NO_INDEX": "1", "PYTHONIOENCODING": "utf-8"}
    return {**kept, **offline, **{name: str(value) for name, value in variables.items()}}


def run(command, folder=None, **variables):
    """Run to the end; the status and all that was printed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def recorded(monkeypatch, status=0):
    """The commands that would have been run; each would end so, and nothing is run."""
    commands = []

    def run(command, **_options):
        commands.append(list(command))
        return process.Completed(tuple(command), status, b"")

    monkeypatch.setattr(process, "run", run)
    return commands


def bootstrap(*arguments, **variables):
    """Run ``iiswsgi_install``; the status and all that was printed."""
    return run([sys.executable, "-m", "iiswsgi.deploy.bootstrap", *arguments], **variables)


def script(folder: Path) -> Path:
    """A bootstrap script for ``--virtualenv`` in *folder*."""
    path = folder / "make_environment.py"
    path.write_text(MAKE_ENVIRONMENT, encoding="utf-8")
    return path
