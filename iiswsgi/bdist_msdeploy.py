"""The setuptools command ``bdist_msdeploy``: the project as a Web Deploy package in dist/."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from setuptools import Command

import iiswsgi
from iiswsgi.deploy.installable import warn_of_obstacles
from iiswsgi.deploy.manifest import read_manifest
from iiswsgi.deploy.package import SUFFIX, make_package, package_name, read_package
from iiswsgi.deploy.project import Project
from iiswsgi.deploy.pythons import IIS, own_platform, target_python
from iiswsgi.deploy.systeminfo import AZURE_PARAMETER
from iiswsgi.deploy.trial import try_package
from iiswsgi.deploy.wheelhouse import make_wheelhouse
from iiswsgi.errors import DeployError
from iiswsgi.options import project_of, pyproject_of, reported

__all__ = ["bdist_msdeploy"]

_log = logging.getLogger(__name__)


class bdist_msdeploy(Command):  # noqa: N801 - the name is the command's
    """Build, choose the files as an sdist does, and write the package; nothing is installed."""

    description = "make a Web Deploy package for IIS, on any machine"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        ("dist-dir=", "d", "folder for the package [default: dist]"),
        (
            "wheelhouse",
            "w",
            "put the wheels of all that is required into the package, with a lock, so that the "
            "server needs no internet",
        ),
        (
            "python-version=",
            None,
            "the server's Python, such as 3.12 [default: the one that runs this]",
        ),
        ("plat-name=", "p", f"the server's platform, for the wheels [default: {IIS}]"),
        ("system-info", None, "add a systemInfo.xml, which Azure Pipelines' IIS task wants"),
        (
            "app-parameter=",
            None,
            "what to call the parameter of the application's place; Azure Pipelines' IIS task "
            f"sets {AZURE_PARAMETER!r}",
        ),
        (
            "trial",
            "t",
            "afterwards install the package in a temporary folder, in a virtual environment, and "
            "send it one request",
        ),
    ]
    boolean_options: ClassVar[list[str]] = ["wheelhouse", "system-info", "trial"]

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.dist_dir: str | None = None
        self.wheelhouse: object = False
        self.python_version: str | None = None
        self.plat_name: str | None = None
        self.system_info: object = False
        self.app_parameter: str | None = None
        self.trial: object = False

    def finalize_options(self) -> None:
        """Check the options."""
        self.dist_dir = self.dist_dir or "dist"
        with reported():
            self._target = target_python(self.python_version, self.plat_name)
            if self.trial and self.wheelhouse and not self._target.is_this:
                raise DeployError(
                    "D36",
                    f"--trial cannot install wheels for Python {self._target.version} on "
                    f"{self._target.platform} here; leave out --wheelhouse, or make it for this "
                    f"Python with --plat-name {own_platform()}",
                )

    def run(self) -> None:
        """Build, then write the package into dist_dir."""
        self.run_command("build")
        self.run_command("build_msdeploy")
        files = self._files()
        with reported():
            project = project_of(self.distribution)
            warn_of_obstacles(
                project.folder,
                pyproject_of(project.folder),
                self.distribution.get_option_dict("options"),
                read_manifest(project.manifest),
                wheels=bool(self.wheelhouse),
            )
            with self._wheels(project) as wheels:
                path = make_package(
                    project,
                    files,
                    self._destination(project),
                    app_parameter=self.app_parameter or "",
                    system_info=bool(self.system_info),
                    wheels=wheels,
                )
            package = read_package(path)
        self.distribution.dist_files.append(
            (self.get_command_name(), self._target.version, str(path))
        )
        _log.info("wrote %s: %d files, %d bytes", path, len(package.names), package.size)
        if self.trial:
            with reported():
                try_package(path)

    def _destination(self, project: Project) -> Path:
        platform = self._target.platform if self.wheelhouse else None
        name = package_name(project, self._target.version, platform)
        return Path(os.path.abspath(str(self.dist_dir)), name)

    def _files(self) -> list[str]:
        """The files that an sdist would hold, by MANIFEST.in and by what setuptools adds.

        What lies in dist_dir is left out, were it chosen or not: no package is part of the next.
        """
        # Once more if it was run before: what build has made since is to be found.
        egg_info = self.reinitialize_command("egg_info")
        self.run_command("egg_info")
        files = [file for file in egg_info.filelist.files if not self._is_made_by_us(file)]
        # The list of them is in the package as well.
        listed = Path(egg_info.egg_info, "SOURCES.txt")
        lines = listed.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not self._is_made_by_us(line)]
        if kept != lines:
            listed.write_bytes("\n".join(kept).encode("utf-8"))  # as setuptools writes it
        return files

    def _is_made_by_us(self, file: str) -> bool:
        dist, path = Path(os.path.abspath(str(self.dist_dir))), Path(os.path.abspath(file))
        if Path(os.path.abspath(os.curdir)).is_relative_to(dist):
            # The sources lie in it as well.
            return path.parent == dist and path.name.endswith(SUFFIX)
        return path.is_relative_to(dist)

    @contextmanager
    def _wheels(self, project: Project) -> Iterator[Path | None]:
        """The folder with the wheels while the package is written; None: none are wanted."""
        if not self.wheelhouse:
            yield None
            return
        requirements = [*project.requires, f"iiswsgi=={iiswsgi.__version__}"]
        with tempfile.TemporaryDirectory() as folder:
            make_wheelhouse(requirements, Path(folder), self._target)
            yield Path(folder)
