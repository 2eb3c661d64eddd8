"""Where a feed's entries come from: packages that were built here, and other projects' feeds."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from iiswsgi import process
from iiswsgi.deploy import package
from iiswsgi.deploy.feed import Entry
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.project import Project
from iiswsgi.errors import DeployError

__all__ = ["SUFFIX", "entries_of", "feed_name", "find_package", "run_elsewhere"]

SUFFIX = ".webpi.xml"
"""What a feed's file name ends with."""
SECONDS = 300.0
"""For another project's setup.py, which may do anything; reading metadata takes one or two."""


def feed_name(project: Project, python: str) -> str:
    """The file name of a project's feed, after that of its package."""
    return package.package_name(project, python).removesuffix(package.SUFFIX) + SUFFIX


def find_package(folder: Path, project: Project, python: str) -> Path:
    """The project's package in *folder*: the one for *python* and any platform, or the only one.

    :param python: the running Python's version, ``3.11``.
    :raises DeployError: D47, there is none, or none of several is the one.
    """
    exact = folder / package.package_name(project, python)
    start = exact.name.removesuffix(f"{python}{package.SUFFIX}")
    found = [path for path in folder.glob(f"*{package.SUFFIX}") if path.name.startswith(start)]
    if exact in found:
        return exact
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(path.name for path in found)) or "no package"
    raise DeployError(
        "D47",
        f"{folder} has {names} of {project.name} {project.version}; run bdist_msdeploy before "
        "bdist_webpi in the same command",
    )


def entries_of(folder: Path, command: str, options: Sequence[str]) -> tuple[Entry, ...]:
    """The entries of the project in another folder: those of the feed that it makes of itself.

    :param command: the setuptools command that makes a feed.
    :raises InstallError: as :func:`run_elsewhere` does.
    :raises DeployError: D40, it wrote no feed.
    """
    with tempfile.TemporaryDirectory(prefix="iiswsgi-") as scratch:
        run_elsewhere(folder, command, [f"--dist-dir={scratch}", *options])
        files = list(Path(scratch).glob(f"*{SUFFIX}"))
        return tuple(e for f in files for e in parse_feed(f.read_bytes(), str(folder)).entries)


def run_elsewhere(folder: Path, command: str, options: Sequence[str]) -> None:
    """Run a setuptools command on feeds for the project in another folder, and for it alone.

    In a process of its own, for its setup.py may do anything with the current folder, the modules
    and setuptools itself.

    :raises InstallError: I01 to I04, the command failed there.
    """
    arguments = [command, "--msdeploy-bdists=.", *options]
    process.run([sys.executable, "-m", "iiswsgi", *arguments], timeout=SECONDS, cwd=folder)
