"""Where the log may be: the ladder of places, out of the environment and nothing else.

IIS shows nothing of a process's output, and IIS Express keeps a folder of logs for each site. The
variables may be missing, unexpanded or hostile; what is wrong with a place is said, for the log.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["FILE_NAME", "Place", "places"]

FILE_NAME = "iiswsgi.log"

_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?")

_UNEXPANDED = re.compile("%[^%]+%")


class Place(NamedTuple):
    """One rung of the ladder."""

    path: str
    """Absolute, unless refused."""
    refused: str = ""
    """Why the place cannot be used, known without trying; else empty."""
    shared_folder: bool = False
    """Whether strangers can write to the folder, as with ``/tmp``."""


def places(environ: Mapping[str, str], platform: str = sys.platform) -> Iterator[Place]:
    """The places for the log, best first.

    :param environ: where IIS_USER_HOME, IISEXPRESS_SITENAME and TEMP are looked up.
    :param platform: as :data:`sys.platform`.
    """
    windows = platform == "win32"
    join = ntpath.join if windows else posixpath.join
    home = environ.get("IIS_USER_HOME", "")
    site = environ.get("IISEXPRESS_SITENAME", "")
    if home and site:
        refused = _folder_fault(home, "IIS_USER_HOME", windows)
        refused = refused or _name_fault(site, "IISEXPRESS_SITENAME")
        yield Place(join(home, "Logs", site, FILE_NAME), refused)
    if home:
        yield Place(join(home, "Logs", FILE_NAME), _folder_fault(home, "IIS_USER_HOME", windows))
    name, temp = _temporary(environ, windows)
    yield Place(join(temp, FILE_NAME), _folder_fault(temp, name, windows), not windows)
    yield Place(ntpath.join(_drive(), FILE_NAME) if windows else "/" + FILE_NAME)


def _temporary(environ: Mapping[str, str], windows: bool) -> tuple[str, str]:
    """The variable that names the folder for temporary files, and its value.

    What the tempfile module does, without the cost of importing it and without writing test files.
    """
    for name in ("TEMP", "TMP") if windows else ("TMPDIR", "TEMP", "TMP"):
        if environ.get(name):
            return name, environ[name]
    return "TEMP", "" if windows else "/tmp"  # noqa: S108 - LogFile checks whose the file is


def _drive() -> str:
    """The root of the current drive, or of Python's when the current folder is on a share."""
    for path in (os.getcwd(), sys.executable):
        drive = ntpath.splitdrive(path)[0]
        if re.fullmatch("[A-Za-z]:", drive):
            return drive + "\\"
    return "\\"


def _folder_fault(folder: str, variable: str, windows: bool) -> str:
    if not folder:
        return f"{variable} is not set"
    if _UNEXPANDED.search(folder):
        return f"{variable} holds an unexpanded variable"
    if windows:
        drive = ntpath.splitdrive(folder)[0]
        absolute = bool(drive) and ntpath.isabs(folder)
        # \\.\pipe\x and \\?\... lead past the file system's own rules.
        absolute = absolute and not re.match(r"[\\/]{2}[.?]", folder)
    else:
        absolute = posixpath.isabs(folder)
    return "" if absolute and "\0" not in folder else f"{variable} is no absolute path"


def _name_fault(name: str, variable: str) -> str:
    """One component of a path, on any system: a site's name comes from a configuration file."""
    odd = re.search(r'[\x00-\x1f<>:"/\\|?*]', name) or _UNEXPANDED.search(name)
    if odd or name != name.rstrip(". ") or _DEVICES.fullmatch(name) or len(name) > 255:
        return f"{variable} is no plain name"
    return ""
