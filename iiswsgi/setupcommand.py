"""``python -m iiswsgi bdist_msdeploy``: a setuptools command in the current folder's project."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

import setuptools
from setuptools.config.pyprojecttoml import read_configuration

from iiswsgi.errors import DeployError

__all__ = ["run"]

SCRIPT = "setup.py"
PYPROJECT = "pyproject.toml"
CONFIGURATIONS = (PYPROJECT, "setup.cfg")


def run(arguments: Sequence[str]) -> int:
    """Run the command and its options, as ``python setup.py`` would; the exit status.

    :raises SystemExit: what setuptools ends with when the command fails.
    :raises DeployError: D03, the current folder has no project; D19, its pyproject.toml is wrong.
    """
    # setup.py may import what lies beside it, and so may a build of `attr:` values.
    sys.path.insert(0, os.getcwd())
    if os.path.isfile(SCRIPT):
        sys.argv = [SCRIPT, *arguments]
        runpy.run_path(SCRIPT, run_name="__main__")
    elif any(map(os.path.isfile, CONFIGURATIONS)):
        _check_configuration()
        setuptools.setup(script_name=SCRIPT, script_args=list(arguments))
    else:
        raise DeployError(
            "D03",
            f"{os.getcwd()} has none of {SCRIPT}, {', '.join(CONFIGURATIONS)}; "
            "go to the project's folder first",
        )
    return 0


def _check_configuration() -> None:
    """Say in a sentence what setuptools would say in a traceback."""
    if not os.path.isfile(PYPROJECT):
        return
    try:
        read_configuration(PYPROJECT, expand=False)
    except ValueError as error:
        # The first says where, the second what; setuptools goes on with the schema.
        says = " ".join(str(error).splitlines()[:2])
        path = os.path.abspath(PYPROJECT)
        raise DeployError("D19", f"{path} cannot be used: {says}") from error
