"""Manifest.xml: the list of providers that Web Deploy runs, read and checked.

``Manifest.xml.in`` becomes ``Manifest.xml`` in completion.py.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from iiswsgi.deploy.source import read_text
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import Element, parse

__all__ = [
    "KEY",
    "OPTIONS",
    "Manifest",
    "Provider",
    "parse_manifest",
    "read_manifest",
    "warn_if_unknown",
]

log = logging.getLogger(__name__)

OPTIONS = "MSDeploy.MSDeployProviderOptions"
KEY = "MSDeploy.MSDeployKeyAttributeName"

MAX_PROVIDERS = 1000
"""Steps of one manifest; each is looked up in the text. Those seen have under twenty."""

KNOWN = (
    "alias", "appHostConfig", "appHostSchema", "appPoolConfig", "appPoolNetFx",
    "archiveDir", "cert", "comObject32", "comObject64", "contentPath", "createApp",
    "createVDir", "dbDacFx", "dbFullSql", "dbMySql", "dbSqlite", "dirPath", "filePath",
    "gacAssembly", "gacInstall", "httpCert", "iisApp", "machineConfig32", "machineConfig64",
    "metaKey", "package", "recycleApp", "regKey", "regValue", "rootWebConfig32",
    "rootWebConfig64", "runCommand", "setAcl", "urlScanConfig", "webServer", "webServer60",
)  # fmt: skip
"""The providers of Web Deploy's documentation that a manifest may list."""


class Provider(NamedTuple):
    """One step of a manifest: an element below its root."""

    name: str
    """As Web Deploy writes it, such as ``runCommand``; in a file its case does not matter."""
    path: str
    attributes: Mapping[str, str]
    line: int

    @property
    def settings(self) -> dict[str, str]:
        """The attributes that are the provider's own, in the order of the file."""
        return {
            name: value
            for name, value in self.attributes.items()
            if name != "path" and not name.startswith("MSDeploy.")
        }


class Manifest(NamedTuple):
    """A manifest that names an application."""

    providers: tuple[Provider, ...]
    app_folder: str
    """The folder of the package that the application's files are in, with forward slashes."""


def read_manifest(path: Path) -> Manifest:
    """A Manifest.xml, or a Manifest.xml.in whose <iisApp> names no variable.

    :raises DeployError: D06, D08, it cannot be used as it stands.
    :raises ConfigError: C01, it is no well-formed XML.
    """
    return parse_manifest(read_text(path), str(path))


def parse_manifest(text: str, file: str) -> Manifest:
    """The same for a text that came from *file*."""
    root = parse(text.encode("utf-8"), file)
    if len(root.children) > MAX_PROVIDERS:
        raise DeployError(
            "D08", f"{file}: {len(root.children)} providers; a manifest has at most {MAX_PROVIDERS}"
        )
    providers = tuple(map(_provider, root.children))
    apps = [provider for provider in providers if provider.name == "iisApp"]
    if len(apps) != 1:
        raise DeployError(
            "D08",
            f"{file}, line {apps[1].line if apps else root.line}: <{root.tag}> must have one "
            f"<iisApp path='folder of the application in the package'/>, and has {len(apps)}",
        )
    return Manifest(providers, _folder(apps[0], file))


def _provider(element: Element) -> Provider:
    names = {known.lower(): known for known in KNOWN}
    name = names.get(element.tag.lower(), element.tag)
    return Provider(name, element.attributes.get("path", ""), element.attributes, element.line)


def warn_if_unknown(provider: Provider, file: str) -> None:
    """Warn of a provider that is none of Web Deploy's; a server can have others."""
    if provider.name not in KNOWN:
        log.warning(
            "IISWSGI-D10: %s, line %d: Web Deploy has no provider <%s> of its own; check the "
            "spelling",
            file,
            provider.line,
            provider.name,
        )


def _folder(app: Provider, file: str) -> str:
    folder = posixpath.normpath(app.path.strip().replace("\\", "/"))
    parts = folder.split("/")
    # A drive or a stream's name would leave the folder that a package is unpacked into.
    if folder == "." or folder.startswith("/") or ":" in folder or ".." in parts:
        raise DeployError(
            "D08",
            f"{file}, line {app.line}: <iisApp>'s path is {app.path!r}; it must name the "
            "application's folder in the package",
        )
    return folder
