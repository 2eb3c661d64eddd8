"""Text to values: one function a kind of setting.

Each raises ValueError with the end of the sentence "it must be ..."; :mod:`.settings` says which
option it was.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

__all__ = [
    "GIB",
    "KIB",
    "MIB",
    "STDERR",
    "Address",
    "TcpAddress",
    "UnixAddress",
    "address",
    "count_from",
    "flag",
    "level",
    "log_file",
    "one_of",
    "script_name",
    "seconds",
    "size",
    "size_from",
]

STDERR = "-"
"""The value of ``log_file`` that leaves the log on STDERR."""

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

_SIZE = r"([0-9]{1,18})\s*([kmgKMG]?)"
_UNITS = {"": 1, "k": KIB, "m": MIB, "g": GIB}
_TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "f", "0"})
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class TcpAddress(NamedTuple):
    """Where to listen, over TCP."""

    host: str
    """A name or address, IPv6 without its brackets."""
    port: int
    """0 to 65535; 0 lets the system choose a free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixAddress(NamedTuple):
    """Where to listen, in the file system; POSIX only."""

    path: str
    """Absolute."""

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress


def size(text: str) -> int:
    """Bytes, with K, M or G for powers of 1024."""
    match = re.fullmatch(_SIZE, text)
    if match is None:
        raise ValueError("a number of bytes, such as 65536, 64K, 10M or 1G")
    return int(match[1]) * _UNITS[match[2].lower()]


def size_from(least: int) -> Callable[[str], int]:
    """A size with a least value."""

    def convert(text: str) -> int:
        number = size(text)
        if number < least:
            raise ValueError(f"at least {least} bytes")
        return number

    return convert


def count_from(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two bounds."""

    def convert(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return convert


def seconds(text: str) -> float:
    """A span of time."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # A day: longer is a slip of the pen, and much longer overflows the system's timers.
    if not 0 <= number <= 86400:
        raise ValueError("a number of seconds from 0 to 86400")
    return number


def flag(text: str) -> bool:
    """The words that PasteDeploy knows; a misspelt one is no silent False."""
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return word in _TRUE


def level(text: str) -> int:
    """The number that :mod:`logging` has for a level."""
    try:
        return _LEVELS[text.lower()]
    except KeyError:
        raise ValueError("one of " + ", ".join(_LEVELS)) from None


def one_of(*words: str) -> Callable[[str], str]:
    """One of some words, whatever its case."""

    def convert(text: str) -> str:
        if text.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return text.lower()

    return convert


def log_file(text: str) -> str:
    """An absolute path, or :data:`STDERR`."""
    # IIS leaves open in which folder a process starts, so a relative path would wander.
    if text != STDERR and (not os.path.isabs(text) or "\0" in text):
        raise ValueError("an absolute path (in an INI file: %(here)s/...) or - for STDERR")
    return text


def script_name(text: str) -> str:
    """The path an application is mounted at, as people write it: ``/my app``, ``/café``."""
    path = text.rstrip("/")
    if path and (not path.startswith("/") or re.search(r"[\x00-\x1f?#\x7f]", path)):
        raise ValueError("empty, or a URL path that begins with /, such as /app")
    if re.search("%[0-9A-Fa-f]{2}", path):
        raise ValueError("the path as it reads, /my app and not /my%20app")
    path.encode("utf-8", "surrogateescape")  # a ValueError too, if that cannot be
    return path


def address(text: str) -> Address:
    """A :class:`TcpAddress` or :class:`UnixAddress`."""
    if text.startswith("unix:"):
        return _unix_address(text.removeprefix("unix:"))
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:/\[\]\s]+)):([0-9]{1,5})", text)
    if match is None or int(match[3]) > 65535:
        raise ValueError("host:port such as 127.0.0.1:9000 or [::1]:9000, or unix:/path")
    return TcpAddress(match[1] or match[2], int(match[3]))


def _unix_address(path: str) -> UnixAddress:
    if sys.platform == "win32":
        raise ValueError("host:port, as Python has no UNIX sockets on Windows")
    if not os.path.isabs(path) or "\0" in path:
        raise ValueError("unix: followed by an absolute path")
    return UnixAddress(path)
