"""The file named by ``monitorChangesTo``: looked at now and then, no system's notification."""

from __future__ import annotations

import sys
from pathlib import Path, PureWindowsPath

from iiswsgi.host.failure import WorkerFailure

__all__ = ["Monitor"]


class Monitor:
    """Notices that a file has changed; time, size and identity of the file are compared."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._look()

    @classmethod
    def for_application(cls, name: str, executable: str, site_folder: Path) -> Monitor:
        """The monitor of a configured file.

        A relative name is relative to the executable's folder, and variables in it are not
        expanded, both as in IIS. Without Windows, a Windows path means the file of that name in
        the site's folder.
        """
        windows = PureWindowsPath(name)
        if sys.platform != "win32" and (windows.drive or "\\" in name):
            return cls(site_folder / windows.name)
        return cls(Path(executable).parent / name)

    def changed(self) -> bool:
        """Whether the file is not what it was at the last look."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def check(self) -> None:
        """Refuse to serve without the file, as IIS does.

        :raises WorkerFailure: ``nothing_to_monitor``, it is not there.
        """
        if self._seen is None:
            raise WorkerFailure(
                "nothing_to_monitor",
                f"the file {self.path}, which monitorChangesTo names, is not there; IIS answers "
                "every request with 500 until it is",
            )

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
