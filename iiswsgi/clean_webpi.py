"""The setuptools command ``clean_webpi``: what WebPI and broken installations keep is cleared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from setuptools import Command

from iiswsgi.deploy import cache, feedsource
from iiswsgi.options import paths, project_of, reported

__all__ = ["clean_webpi"]


class clean_webpi(Command):  # noqa: N801 - the name is the command's
    """Clear the downloads and feeds of projects from WebPI's cache, and stale stamps."""

    description = "clear what the Web Platform Installer keeps of packages, and stale stamps"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        (
            "msdeploy-bdists=",
            "m",
            "folders of the projects to clear up after, separated by blanks [default: as for "
            "bdist_webpi]",
        ),
        (
            "webpi-cache=",
            "c",
            r"WebPI's cache [default: %LOCALAPPDATA%\Microsoft\Web Platform Installer]",
        ),
    ]

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.msdeploy_bdists: object = None
        self.webpi_cache: str | None = None

    def finalize_options(self) -> None:
        """Check the options."""
        self.set_undefined_options("bdist_webpi", ("msdeploy_bdists", "msdeploy_bdists"))
        self.msdeploy_bdists = paths(self.msdeploy_bdists)

    def run(self) -> None:
        """Clear up after each project."""
        given = Path(self.webpi_cache).resolve() if self.webpi_cache else None
        with reported():
            folder = given or cache.cache_folder(os.environ)
            own = project_of(self.distribution)
            for place in paths(self.msdeploy_bdists):
                if os.path.realpath(place) == os.path.realpath(own.folder):
                    cache.clear_application(own, folder, os.environ)
                else:
                    options = [f"--webpi-cache={folder}"] if folder else []
                    feedsource.run_elsewhere(Path(place), self.get_command_name(), options)
            cache.clear_feed(own, folder)
