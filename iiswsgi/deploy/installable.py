"""Whether what builds here can be installed on the server, as far as the project's files say.

There ``pip install --no-build-isolation`` runs in the application's folder, with setuptools and
nothing else to build with, and beside the folders of the virtual environment.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from iiswsgi.deploy.manifest import Manifest

__all__ = ["warn_of_obstacles"]

log = logging.getLogger(__name__)

SETUPTOOLS = "setuptools.build_meta"

_MAKES_ENVIRONMENT = re.compile(r"iiswsgi.*\s(-[a-z]*e[a-z]*|--virtualenv)([\s=]|$)")


def warn_of_obstacles(
    folder: Path,
    pyproject: Mapping[str, Any],
    options: Container[str],
    manifest: Manifest,
    *,
    wheels: bool,
) -> None:
    """Log a line for what would stop the installation.

    :param folder: the project's.
    :param pyproject: what is in its pyproject.toml.
    :param options: the names in setup.cfg's section ``[options]``.
    :param wheels: whether the package has a wheelhouse.
    """
    file = folder / "pyproject.toml"
    system = pyproject.get("build-system")
    if not isinstance(system, dict):  # setuptools, which has read the file, does not look at it
        system = {}
    backend = str(system.get("build-backend", SETUPTOOLS))
    if not backend.startswith("setuptools.") and "backend-path" not in system:
        log.warning(
            "IISWSGI-D39: %s: the build-backend of [build-system] is %r, and the server installs "
            "with setuptools only; set it to %s",
            file,
            backend,
            SETUPTOOLS,
        )
    elif _is_discovered(folder, pyproject, options) and (wheels or _makes_environment(manifest)):
        log.warning(
            "IISWSGI-D39: %s: setuptools finds the packages by itself, and will refuse to on the "
            "server, where the virtual environment or wheelhouse lies beside them; name them in "
            "[tool.setuptools] packages or py-modules",
            file,
        )


def _is_discovered(folder: Path, pyproject: Mapping[str, Any], options: Container[str]) -> bool:
    """Whether the packages lie beside pyproject.toml, and nobody says which there are.

    What a setup.py says is not known here, so a project with one is believed to say it.
    """
    table = pyproject.get("tool", {}).get("setuptools", {})
    said = any(name in table for name in ("packages", "py-modules", "package-dir"))
    said = said or any(name in options for name in ("packages", "py_modules", "package_dir"))
    return not (said or (folder / "setup.py").is_file() or (folder / "src").is_dir())


def _makes_environment(manifest: Manifest) -> bool:
    commands = (each.path for each in manifest.providers if each.name == "runCommand")
    return any(map(_MAKES_ENVIRONMENT.search, commands))
