r"""The virtual environment of an application, made in the application's own folder.

There a registered ``python.exe`` lies at a path that ``web.config.in`` can name:
``%(APPL_PHYSICAL_PATH)s\Scripts\python.exe``.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from iiswsgi import __version__, process
from iiswsgi.deploy.install import install_wheelhouse, pip_install
from iiswsgi.errors import InstallError

__all__ = ["environment_python", "install_tools", "make_environment"]

log = logging.getLogger(__name__)

SECONDS = 1800.0
"""To make an environment. A virus scanner looks at each of a thousand files."""

MODULES = ("venv", "virtualenv")
"""What ``--virtualenv`` may name besides a script."""

TOOLS = (f"iiswsgi=={__version__}", "setuptools>=70.1,<82")
"""What runs setup.py in the environment. setuptools makes wheels from 70.1 on, which pip asks it
to; and PasteScript needs its pkg_resources, which went with 82."""


def make_environment(folder: Path, how: str, env: Mapping[str, str]) -> str:
    """Make a virtual environment in *folder*, or take the one that is there; its Python.

    :param how: ``venv``, ``virtualenv``, or a script that is called with the folder; a relative
        path counts from the folder.
    :param env: the environment variables of what is run.
    :raises InstallError: I35 there is no Python afterwards, else as
        :func:`iiswsgi.process.run` does.
    """
    python = environment_python(folder)
    if _works(python, env):
        # python.exe cannot be replaced while IIS runs it, and need not be.
        log.info("the virtual environment in %s is taken as it is", folder)
        return python
    if how in MODULES:
        command = [sys.executable, "-m", how, str(folder)]
    else:
        command = [sys.executable, str(folder / how), str(folder)]
    process.run(command, timeout=SECONDS, cwd=folder, env=env)
    if not os.path.isfile(python):
        raise InstallError("I35", f"{how} has made no virtual environment: there is no {python}")
    return python


def install_tools(python: str, folder: Path, env: Mapping[str, str]) -> None:
    """Install what runs setup.py: from the package's wheelhouse, else from pip's index.

    :raises InstallError: as :func:`iiswsgi.deploy.install.pip_install`.
    """
    if not install_wheelhouse(python, folder, env):
        pip_install(python, TOOLS, env)


def environment_python(folder: Path) -> str:
    """Where a virtual environment in *folder* has its Python."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return str(folder.joinpath(*parts))


def _works(python: str, env: Mapping[str, str]) -> bool:
    """Whether it is an environment of this version of Python, with pip."""
    if not os.path.isfile(python):
        return False
    program = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        found = process.run([python, "-c", program], timeout=SECONDS, env=env, check=False)
    except InstallError:
        return False
    return found.status == 0
