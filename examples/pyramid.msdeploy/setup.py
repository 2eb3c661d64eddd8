"""A Pyramid project as a site, made from one of two scaffolds when it is installed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.errors import OptionError

from iiswsgi.install_msdeploy import install_msdeploy

SCAFFOLDS = ("guestbook", "starter")
DEFAULT = "guestbook"


class install_pyramid(install_msdeploy):  # noqa: N801 - a command's name
    """Make the project before everything else is done; the options stand in setup.cfg."""

    user_options = [
        *install_msdeploy.user_options,
        ("scaffold=", None, f"what the project is made from: {' or '.join(SCAFFOLDS)}"),
        ("project=", None, "the name of its package"),
    ]

    def initialize_options(self):
        super().initialize_options()
        self.scaffold = DEFAULT
        self.project = DEFAULT

    def finalize_options(self):
        super().finalize_options()
        if self.scaffold not in SCAFFOLDS:
            raise OptionError(f"scaffold is {self.scaffold!r}; it can be {', '.join(SCAFFOLDS)}")
        if not re.fullmatch("[a-z][a-z0-9_]*", self.project):
            raise OptionError(f"project is {self.project!r}; it must be a package's name")
        if self.project == DEFAULT:
            # Nobody has chosen a name, perhaps only another scaffold.
            self.project = self.scaffold
        if self.project in SCAFFOLDS and self.project != self.scaffold:
            raise OptionError(f"{self.project!r} is a scaffold; choose another name of the project")

    def pre_install(self):
        make_project(self.folder, self.scaffold, self.project)
        super().pre_install()


def make_project(folder, scaffold, project):
    """Copy a scaffold's package under the project's name, and let development.ini name that."""
    package = folder / project
    if not package.exists():
        shutil.copytree(folder / scaffold, package, ignore=shutil.ignore_patterns("__pycache__"))
        for path in package.rglob("*.py"):
            rename(path, scaffold, project)
    rename(folder / "development.ini", DEFAULT, project)


def rename(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"\b{old}\b", new, text), encoding="utf-8")


setup(cmdclass={"install_msdeploy": install_pyramid})
