"""One log file that several processes append to, and its rotation.

Each call of :meth:`LogFile.write` is one write at the end of the file, wherever that is by then, so
that the lines of several processes neither mix nor overwrite each other. A lock file is held
meanwhile, because rotation needs it, and because not every file system appends in one step: network
shares and Wine look for the end first and write then. The system takes the lock from a process that
is killed; from one that is suspended nobody does, so that after a while the others write without.
Somebody may delete the lock file, and newcomers make another; so before a rotation it is looked at.
Who is killed in the middle of a write may leave half a line, and so may a program that writes to
the file without us; whoever writes next ends it. What the lines say is decided elsewhere.

After a rotation, which one process does, the others see at their next write that the path leads to
another file, and open that.
"""

from __future__ import annotations

import contextlib
import os
import time

from iiswsgi.runtime import rotation, sharedfile

__all__ = [
    "HALF_LINE_SECONDS",
    "KEPT_FILES",
    "LOCK_NAME",
    "LOCK_SECONDS",
    "MAX_SIZE",
    "RETRY_SECONDS",
    "LogFile",
]

MAX_SIZE = 10 << 20
"""Bytes after which a file is rotated: what an editor opens at once and a mail still carries."""

KEPT_FILES = 5
"""Rotated files that are kept; with the current one some 60 MiB, a forgotten site's fair share."""

LOCK_SECONDS = 5.0
"""How long a write waits for the others. Each holds the lock for some microseconds; but nothing
makes them take turns, and on a machine with too much to do one of many may be unlucky for long."""

RETRY_SECONDS = 10.0
"""Pause before that is tried again which failed: a rotation, because a viewer holds the file, or
getting the lock. Both cost time at every write."""

HALF_LINE_SECONDS = 0.05
"""How long a line without its end may be one that is being written, by whoever did not get the lock
or had it deleted: systems make a file longer page by page, and may suspend who writes in between.
Everybody waits as long, each time that somebody has left half a line."""

LOCK_NAME = "{}.lock"


class LogFile:
    """The file at *path*, opened for appending; for one thread at a time.

    :param shared_folder: strangers can write to the folder, as with ``/tmp``: then the file must
        be an ordinary one of our own, lest one of them chooses what we write to.
    :raises OSError: it cannot be opened, or is not such a file.
    :raises ValueError: the path contains a NUL.
    """

    def __init__(
        self,
        path: str,
        *,
        shared_folder: bool = False,
        max_size: int = MAX_SIZE,
        kept_files: int = KEPT_FILES,
    ) -> None:
        # A link is followed now, else rotation would rename it instead of the file.
        self.path = path if shared_folder else os.path.realpath(path)
        self.rotation_error: OSError | None = None
        """Why the last rotation failed; None once one has worked."""
        self._strict = shared_folder
        self.max_size = max_size
        """Bytes after which the file is rotated."""
        self.kept_files = kept_files
        """Rotated files that are kept."""
        self._rotate_after = self._lock_after = 0.0
        self.fd = sharedfile.open_shared(self.path, strict=shared_folder)
        """Stays the same number over rotations, for those who keep it."""
        status = os.fstat(self.fd)
        self._identity = sharedfile.identity(status)
        self._size = status.st_size
        self._end = -1
        """Where our last piece ended; what is behind it is of others, who knows how it ends."""
        self._reader = -1
        self._holding = False
        self._lock = -1
        with contextlib.suppress(OSError):  # rotation, once due, says what is wrong
            self._lock = self.open_beside(LOCK_NAME)

    def write(self, data: bytes) -> bool:
        """Append *data* in one piece; whether the file behind :attr:`fd` changed for it.

        It begins on a line of its own, whatever somebody else has left.

        :raises OSError: not everything could be written, as on a full disk, or the file was deleted
            and cannot be made anew.
        """
        locked = self._acquire()
        try:
            changed = self._follow(locked)
            if self._size != self._end and self._ends_in_half_a_line():
                data = b"\n" + data
            self._append(data)
            self._end = self._size + len(data) if locked else -1
        finally:
            if locked:
                self._release()
        return changed

    def follow(self) -> bool:
        """Open anew when another process has rotated the file; whether :attr:`fd` changed for it.

        Each write does so by itself; this is for those who write to :attr:`fd`.
        """
        try:
            there = os.stat(self.path)
        except OSError:  # in the middle of a rotation; its process begins the new file
            return False
        return sharedfile.identity(there) != self._identity and self._reopen()

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)
        self._close_reader()
        if self._lock >= 0:
            os.close(self._lock)

    def after_fork(self) -> None:
        """Take a lock, and a place to read at, of our own: this process shares its parent's.

        Another thread of the parent may have held the lock, and giving it up would be for both.
        """
        self._holding = False
        self._close_reader()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
            with contextlib.suppress(OSError):
                self._lock = self.open_beside(LOCK_NAME)

    def open_beside(self, name: str) -> int:
        """Open, or make, the file *name* in the log's folder, to be locked.

        :param name: ``{}`` in it stands for the log's own.
        :raises OSError: it cannot be had.
        """
        return sharedfile.open_shared(self._beside(name), strict=self._strict, lockable=True)

    def _beside(self, name: str) -> str:
        folder, own = os.path.split(self.path)
        return os.path.join(folder, name.format(own))

    def _acquire(self) -> bool:
        """Wait for the lock, though not for ever; whether it is ours to give up again.

        A signal handler that logs may interrupt the very write that holds it.
        """
        deadline = time.monotonic() + LOCK_SECONDS
        if self._holding or self._lock < 0 or deadline < self._lock_after:
            return False
        while not sharedfile.try_lock(self._lock):
            if time.monotonic() > deadline:
                self._lock_after = deadline + LOCK_SECONDS + RETRY_SECONDS
                return False
            time.sleep(0.001)
        self._holding = True
        return True

    def _release(self) -> None:
        if self._holding:
            self._holding = False
            sharedfile.unlock(self._lock)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.fd, view) :]
        except OSError:
            if len(view) < len(data):
                self._take_back(len(data) - len(view))
            raise

    def _take_back(self, count: int) -> None:
        """Cut off the beginning of a record, lest another process append to the half line.

        Without the lock what stands at the end may be somebody else's.
        """
        if self._holding and not self._lock_is_gone():
            with contextlib.suppress(OSError):
                size = os.fstat(self.fd).st_size - count
                sharedfile.shorten(self.fd, self.path, size)

    def _follow(self, locked: bool) -> bool:
        """Rotate when it is time; open anew when the path leads to another file."""
        try:
            there = os.stat(self.path)
        except OSError:
            return self._reopen()
        self._size = there.st_size
        if sharedfile.identity(there) != self._identity:
            return self._reopen()
        if there.st_size < self.max_size or time.monotonic() < self._rotate_after:
            return False
        try:
            if locked and self._lock_is_gone():
                self._renew_lock()
                return False  # with the next record, under the lock that all take
            self._rotate(locked)
        except OSError as error:
            self.rotation_error = error
            self._rotate_after = time.monotonic() + RETRY_SECONDS
            return False
        self.rotation_error = None
        return self._reopen()

    def _reopen(self) -> bool:
        """Go on in the file that the path leads to now; in the old one when that cannot be.

        :raises OSError: nor can it be in the old one, which was deleted.
        """
        try:
            fd = self._open_anew()
        except OSError:
            before = os.fstat(self.fd)
            self._size = before.st_size
            if before.st_nlink:
                return False
            raise
        os.dup2(fd, self.fd, inheritable=False)
        os.close(fd)
        status = os.fstat(self.fd)
        self._identity = sharedfile.identity(status)
        self._size, self._end = status.st_size, -1
        self._close_reader()
        return True

    def _open_anew(self) -> int:
        try:
            return sharedfile.open_shared(self.path, strict=self._strict)
        except FileNotFoundError:  # its folder was deleted too
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return sharedfile.open_shared(self.path, strict=self._strict)

    def _lock_is_gone(self) -> bool:
        """Whether the file of our lock was deleted, so that newcomers take another."""
        try:
            there = os.stat(self._beside(LOCK_NAME))
        except OSError:
            return True
        return sharedfile.identity(there) != sharedfile.identity(os.fstat(self._lock))

    def _renew_lock(self) -> None:
        """Give the lock up, for one whose file is there."""
        self._holding = False
        gone, self._lock = self._lock, -1
        os.close(gone)
        self._lock = self.open_beside(LOCK_NAME)

    def _rotate(self, locked: bool) -> None:
        """Move the file out of the way, and delete the oldest if they are too many."""
        if not locked:
            if self._lock < 0:
                self._lock = self.open_beside(LOCK_NAME)
            raise OSError("another process holds the lock")
        rotation.rotate(self.path, self.kept_files)

    def _ends_in_half_a_line(self) -> bool:
        """Whether the last line has no end, and nobody is about to write it.

        What the file is appended to by cannot be read. If nothing can, the line is taken for whole:
        writing matters more.
        """
        with contextlib.suppress(OSError):
            if self._lacks_end():
                time.sleep(HALF_LINE_SECONDS)
                before, self._size = self._size, os.fstat(self._reader).st_size
                return self._size == before
        return False

    def _lacks_end(self) -> bool:
        if not self._size:
            return False
        if self._reader < 0:
            self._reader = sharedfile.open_reading(self.path)
        if sharedfile.identity(os.fstat(self._reader)) != self._identity:
            return False
        os.lseek(self._reader, self._size - 1, os.SEEK_SET)
        return os.read(self._reader, 1) not in (b"", b"\n")

    def _close_reader(self) -> None:
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1
