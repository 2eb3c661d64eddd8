"""What a zip entry may be called and how much a package may hold; the rules for both directions.

What is unpacked by Web Deploy becomes files of an NTFS folder, so a name that Windows cannot
hold, or that leads out of the folder, has no place in a package whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["MAX_FILES", "MAX_FILE_BYTES", "MAX_NAME", "fault_of", "first_clash"]

MAX_FILES = 65_536
"""Files of one package. From Microsoft's page "Web Deploy package Provider"."""

MAX_FILE_BYTES = 2_147_483_647
"""Bytes of one file. From the same page."""

MAX_NAME = 32_767
"""Characters of one name: the longest path that Windows knows."""

_FORBIDDEN = frozenset('<>:"|?*\\') | {chr(code) for code in range(32)}
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{name}{digit}" for name in ("COM", "LPT") for digit in "123456789\xb9\xb2\xb3"]
)
"""Names that are devices in any folder of Windows, whatever ending follows."""


def fault_of(name: str) -> str:
    """What is wrong with an entry's name, as the end of a sentence; empty when nothing is.

    :param name: the path inside of the archive, parts divided by ``/``.
    """
    if not name or len(name) > MAX_NAME:
        return f"has {len(name)} characters; a path of Windows has 1 to {MAX_NAME}"
    if any("\ud800" <= char <= "\udfff" for char in name):
        return "has bytes in it that are no letters in this machine's encoding"
    return next((fault for fault in map(_fault_of_part, name.split("/")) if fault), "")


def _fault_of_part(part: str) -> str:
    if part in ("", ".", ".."):
        return "is no plain path below the package's root"
    bad = sorted(_FORBIDDEN.intersection(part))
    if bad:
        return f"contains {bad[0]!r}, which no file of Windows may have in its name"
    if part[-1] in ". ":
        return f"has a part that ends in {part[-1]!r}, which Windows drops"
    if part.partition(".")[0].rstrip().upper() in _DEVICES:
        return f"has the part {part!r}, which is a device on Windows"
    return ""


def first_clash(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two names that are one file on Windows, where case makes no difference.

    A file and a folder of one name clash as well.
    """
    files: dict[str, str] = {}
    for name in names:
        if _folded(name) in files:
            return files[_folded(name)], name
        files[_folded(name)] = name
    for name in files.values():
        for place in (i for i, char in enumerate(name) if char == "/"):
            if _folded(name[:place]) in files:
                return files[_folded(name[:place])], name
    return None


def _folded(name: str) -> str:
    """What NTFS compares: each character's capital, where that is one character."""
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in name)
