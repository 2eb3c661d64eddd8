"""The setuptools command ``build_msdeploy``: Manifest.xml out of Manifest.xml.in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from setuptools import Command

from iiswsgi.deploy.building import build, template_of, variables_of
from iiswsgi.deploy.crosscheck import compare
from iiswsgi.deploy.project import MANIFEST, STAMP, Project
from iiswsgi.options import project_of, reported

__all__ = ["build_msdeploy"]


class build_msdeploy(Command):  # noqa: N801 - the name is the command's
    """Make Manifest.xml and the stamp, and check Parameters.xml; part of ``build``.

    The last three methods and ``editable_mode`` are what ``setuptools.command.build.SubCommand``
    asks of a part of ``build``: nothing is made for the installed package, and what is read
    belongs into a source distribution.
    """

    description = "make Manifest.xml of Manifest.xml.in for Web Deploy, and check Parameters.xml"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        ("manifest-name=", "m", f"the manifest to make of its .in file [default: {MANIFEST}]"),
        ("stamp-filename=", "s", f"the stamp to make of its .in file [default: {STAMP}]"),
        (
            "variables=",
            None,
            "variables of the environment that the .in files may name, parted by commas; others "
            "are left for the target machine",
        ),
        (
            "msdeploy-exe=",
            "e",
            "an msdeploy.exe that is asked whether it encodes the manifest's commands as we do",
        ),
    ]
    editable_mode = False

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.manifest_name: str | None = None
        self.stamp_filename: str | None = None
        self.variables: str | list[str] | None = None
        self.msdeploy_exe: str | None = None

    def finalize_options(self) -> None:
        """Check the options."""
        self.manifest_name = self.manifest_name or MANIFEST
        self.stamp_filename = self.stamp_filename or STAMP
        self.ensure_string_list("variables")

    def run(self) -> None:
        """Make the files, beside their templates."""
        with reported():
            project = self._project()
            variables = variables_of(project, self.variables or (), os.environ)
            manifest = build(project, variables)
            if self.msdeploy_exe:
                compare(manifest, Path(self.msdeploy_exe))

    def _project(self) -> Project:
        project = project_of(self.distribution)
        return project._replace(
            manifest=project.folder / str(self.manifest_name),
            stamp=project.folder / str(self.stamp_filename),
        )

    def get_source_files(self) -> list[str]:
        """What a source distribution must have so that this can run there."""
        with reported():
            project = self._project()
        files = (template_of(project.manifest), template_of(project.stamp), project.parameters)
        return [os.path.relpath(path, project.folder) for path in files if path.is_file()]

    def get_outputs(self) -> list[str]:
        """Nothing that is installed."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing that is installed."""
        return {}
