"""The zip file of a package, written so that Windows and a rebuild are content with it.

The same input gives the same bytes: entries are sorted, times come from the files or from
``SOURCE_DATE_EPOCH``, and nothing of the builder's machine (modes, owners, links) goes in. What
a package consists of is the business of package.py; reading is that of unpack.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from iiswsgi.deploy import entries
from iiswsgi.errors import DeployError

__all__ = ["Content", "source_date_epoch", "write_archive"]

Content = Path | bytes
"""Where an entry's bytes come from: a file, or they themselves."""

_EPOCH_OF_DOS = 315_532_800
"""1980-01-01 in seconds since 1970: the first moment that a zip entry can name."""
_END_OF_DOS = 4_354_819_198
"""2107-12-31 23:59:58, the last one."""
_END_OF_CALENDAR = 253_402_300_799
"""9999-12-31 23:59:59, the last one that Python has a date for."""
_DOS = 0
_ARCHIVE_BIT = 0x20


def source_date_epoch() -> int | None:
    """The moment that a rebuild is to give to all it makes, in seconds since 1970, if one is set.

    :raises DeployError: D24, the variable SOURCE_DATE_EPOCH is malformed or
        names no date.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return None
    seconds = int(epoch) if re.fullmatch("[0-9]{1,12}", epoch) else -1
    if not 0 <= seconds <= _END_OF_CALENDAR:
        raise DeployError(
            "D24",
            f"SOURCE_DATE_EPOCH is {epoch!r}; it must be whole seconds since 1970 and before the "
            "year 10000, as `git log -1 --format=%ct` prints them",
        )
    return seconds


def write_archive(destination: Path, content: Mapping[str, Content]) -> None:
    """Write a zip file; it appears under its name only when it is complete.

    Entries carry DOS attributes and no Unix modes, for a zip that another system has touched is
    known to fail ("Child object 'filePath' cannot be added to object 'filePath'"); there are no
    entries for folders.

    :param content: from the name inside of the archive, with ``/``, to what goes there.
    :raises DeployError: D20 to D24, a name, a number, a size, a link or SOURCE_DATE_EPOCH is not
        what a package can have; D25, the file cannot be written.
    """
    _check_names(destination, content)
    partial = destination.with_name(destination.name + ".partial")
    try:
        times = _times(content)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(content):
                _write_entry(archive, name, content[name], times[name])
        partial.replace(destination)
    except OSError as error:
        raise DeployError("D25", f"{destination}: cannot be written: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _check_names(destination: Path, names: Iterable[str]) -> None:
    names = list(names)
    if len(names) > entries.MAX_FILES:
        raise DeployError(
            "D21",
            f"{destination}: {len(names)} files; a package holds at most {entries.MAX_FILES}. "
            "Leave out in MANIFEST.in what the server does not need",
        )
    for name in names:
        if fault := entries.fault_of(name):
            raise DeployError("D20", f"{destination}: the name {name!r} {fault}; rename the file")
    if clash := entries.first_clash(names):
        raise DeployError(
            "D20", f"{destination}: {clash[0]!r} and {clash[1]!r} are one file on Windows"
        )


def _times(content: Mapping[str, Content]) -> dict[str, float]:
    """When each entry was made, in seconds since 1970.

    Without SOURCE_DATE_EPOCH a file keeps its own time, because Web Deploy compares times to see
    what changed; what has no time of its own is as old as the newest file.
    """
    epoch = source_date_epoch()
    if epoch is not None:
        return dict.fromkeys(content, float(epoch))
    own = {name: f.stat().st_mtime for name, f in content.items() if isinstance(f, Path)}
    newest = max(own.values(), default=float(_EPOCH_OF_DOS))
    return {name: own.get(name, newest) for name in content}


def _write_entry(archive: zipfile.ZipFile, name: str, content: Content, when: float) -> None:
    moment = time.gmtime(min(max(when, _EPOCH_OF_DOS), _END_OF_DOS))
    info = zipfile.ZipInfo(name, moment[:6])
    info.create_system = _DOS
    info.external_attr = _ARCHIVE_BIT
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if info.file_size > entries.MAX_FILE_BYTES:
        raise DeployError(
            "D22",
            f"{name}: {info.file_size} bytes; a file of a package has at most "
            f"{entries.MAX_FILE_BYTES}",
        )
    with archive.open(info, "w") as target:
        if isinstance(content, bytes):
            target.write(content)
        else:
            with content.open("rb") as source:
                shutil.copyfileobj(source, target)
