"""Files that several processes append to and lock, on Windows and on POSIX.

What each system does to put every write at the end of a file, and to let an open file be renamed,
stands here; what it is good for, in :mod:`.logfile`.
"""

from __future__ import annotations

import os
import stat
import struct
import sys

from iiswsgi.runtime import fds

__all__ = [
    "identity",
    "is_shared",
    "open_locking",
    "open_reading",
    "open_shared",
    "shorten",
    "try_claim",
    "try_lock",
    "unclaim",
    "unlock",
]

_CLAIMS = 1 << 30
"""Where claims are locked: far behind the end of the file, since Windows lets nobody else read or
write what is locked."""

_MODE = 0o640
"""Readable for the owner's group, as logs usually are; nobody else's business."""

_NOT_A_FILE = "it is not an ordinary file"


def identity(status: os.stat_result) -> tuple[int, int]:
    """What tells one file from another, whatever it is called by now."""
    return status.st_dev, status.st_ino


def is_shared(folder: str) -> bool:
    """Whether everybody may make files and links in *folder*, by POSIX's rules."""
    return sys.platform != "win32" and bool(os.stat(folder).st_mode & stat.S_IWOTH)


def _checked(fd: int, usable: bool, reason: str) -> int:
    if not usable:
        os.close(fd)
        raise OSError(reason)
    return fd


if sys.platform == "win32":
    import _winapi
    import msvcrt

    _FILE_APPEND_DATA = 0x0004
    _FILE_READ_ATTRIBUTES = 0x0080
    _SYNCHRONIZE = 0x00100000
    _SHARE_ALL = 0x0007
    _OPEN_EXISTING = 3
    _OPEN_ALWAYS = 4
    _FILE_ATTRIBUTE_NORMAL = 0x80

    def open_shared(path: str, *, strict: bool, lockable: bool = False) -> int:
        """Open for appending alone; as *lockable*, for locking.

        The right to append without the right to write is what makes Windows put each write at the
        end, whoever else writes. Sharing the right to delete lets an open file be renamed. Nobody
        but administrators may make links on Windows, so *strict* has nothing to check.
        """
        del strict
        access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE if lockable else _FILE_APPEND_DATA
        handle = _winapi.CreateFile(
            path,
            access | _FILE_READ_ATTRIBUTES | _SYNCHRONIZE,
            _SHARE_ALL,
            _winapi.NULL,
            _OPEN_ALWAYS,
            _FILE_ATTRIBUTE_NORMAL,
            _winapi.NULL,
        )
        fd = msvcrt.open_osfhandle(handle, os.O_NOINHERIT | os.O_BINARY)
        return _checked(fd, stat.S_ISREG(os.fstat(fd).st_mode), _NOT_A_FILE)

    def open_reading(path: str) -> int:
        """Open for reading, so that others may append, and rename the file."""
        return _open_existing(path, _winapi.GENERIC_READ, os.O_RDONLY)

    def open_locking(path: str, owner: os.stat_result) -> int:
        """Open for locking what is there; whose it is the system's rules for the folder say.

        :raises OSError: it cannot be had, or is not a file.
        """
        del owner
        return _open_existing(path, _winapi.GENERIC_READ | _winapi.GENERIC_WRITE, os.O_RDWR)

    def _open_existing(path: str, access: int, mode: int) -> int:
        handle = _winapi.CreateFile(
            path,
            access,
            _SHARE_ALL,
            _winapi.NULL,
            _OPEN_EXISTING,
            _FILE_ATTRIBUTE_NORMAL,
            _winapi.NULL,
        )
        fd = msvcrt.open_osfhandle(handle, mode | os.O_NOINHERIT | os.O_BINARY)
        return _checked(fd, stat.S_ISREG(os.fstat(fd).st_mode), _NOT_A_FILE)

    def shorten(fd: int, path: str, size: int) -> None:
        """Cut the file at *path*, which *fd* appends to, off at *size*; not if it is another file.

        The right to append is not enough for it.
        """
        handle = _winapi.CreateFile(
            path,
            _winapi.GENERIC_WRITE,
            _SHARE_ALL,
            _winapi.NULL,
            _OPEN_EXISTING,
            _FILE_ATTRIBUTE_NORMAL,
            _winapi.NULL,
        )
        writable = msvcrt.open_osfhandle(handle, os.O_NOINHERIT | os.O_BINARY)
        try:
            if identity(os.fstat(writable)) == identity(os.fstat(fd)):
                os.ftruncate(writable, size)
        finally:
            os.close(writable)

    def try_lock(fd: int) -> bool:
        """Lock for this process, if no other holds the lock."""
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Give the lock up."""
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def try_claim(fd: int, number: int) -> bool:
        """Lock what the *number* stands for, if nobody else has."""
        os.lseek(fd, _CLAIMS + number, os.SEEK_SET)
        return try_lock(fd)

    def unclaim(fd: int, number: int) -> None:
        """Give it up; the system does when this process ends."""
        os.lseek(fd, _CLAIMS + number, os.SEEK_SET)
        unlock(fd)

else:
    import fcntl

    def open_shared(path: str, *, strict: bool, lockable: bool = False) -> int:
        """Open for appending; as *lockable*, for locking.

        O_APPEND puts each write at the end, whoever else writes. O_NONBLOCK is for a FIFO, which
        would keep us waiting for a reader before it is refused.

        :param strict: refuse links, and files of others: strangers can write to the folder.
        """
        flags = os.O_RDWR if lockable else os.O_WRONLY | os.O_APPEND
        flags |= os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
        fd = os.open(path, flags | (os.O_NOFOLLOW if strict else 0), _MODE)
        if fd in fds.STANDARD:
            low, fd = fd, fds.private(fd)
            os.close(low)
        status = os.fstat(fd)
        _checked(fd, stat.S_ISREG(status.st_mode), _NOT_A_FILE)
        own = status.st_uid == os.geteuid() and status.st_nlink == 1
        return _checked(fd, own or not strict, "it belongs to somebody else")

    def open_reading(path: str) -> int:
        """Open for reading; everybody may append, and rename the file."""
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        return _checked(fd, stat.S_ISREG(os.fstat(fd).st_mode), _NOT_A_FILE)

    def open_locking(path: str, owner: os.stat_result) -> int:
        """Open for locking what is there, and belongs to the *owner* of another file.

        :raises OSError: it cannot be had, or is not such a file.
        """
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
        fd = os.open(path, flags)
        status = os.fstat(fd)
        _checked(fd, stat.S_ISREG(status.st_mode), _NOT_A_FILE)
        own = status.st_uid == owner.st_uid and status.st_nlink == 1
        return _checked(fd, own, "it belongs to somebody else")

    def shorten(fd: int, path: str, size: int) -> None:
        """Cut the file at *path*, which *fd* appends to, off at *size*."""
        del path
        os.ftruncate(fd, size)

    def try_lock(fd: int) -> bool:
        """Lock for this process, if no other holds the lock."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Give the lock up."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def try_claim(fd: int, number: int) -> bool:
        """Lock what the *number* stands for, if nobody else has.

        The lock belongs to the open file. An ordinary one of POSIX is gone as soon as anything in
        this process, a viewer of logs perhaps, closes the same file that it had opened itself.

        :raises OSError: the system, or the file system, has no such locks; Linux has.
        """
        try:
            _set_lock(fd, fcntl.F_WRLCK, number)
        except (BlockingIOError, PermissionError):  # POSIX lets a system say either
            return False
        return True

    def unclaim(fd: int, number: int) -> None:
        """Give it up; the system does when this process ends."""
        _set_lock(fd, fcntl.F_UNLCK, number)

    def _set_lock(fd: int, kind: int, number: int) -> None:
        command = getattr(fcntl, "F_OFD_SETLK", None)
        if command is None:
            raise OSError("this system has no locks that belong to an open file")
        # struct flock: type and whence, start and length, and a process that must be 0.
        fcntl.fcntl(fd, command, struct.pack("@hhqqi", kind, os.SEEK_SET, _CLAIMS + number, 1, 0))
