"""A package's zip file read and unpacked; whoever made it, nothing of it is believed.

Every name, number and size is checked before the first file is written, and nothing is ever
written outside of the folder given.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from iiswsgi.deploy import entries
from iiswsgi.errors import DeployError

__all__ = ["MAX_UNPACKED", "Archive", "opened"]

MAX_UNPACKED = 8 << 30
"""Bytes of all files of a package together, unpacked. An application with its wheelhouse has some
hundred megabytes; a zip bomb names more than any disk has."""

_MAX_DIRECTORY = 32 << 20
"""Bytes of a zip file's list of entries, which zipfile reads at once: 512 for each file."""

_UNIX = 3


class _Bounded(io.BufferedReader):
    """A file of which nobody gets more than :data:`_MAX_DIRECTORY` bytes in one piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        size = -1 if size is None else size
        if size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("its list of entries is larger than that of any package")
        return super().read(size if size >= 0 else _MAX_DIRECTORY)


class Archive:
    """An open zip file whose entries are all plain files with harmless names."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._files = {info.filename: info for info in self._checked(archive.infolist())}

    @property
    def names(self) -> tuple[str, ...]:
        """The files, in order of the archive; entries for folders are left out."""
        return tuple(self._files)

    def find(self, name: str) -> str | None:
        """The name as it stands in the archive, where upper and lower case may differ."""
        return next((found for found in self._files if found.lower() == name.lower()), None)

    def read(self, name: str, limit: int) -> bytes:
        """One file's bytes.

        :raises DeployError: D26, it has more than *limit*, or is damaged.
        """
        info = self._files[name]
        if info.file_size > limit:
            raise self._refused(f"{name} has {info.file_size} bytes; {limit} are the most")
        with _translated(self._path), self._archive.open(info) as file:
            return file.read(limit)

    def unpack(self, folder: Path) -> None:
        """Write every file below *folder*, which must be empty or not be there.

        :raises DeployError: D26, a file is damaged or cannot be written.
        """
        for name, info in self._files.items():
            target = folder.joinpath(*name.split("/"))
            with _translated(self._path):
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._archive.open(info) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)

    def _checked(self, infos: list[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
        if len(infos) > entries.MAX_FILES:
            raise self._refused(f"{len(infos)} entries; {entries.MAX_FILES} are the most")
        if sum(info.file_size for info in infos) > MAX_UNPACKED:
            raise self._refused(f"its files have more than {MAX_UNPACKED} bytes together")
        files = [info for info in infos if not info.orig_filename.endswith("/")]
        if clash := entries.first_clash(info.orig_filename for info in files):
            raise self._refused(f"{clash[0]!r} and {clash[1]!r} are one file on Windows")
        for info in infos:
            if fault := _fault_of(info):
                raise self._refused(f"the entry {info.orig_filename!r} {fault}")
        yield from files

    def _refused(self, reason: str) -> DeployError:
        return DeployError("D26", f"{self._path}: no package that can be used: {reason}")


def _fault_of(info: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, as the end of a sentence; empty when nothing is.

    The name as it stands in the archive is looked at: zipfile cuts ``filename`` at a NUL and
    turns backslashes on Windows.
    """
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return "is a symbolic link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > entries.MAX_FILE_BYTES:
        return f"has {info.file_size} bytes; {entries.MAX_FILE_BYTES} are the most"
    return entries.fault_of(info.orig_filename.removesuffix("/"))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The package's archive for reading.

    :raises DeployError: D26, the file cannot be read, is no zip file, or has an entry that no
        package may have: a link, a name that leads out or that Windows cannot hold, two files of
        one name, too many or too large ones.
    """
    with contextlib.ExitStack() as stack:
        with _translated(path):
            file = stack.enter_context(_Bounded(io.FileIO(path)))
            archive = stack.enter_context(zipfile.ZipFile(file))
        yield Archive(path, archive)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """What zipfile and the decompressors raise over bad input becomes one sentence."""
    try:
        yield
    except (
        OSError,
        EOFError,
        RuntimeError,  # encrypted; NotImplementedError: a compression nobody has
        ValueError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = str(error) or type(error).__name__
        raise DeployError("D26", f"{path}: no package that can be used: {reason}") from error
