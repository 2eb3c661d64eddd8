"""``python -m iiswsgi bdist_msdeploy``: a setuptools command in the current folder's project."""

from __future__ import annotations

import configparser
import importlib.metadata
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
SETUP_CFG = "setup.cfg"
CONFIGURATIONS = (PYPROJECT, SETUP_CFG)
_HELP = frozenset({"--help", "-h"})
"""What setuptools answers without a project."""


def run(arguments: Sequence[str]) -> int:
    """Run the command and its options, as ``python setup.py`` would; the exit status.

    Without a project there is help all the same.

    :raises SystemExit: what setuptools ends with when the command fails.
    :raises DeployError: D03, the current folder has no project; D19, its pyproject.toml or
        setup.cfg is wrong.
    """
    # setup.py may import what lies beside it, and so may a build of `attr:` values.
    sys.path.insert(0, os.getcwd())
    _check_pyproject()
    _check_setup_cfg()
    arguments = [*_where_commands_are(), *arguments]
    if os.path.isfile(SCRIPT):
        sys.argv = [SCRIPT, *arguments]
        runpy.run_path(SCRIPT, run_name="__main__")
    elif any(map(os.path.isfile, CONFIGURATIONS)) or _HELP.intersection(arguments):
        setuptools.setup(script_name=SCRIPT, script_args=arguments)
    else:
        raise DeployError(
            "D03",
            f"{os.getcwd()} has none of {SCRIPT}, {', '.join(CONFIGURATIONS)}; "
            "go to the project's folder first",
        )
    return 0


def _where_commands_are() -> list[str]:
    """What tells setuptools of our commands where iiswsgi is importable but not installed.

    It would take the place of a ``command_packages`` in the project's setup.cfg.
    """
    installed = importlib.metadata.entry_points(group="distutils.commands")
    if any(entry.value.startswith("iiswsgi.") for entry in installed):
        return []
    return ["--command-packages=iiswsgi"]


def _check_pyproject() -> None:
    """Say in a sentence what setuptools would say in a traceback."""
    if not os.path.isfile(PYPROJECT):
        return
    try:
        read_configuration(PYPROJECT, expand=False)
    except ValueError as error:
        # The first says where, the second what; setuptools goes on with the schema.
        raise _unusable(PYPROJECT, " ".join(str(error).splitlines()[:2])) from error
    except AttributeError as error:
        raise _unusable(PYPROJECT, "what must be a table, such as [tool], is none") from error


def _check_setup_cfg() -> None:
    """The same for setup.cfg, read as setuptools reads it."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(SETUP_CFG, encoding="utf-8")
    except (configparser.Error, ValueError) as error:
        raise _unusable(SETUP_CFG, " ".join(str(error).split())) from error


def _unusable(name: str, says: str) -> DeployError:
    return DeployError("D19", f"{os.path.abspath(name)} cannot be used: {says}")
