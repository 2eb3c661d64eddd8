"""The setuptools command ``build_msdeploy``: Manifest.xml out of Manifest.xml.in."""

from __future__ import annotations

from typing import ClassVar

from setuptools import Command

__all__ = ["build_msdeploy"]


class build_msdeploy(Command):  # noqa: N801 - the name is the command's
    """Make Manifest.xml and the stamp, and check Parameters.xml."""

    description = "make Manifest.xml of Manifest.xml.in, and check Parameters.xml"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []

    def initialize_options(self) -> None:
        """Set the defaults."""

    def finalize_options(self) -> None:
        """Check the options."""

    def run(self) -> None:
        """Build."""
