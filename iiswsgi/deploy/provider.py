"""The attribute ``MSDeploy.MSDeployProviderOptions``: written and read without msdeploy.exe.

The text is base64 of gzip of a serialized .NET object (nrbf.py) that holds a provider's name, its
path and its settings. Nothing in it is signed, dated or bound to a machine.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import NamedTuple

from iiswsgi.deploy import nrbf
from iiswsgi.errors import DeployError

__all__ = ["LIBRARY", "ProviderOptions", "decode", "encode"]

LIBRARY = (
    "Microsoft.web.deployment, Version=7.1.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
)
"""The assembly's name that Web Deploy 3 and 4 write, the small w included."""

MAX_TEXT = 1 << 20
"""Characters of the attribute; those seen in the wild have under a thousand."""

MAX_OBJECT = 1 << 20
"""Bytes after decompression; the text could be a bomb."""

_GZIP_HEADER = bytes.fromhex("1f8b0800000000000400")
"""No time, no name, no system: the header that .NET writes."""


class ProviderOptions(NamedTuple):
    """One provider of a manifest, such as ``runCommand``, and what it was given."""

    provider: str
    path: str
    settings: tuple[tuple[str, str], ...] = ()
    """Names and values of the settings that were given; those left out have their defaults."""
    library: str = LIBRARY


def encode(options: ProviderOptions) -> str:
    """The attribute's value.

    :raises DeployError: D05, a text or the number of settings is over a limit.
    """
    names = tuple(name for name, _ in options.settings)
    values = tuple(value for _, value in options.settings)
    strings = (options.provider, options.path, *names, *values)
    if max(len(s.encode("utf-8")) for s in strings) > nrbf.MAX_STRING or (
        len(names) > nrbf.MAX_ITEMS
    ):
        raise DeployError(
            "D05",
            f"the settings of {options.provider} are too long for a manifest: a text has at most "
            f"{nrbf.MAX_STRING} bytes, and there are at most {nrbf.MAX_ITEMS} settings",
        )
    data = nrbf.dump(nrbf.Options(options.library, options.provider, options.path, names, values))
    return base64.b64encode(_compressed(data)).decode("ascii")


def _compressed(data: bytes) -> bytes:
    # gzip.compress writes other header bytes; like this the text equals that of .NET 4.5 and
    # later where zlib is the classic one.
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, 8)
    trailer = struct.pack("<II", zlib.crc32(data), len(data))
    return _GZIP_HEADER + deflate.compress(data) + deflate.flush() + trailer


def decode(text: str) -> ProviderOptions:
    """What an attribute's value says.

    :raises DeployError: D04, it is no such value.
    """
    try:
        options = nrbf.load(_decompressed(text))
    except (nrbf.Malformed, zlib.error, binascii.Error, ValueError) as error:
        raise DeployError(
            "D04", f"an MSDeployProviderOptions value cannot be read: {error}"
        ) from error
    if len(options.names) != len(options.values):
        raise DeployError(
            "D04",
            f"an MSDeployProviderOptions value has {len(options.names)} names for "
            f"{len(options.values)} values of settings",
        )
    settings = tuple(zip(options.names, options.values, strict=True))
    return ProviderOptions(options.provider, options.path, settings, options.library)


def _decompressed(text: str) -> bytes:
    if len(text) > MAX_TEXT:
        raise nrbf.Malformed(f"it has {len(text)} characters, more than {MAX_TEXT}")
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    data = inflate.decompress(base64.b64decode(text, validate=True), MAX_OBJECT)
    if inflate.unconsumed_tail:
        raise nrbf.Malformed(f"it holds more than {MAX_OBJECT} bytes")
    if not inflate.eof or inflate.unused_data:
        raise nrbf.Malformed("its gzip stream does not end where it should")
    return data
