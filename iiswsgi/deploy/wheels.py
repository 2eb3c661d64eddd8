"""A wheel as a requirement sees it: its name, version, and what it requires in turn."""

from __future__ import annotations

import email
import hashlib
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from iiswsgi.deploy.unpack import opened
from iiswsgi.errors import DeployError
from iiswsgi.masking import masked_line, masked_words

__all__ = ["Wheel", "parse_requirement", "read_wheel"]

_MAX_METADATA = 8 << 20
"""Bytes of a METADATA file; it holds a project's README, and those have some hundred kilobytes."""


class Wheel(NamedTuple):
    """A file that pip can install."""

    path: Path
    name: str
    """Normalized: lower case, with hyphens."""
    version: Version
    requires: tuple[Requirement, ...]

    def locked(self) -> str:
        """The line of a requirements file that only this file meets."""
        with self.path.open("rb") as file:
            digest = hashlib.new("sha256")
            while data := file.read(1 << 20):
                digest.update(data)
        return f"{self.name}=={self.version} --hash=sha256:{digest.hexdigest()}"


def read_wheel(path: Path) -> Wheel:
    """What a wheel's name and METADATA say.

    :raises DeployError: D26, the file is no zip; D32, it is no wheel, or requires what cannot be
        put into a wheelhouse.
    """
    try:
        name, version, _build, _tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise DeployError("D32", f"{path}: no wheel: {error}") from error
    with opened(path) as archive:
        found = [
            n for n in archive.names if n.endswith(".dist-info/METADATA") and n.count("/") == 1
        ]
        if len(found) != 1:
            raise DeployError("D32", f"{path}: no wheel: it has {len(found)} METADATA files, not 1")
        metadata = email.message_from_bytes(archive.read(found[0], _MAX_METADATA))
    lines = metadata.get_all("Requires-Dist") or ()
    requires = tuple(parse_requirement(str(line), str(path)) for line in lines)
    return Wheel(path, canonicalize_name(name), version, requires)


def parse_requirement(text: str, place: str) -> Requirement:
    """A requirement by name, as wheels can be looked up for it.

    :param place: where it stands, for the sentence.
    :raises DeployError: D32, it is none.
    """
    shown = masked_words([text])[0]  # an address may hold a password
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = masked_line(str(error).splitlines()[0])
        raise DeployError("D32", f"{place}: {shown!r} is no requirement: {reason}") from error
    if requirement.url:
        raise DeployError(
            "D32",
            f"{place}: {shown!r} names an address; a wheelhouse takes requirements by name only. "
            "Build the wheel, and name its folder in PIP_FIND_LINKS",
        )
    return requirement
