"""The files that a log was renamed to: what they are called, which there are, and one more.

``NAME-DATE-TIME-NUMBER.EXT``: one rename cannot fail half-way, as moving a row of numbered files
one place on could.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator

__all__ = ["FUTURE_SECONDS", "rotate", "rotated"]

FUTURE_SECONDS = 86400.0
"""How far ahead of the clock a rotated file's name may be: a clock is set back by less. One from
further ahead is not of this log; it may be anybody's, and leave no name that is later."""

_LAST_NUMBER = 999_999

_STAMP = "%Y%m%d-%H%M%S"


def rotate(path: str, kept_files: int) -> None:
    """Move the file at *path* out of the way, and delete the oldest if they are too many.

    For whoever holds the lock of the log.

    :raises OSError: it cannot be renamed.
    """
    earlier = rotated(path)
    for name in _later_names(path, earlier):
        if not os.path.lexists(name):  # POSIX would overwrite it
            os.rename(path, name)
            break
    # One more is there now than was listed.
    for old in earlier[: max(0, len(earlier) + 1 - kept_files)]:
        with contextlib.suppress(OSError):  # a viewer may hold it; next time, then
            os.unlink(old)


def _later_names(path: str, earlier: list[str]) -> Iterator[str]:
    """Names that sort after all others, though the clock be coarse or set back.

    :raises FileExistsError: none is left, until the clock has passed the last of *earlier*.
    """
    stem, extension = os.path.splitext(path)
    stamp, number = time.strftime(_STAMP, time.gmtime()), 0
    if earlier:
        *_, day, second, last = earlier[-1].removesuffix(extension).split("-")
        if (newest := f"{day}-{second}") >= stamp:
            stamp, number = newest, int(last) + 1
    for each in range(number, _LAST_NUMBER + 1):
        yield f"{stem}-{stamp}-{each:06}{extension}"
    raise FileExistsError(f"no later name is left than {stem}-{stamp}-{_LAST_NUMBER}")


def rotated(path: str) -> list[str]:
    """Paths of the files that the log at *path* was renamed to, oldest first.

    Folders, links and names from the future are not among them.

    :raises OSError: the folder cannot be listed.
    """
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    ours = re.compile(rf"{re.escape(stem)}-(\d{{8}}-\d{{6}})-\d{{6}}{re.escape(extension)}")
    horizon = time.strftime(_STAMP, time.gmtime(time.time() + FUTURE_SECONDS))
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if (match := ours.fullmatch(entry.name))
            and match[1] <= horizon
            and entry.is_file(follow_symlinks=False)
        ]
    return [os.path.join(folder, name) for name in sorted(names)]
