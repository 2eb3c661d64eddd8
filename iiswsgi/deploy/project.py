"""What the packaging library knows of a project; read from setup's arguments elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["LISTS", "MANIFEST", "PARAMETERS", "STAMP", "STRINGS", "TEMPLATE_SUFFIX", "Project"]

MANIFEST = "Manifest.xml"
"""A package's list of what is to be done; the name is Microsoft's."""
PARAMETERS = "Parameters.xml"
"""What the person who installs a package is asked; the name is Microsoft's."""
STAMP = "iis_install.stamp"
"""Lies in an application's folder from its unpacking to the end of its installation."""
TEMPLATE_SUFFIX = ".in"

STRINGS = (
    "title",
    "author_url",
    "license_url",
    "display_url",
    "help_url",
    "published",
    "icon_url",
    "screenshot_url",
    "discovery_file",
    "msdeploy_url_template",
)
"""The setup keywords that take a text."""
LISTS = ("install_msdeploy", "install_webpi")
"""The setup keywords that take a list of texts."""


class Project(NamedTuple):
    """A Python project as a package's or a feed's maker needs it; what was not given is empty."""

    folder: Path
    """Where setup.py or pyproject.toml is."""
    name: str
    version: str
    manifest: Path
    """Manifest.xml, made by build_msdeploy. Its <iisApp> names the folder of the content."""
    parameters: Path
    """Parameters.xml, written by the project."""
    stamp: Path
    """iis_install.stamp, made by build_msdeploy where there is an iis_install.stamp.in."""
    description: str = ""
    long_description: str = ""
    author: str = ""
    author_email: str = ""
    url: str = ""
    license: str = ""
    keywords: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    """What install_requires says."""
    requires_python: str = ""
    title: str = ""
    author_url: str = ""
    license_url: str = ""
    display_url: str = ""
    help_url: str = ""
    published: str = ""
    icon_url: str = ""
    screenshot_url: str = ""
    discovery_file: str = ""
    msdeploy_url_template: str = ""
    install_msdeploy: tuple[str, ...] = ()
    """Requirements whose packages are products that this one depends on, in a WebPI feed."""
    install_webpi: tuple[str, ...] = ()
    """Products that a WebPI feed lists as related."""
