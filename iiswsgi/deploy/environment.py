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
    :raises InstallError: I35 there is no Python afterwards, I37 the one that is there does not
        work, else as :func:`iiswsgi.process.run` does.
    """
    python = environment_python(folder)
    if os.path.isfile(python):
        # python.exe cannot be replaced while IIS runs it, and need not be.
        _check(python, folder, env)
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


def _check(python: str, folder: Path, env: Mapping[str, str]) -> None:
    """Refuse an environment that does not work: its base may be gone, or its pip be missing.

    It is not replaced: what to remove for that may be the application's as well.
    """
    try:
        process.run([python, "-c", "import sys, pip; print(sys.version)"], timeout=SECONDS, env=env)
    except InstallError as error:
        raise InstallError(
            "I37",
            f"the virtual environment in {folder} does not work: {error.sentence}. Remove its "
            "folders (Scripts, Lib and Include) and pyvenv.cfg, and install again",
        ) from error
