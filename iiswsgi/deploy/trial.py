"""A package's installation tried out in a temporary folder, on the machine that has built it.

It is what happens on the server from the unpacking on, with a virtual environment in that folder;
nothing is installed anywhere else, and nothing is registered in IIS. Parameters are not asked for:
the files are as they are in the package.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from iiswsgi import process
from iiswsgi.deploy.locate import VARIABLE
from iiswsgi.deploy.manifest import parse_manifest
from iiswsgi.deploy.package import read_package
from iiswsgi.deploy.unpack import opened
from iiswsgi.errors import DeployError

__all__ = ["try_package"]

log = logging.getLogger(__name__)

COMMANDS = ("install_msdeploy", "--skip-fcgi-app-install", "test_msdeploy")

_PATIENCE = 7200.0
"""Seconds; pip may have to download and to compile."""


def try_package(path: Path) -> None:
    """Unpack a package, install the application, send it one request, and remove all of it.

    :raises DeployError: D35, the installation failed; D26, D28, D08, it is no package.
    """
    package = read_package(path)
    manifest = parse_manifest(package.manifest.decode("utf-8-sig", "replace"), str(path))
    with tempfile.TemporaryDirectory(prefix="iiswsgi-", ignore_cleanup_errors=True) as folder:
        with opened(path) as archive:
            archive.unpack(Path(folder))
        log.info("a trial of the installation in %s", folder)
        # The folder in which we are being installed ourselves, if so, is not the one meant.
        env = {name: value for name, value in os.environ.items() if name != VARIABLE}
        bootstrap = [sys.executable, "-m", "iiswsgi.deploy.bootstrap", "--virtualenv", "venv"]
        place = ["--path", str(Path(folder, manifest.app_folder))]
        done = process.run([*bootstrap, *place, *COMMANDS], timeout=_PATIENCE, env=env, check=False)
    if done.status != 0:
        raise DeployError(
            "D35",
            f"{path}: the trial of its installation failed with status {done.status}; what was "
            "said is above. The package stays where it is",
        )
    log.info("the trial of %s went well", path)
