r"""What the Web Platform Installer and an interrupted installation leave lying about, cleared.

WebPI keeps downloads in ``installers\<productId>`` of its cache and copies of feeds beside that
folder, and takes them again though the originals have changed. Nothing else of the cache is
touched: not what other products have there, not the logs.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PureWindowsPath

from iiswsgi.deploy import locate
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.manifest import read_manifest
from iiswsgi.deploy.parameters import APPLICATION_TAG, read_parameters
from iiswsgi.deploy.project import Project
from iiswsgi.deploy.webpi import feed_id
from iiswsgi.errors import DeployError
from iiswsgi.iis import appcmd
from iiswsgi.iis.document import MAX_BYTES

__all__ = [
    "cache_folder",
    "clear_application",
    "clear_feed",
    "remove_feeds",
    "remove_installers",
]

COPIES = ("*.xml", "*.xml.temp")
"""What WebPI calls its copies of feeds, by its log (microsoft/service-fabric-issues 556)."""

_log = logging.getLogger(__name__)


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where WebPI keeps its cache; None, and a line in the log, where there can be no WebPI."""
    local = environ.get("LOCALAPPDATA")
    if local:
        return Path(local, "Microsoft", "Web Platform Installer")
    _log.warning(
        "IISWSGI-D50: there is no cache of WebPI's here, for LOCALAPPDATA is not set; name the "
        "folder with --webpi-cache"
    )
    return None


def clear_application(project: Project, cache: Path | None, environ: Mapping[str, str]) -> None:
    """Clear the downloads of the project's package, and the stamps of broken installations.

    A stamp that is left would be taken for the next installation's: the application's folder is
    searched by it. An application is known by the name or the path that the package proposes; where
    somebody has chosen another, nothing tells that it is this project's.

    :raises DeployError: D52; D06 or D08, as reading Manifest.xml does; D06, D13 or D14, as reading
        Parameters.xml does.
    :raises ConfigError: C01, one of them is no well-formed XML.
    :raises InstallError: I11, or as :func:`iiswsgi.process.run` does: appcmd failed.
    """
    if cache is not None:
        remove_installers(cache, [project.name])
    found = appcmd.find(environ)
    if found is None:
        _log.warning(
            "IISWSGI-D53: there is no appcmd.exe here, so stale stamps of %s were not looked for; "
            "run this on the machine with IIS",
            project.name,
        )
        return
    for folder in locate.candidates(found, environ, _names(project), need_stamp=True):
        _log.info("removing the stale stamp of %s", folder)
        locate.remove_stamp(folder)


def _names(project: Project) -> list[str]:
    """What the application is called in IIS unless somebody chooses another name."""
    name = project.name
    if project.manifest.is_file():
        name = read_manifest(project.manifest).app_folder
    if not project.parameters.is_file():
        return [name]
    [path] = (each for each in read_parameters(project.parameters) if APPLICATION_TAG in each.tags)
    if not path.default or "{" in path.default:  # which stands for another parameter's value
        return [name]
    # With a slash: a site's own folder is meant, and no application below it.
    return [name, f"{path.default.strip('/')}/"]


def clear_feed(project: Project, cache: Path | None) -> None:
    """Clear the copies of the project's feed."""
    if cache is not None:
        remove_feeds(cache, [feed_id(project)])


def remove_installers(cache: Path, products: Iterable[str]) -> list[Path]:
    """Remove what WebPI downloaded for the products; the folders that are gone.

    :raises DeployError: D52, a product's id cannot be the name of a folder.
    """
    base = cache / "installers"
    folders = [base / _component(product) for product in products]
    if _is_link(base):
        _log.warning("IISWSGI-D51: %s is a link, so nothing below it is removed", base)
        return []
    there = filter(os.path.lexists, folders)
    return [folder for folder in there if _is_removed(folder, shutil.rmtree)]


def remove_feeds(cache: Path, ids: Iterable[str]) -> list[Path]:
    """Remove WebPI's copies of the feeds with these ids; the files that are gone."""
    wanted = set(ids)
    files = sorted(each for pattern in COPIES for each in cache.glob(pattern))
    copies = (each for each in files if _feed_id(each) in wanted)
    return [copy for copy in copies if _is_removed(copy, Path.unlink)]


def _component(product: str) -> str:
    """The product's id, if it is one name and no way out of the folder."""
    plain = PureWindowsPath(product).name == product and product.strip(". ") == product
    if not product or not plain or "\0" in product:
        raise DeployError(
            "D52", f"{product!r} cannot be the folder of a product in WebPI's cache; correct the id"
        )
    return product


def _is_link(path: Path) -> bool:
    """Whether what is there lies elsewhere; a junction counts, which is no symbolic link."""
    here = os.path.join(os.path.realpath(path.parent), path.name)
    return os.path.normcase(os.path.realpath(path)) != os.path.normcase(here)


def _feed_id(path: Path) -> str | None:
    """The id of the feed in a file, None when there is none; a link is somebody else's file."""
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            return None
        return parse_feed(path.read_bytes(), str(path)).id or None
    except (OSError, DeployError) as error:
        _log.debug("%s is left alone: %s", path, error)
        return None


def _is_removed(path: Path, remove: Callable[[Path], object]) -> bool:
    """Whether *path* could be removed; what another program holds open cannot, on Windows."""
    try:
        remove(path)
    except OSError as error:
        _log.warning(
            "IISWSGI-D51: %s could not be removed: %s; end what uses it and run this again",
            path,
            error,
        )
        return False
    _log.info("removed %s", path)
    return True
