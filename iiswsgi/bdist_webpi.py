"""The setuptools command ``bdist_webpi``."""

from __future__ import annotations

from typing import ClassVar

from setuptools import Command

__all__ = ["bdist_webpi"]


class bdist_webpi(Command):  # noqa: N801 - the name is the command's
    """Not there yet."""

    description = "(not there yet)"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []

    def initialize_options(self) -> None:
        """Set the defaults."""

    def finalize_options(self) -> None:
        """Check the options."""

    def run(self) -> None:
        """Say so."""
        raise NotImplementedError(self.get_command_name())
