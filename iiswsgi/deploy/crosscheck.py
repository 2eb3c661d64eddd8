"""msdeploy.exe asked, where there is one, whether it encodes a runCommand as we do.

Packages are made without it; a difference is told and nothing more.
"""

from __future__ import annotations

import logging
import tempfile
import zipfile
from pathlib import Path

from iiswsgi.deploy.manifest import KEY, OPTIONS, Manifest
from iiswsgi.deploy.provider import ProviderOptions, decode
from iiswsgi.errors import DeployError, Error
from iiswsgi.iis.document import MAX_BYTES, Element, parse
from iiswsgi.masking import masked_line
from iiswsgi.process import run

__all__ = ["compare"]

log = logging.getLogger(__name__)

TIMEOUT = 120.0
"""Seconds for one question; msdeploy.exe loads the .NET Framework first."""


def compare(manifest: Manifest, program: Path) -> None:
    """Have *program* encode each runCommand of a completed manifest, and log the outcome."""
    if not program.is_file():
        log.warning(
            "IISWSGI-D17: there is no %s; the manifest is complete without it, only not compared",
            program,
        )
        return
    for provider in manifest.providers:
        if provider.name == "runCommand" and OPTIONS in provider.attributes:
            _compare(decode(provider.attributes[OPTIONS]), program)


def _compare(ours: ProviderOptions, program: Path) -> None:
    try:
        theirs = _ask(ours, program)
    except Error as error:
        log.warning("IISWSGI-D17: %s could not be asked: %s", program, error)
        return
    if (theirs.provider, theirs.path, set(theirs.settings)) == (
        ours.provider,
        ours.path,
        set(ours.settings),
    ):
        log.info("%s says the same of %s", program.name, masked_line(ours.path))
    else:
        shown = masked_line(str(theirs)), masked_line(str(ours))
        log.warning("IISWSGI-D18: %s says %s where we say %s", program, *shown)


def _ask(ours: ProviderOptions, program: Path) -> ProviderOptions:
    quote = "'" if '"' in ours.path else '"'
    if quote in ours.path:
        raise DeployError("D17", f"{masked_line(ours.path)} has both kinds of quotation marks")
    settings = "".join(f",{name}={value}" for name, value in ours.settings)
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "package.zip")
        arguments = (
            "-verb:sync",
            f"-source:{ours.provider}={quote}{ours.path}{quote}{settings}",
            f'-dest:package="{package}"',
        )
        # msdeploy.exe reads its command line by itself, quotation marks included.
        line = " ".join((f'"{program}"', *arguments))
        run((str(program), *arguments), timeout=TIMEOUT, command_line=line)
        return decode(_element(package).attributes.get(OPTIONS, ""))


def _element(package: Path) -> Element:
    """The element with the key attribute in a package's archive.xml."""
    try:
        with zipfile.ZipFile(package) as archive, archive.open("archive.xml") as stream:
            root = parse(stream.read(MAX_BYTES + 1), f"{package.name}, archive.xml")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DeployError("D17", f"{package.name} cannot be read: {error}") from error
    for element in root.children:
        if OPTIONS in element.attributes or KEY in element.attributes:
            return element
    raise DeployError("D17", f"{package.name}'s archive.xml has no provider")
