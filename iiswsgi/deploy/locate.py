"""Where the application is that Web Deploy has just unpacked: its folder on this server.

A command that Web Deploy runs is told nothing of the application it runs for: no argument, no
variable, no current folder. So the package brings a stamp file, and the virtual directories that
IIS knows are searched for it.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from iiswsgi.deploy.project import STAMP
from iiswsgi.errors import InstallError
from iiswsgi.iis.appcmd import AppCmd, VirtualDirectory

__all__ = ["VARIABLE", "candidates", "locate", "remove_stamp"]

log = logging.getLogger(__name__)

VARIABLE = "APPL_PHYSICAL_PATH"
"""Names the folder, to us and to the programs that we start. IIS gives it to applications too."""


def locate(
    environ: Mapping[str, str],
    appcmd: AppCmd | None,
    *,
    path: Path | None = None,
    app_name: str = "",
    need_stamp: bool = True,
) -> Path:
    """The application's folder, absolute.

    :param path: the folder, when it is known.
    :param app_name: what the site, the application or its folder is called, but for digits at the
        end, which keep several of a name apart.
    :param need_stamp: whether only a folder with a stamp will do; not asked of *path*.
    :raises InstallError: I21 to I25, there is none, or not just one.
    """
    if path is not None:
        return _existing(path, "the folder given")
    if environ.get(VARIABLE):
        source = f"the environment variable {VARIABLE}"
        folder = _existing(Path(environ[VARIABLE]), source)
        if need_stamp and not _is_found(folder, source, need_stamp=True):
            raise InstallError(
                "I22",
                f"{folder} has no {STAMP}: nothing was unpacked there since the last installation. "
                "To install again, use --ignore-stamp",
            )
        return folder
    if appcmd is None:
        raise InstallError(
            "I25",
            f"the application cannot be looked for: {VARIABLE} is not set, and there is no "
            "appcmd.exe that knows the sites. Name the folder with --path",
        )
    names = [app_name] if app_name else []
    return _only(candidates(appcmd, environ, names, need_stamp), app_name, need_stamp)


def remove_stamp(folder: Path) -> None:
    """See to it that the folder is not found again; it is being installed.

    This comes first and not last: an installation that is killed half-way must not be mistaken for
    the next one's.
    """
    try:
        (folder / STAMP).unlink(missing_ok=True)
    except OSError as error:
        log.warning("IISWSGI-I26: %s cannot be removed: %s", folder / STAMP, error.strerror)


def _existing(path: Path, source: str) -> Path:
    folder = Path(os.path.abspath(path))
    if not _is_found(folder, source):
        raise InstallError("I21", f"{folder} is no folder; {source} must name the application's")
    log.info("the application's folder is %s, by %s", folder, source)
    return folder


def _is_found(folder: Path, source: str, *, need_stamp: bool = False) -> bool:
    try:
        return _is_there(folder, need_stamp)
    except OSError as error:
        raise InstallError(
            "I21",
            f"{folder} cannot be looked into: {error.strerror}; {source} must name the "
            "application's, which this account must be allowed to change",
        ) from error


def candidates(
    appcmd: AppCmd, environ: Mapping[str, str], names: Sequence[str], need_stamp: bool
) -> list[Path]:
    """The folders that come into question, each once, in the order of IIS's list.

    Other sites' folders may be on drives that are away, or closed to us; they are passed over.

    :param names: what a site, an application or its folder is called; one with a slash in it is a
        whole path in IIS, from the site's name on. With none, all count.
    :raises InstallError: I11, appcmd refuses.
    """
    found: dict[str, Path] = {}
    for directory in appcmd.virtual_directories():
        folder = Path(_expanded(directory.physical_path, environ))
        if not folder.is_absolute() or not _is_named(directory, folder, names):
            continue  # a name that nobody has put in would make it relative to here
        try:
            if _is_there(folder, need_stamp):
                found.setdefault(os.path.normcase(os.path.abspath(folder)), folder)
        except OSError as error:
            log.warning(
                "IISWSGI-I27: %s of %s is passed over, for it cannot be looked into: %s",
                folder,
                directory.name,
                error.strerror,
            )
    return list(found.values())


def _only(folders: list[Path], app_name: str, need_stamp: bool) -> Path:
    what = "with a " + STAMP if need_stamp else "there"
    named = f" and the name {app_name}" if app_name else ""
    if not folders:
        raise InstallError(
            "I23",
            f"none of the folders that IIS serves is {what}{named}. Name the folder with --path",
        )
    if len(folders) > 1:
        listed = "; ".join(map(str, folders))
        raise InstallError(
            "I24",
            f"more than one of the folders that IIS serves is {what}{named}: {listed}. Remove the "
            "stamp of those that are not meant, or name the folder with --path",
        )
    log.info("the application's folder is %s, by IIS's virtual directories", folders[0])
    return folders[0]


def _is_there(folder: Path, need_stamp: bool) -> bool:
    """Whether the folder exists, and has a stamp if it needs one.

    :raises OSError: it cannot be told.
    """
    # The stamp is looked for in any case: that takes the right to enter the folder.
    has_stamp = stat.S_ISREG(_mode(folder / STAMP))
    return has_stamp or (not need_stamp and stat.S_ISDIR(_mode(folder)))


def _mode(path: Path) -> int:
    """What is at *path*, 0 for nothing.

    :raises OSError: it cannot be told. pathlib's ``is_dir`` takes some of such errors for a no and
        raises others; which ones depends on the version of Python.
    """
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _is_named(directory: VirtualDirectory, folder: Path, names: Sequence[str]) -> bool:
    """Whether the site, the application or the folder is called so, perhaps with a number."""
    path = directory.name.strip("/")
    parts = (*path.split("/"), folder.name)
    for name in names:
        pattern = re.compile(re.escape(name.strip("/")) + "[0-9]*", re.IGNORECASE)
        if any(map(pattern.fullmatch, (path,) if "/" in name else parts)):
            return True
    return not names


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """The path with ``%SystemDrive%`` and the like put in; case does not count in their names."""
    known = {name.upper(): value for name, value in environ.items()}
    return re.sub("%([^%]+)%", lambda match: known.get(match[1].upper(), match[0]), path)
