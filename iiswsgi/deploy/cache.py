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

from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import MAX_BYTES

__all__ = ["cache_folder", "remove_feeds", "remove_installers", "remove_stamps"]

_log = logging.getLogger(__name__)


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where WebPI keeps its cache; None where there can be no WebPI."""
    local = environ.get("LOCALAPPDATA")
    return Path(local, "Microsoft", "Web Platform Installer") if local else None


def remove_installers(cache: Path, products: Iterable[str]) -> list[Path]:
    """Remove what WebPI downloaded for the products; the folders that are gone.

    :raises DeployError: D52, a product's id cannot be the name of a folder.
    """
    folders = [cache / "installers" / _component(product) for product in products]
    there = filter(os.path.lexists, folders)
    return [folder for folder in there if _is_removed(folder, shutil.rmtree)]


def remove_feeds(cache: Path, ids: Iterable[str]) -> list[Path]:
    """Remove WebPI's copies of the feeds with these ids; the files that are gone."""
    wanted = set(ids)
    copies = (each for each in sorted(cache.glob("*.xml")) if _feed_id(each) in wanted)
    return [copy for copy in copies if _is_removed(copy, Path.unlink)]


def remove_stamps(folders: Iterable[Path], stamp: str) -> list[Path]:
    """Remove the stamps that installations which never ended left in applications' folders."""
    there = filter(Path.is_file, (folder / stamp for folder in folders))
    return [each for each in there if _is_removed(each, Path.unlink)]


def _component(product: str) -> str:
    """The product's id, if it is one name and no way out of the folder."""
    plain = PureWindowsPath(product).name == product and product.strip(". ") == product
    if not product or not plain or "\0" in product:
        raise DeployError(
            "D52", f"{product!r} cannot be the folder of a product in WebPI's cache; correct the id"
        )
    return product


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
