"""Whether each entry of Parameters.xml finds what it is to change: in the manifest, in the files.

Web Deploy says nothing when an entry finds nothing; the answer of whoever installs the package is
lost then. What only Web Deploy can judge, an XPath for one, is not looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from iiswsgi.deploy.manifest import Manifest
from iiswsgi.deploy.parameters import Entry, Parameter, compiled
from iiswsgi.deploy.source import read_bytes
from iiswsgi.errors import DeployError

__all__ = ["check_matches"]

log = logging.getLogger(__name__)

MAX_SEARCHED = 16 << 20
"""Bytes of a file that is searched for what a TextFile entry replaces; it is read as a whole."""


def check_matches(
    parameters: Sequence[Parameter], manifest: Manifest, content: Mapping[str, Path], file: str
) -> None:
    """Complain about the first entry that finds nothing.

    :param content: the package's files by their names in it, ``MyApp/web.config``.
    :param file: how complaints call Parameters.xml.
    :raises DeployError: D15, an entry finds nothing.
    """
    content = {**content, **dict(_aliases(manifest, content))}
    for parameter in parameters:
        for entry in parameter.entries:
            if entry.kind == "ProviderPath":
                _check_provider_path(entry, manifest, file)
            elif entry.kind in ("TextFile", "XmlFile"):
                _check_file(entry, manifest, content, file)


def _aliases(manifest: Manifest, content: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """The files that are in the package under a second name."""
    for provider in manifest.providers:
        origin, alias = (provider.attributes.get(name, "") for name in ("from", "to"))
        if provider.name == "alias" and origin in content:
            yield alias, content[origin]


def _check_provider_path(entry: Entry, manifest: Manifest, file: str) -> None:
    scope = compiled(entry.scope, file, entry.line)
    match = compiled(entry.match, file, entry.line)
    if scope is None or match is None:
        return
    paths = [provider.path for provider in manifest.providers if scope.search(provider.name)]
    if not paths:
        raise _nothing(entry, file, f"no provider of the manifest has a name like {entry.scope!r}")
    if not any(match.search(path) for path in paths):
        there = ", ".join(map(repr, paths))
        raise _nothing(entry, file, f"{entry.match!r} is not in {there} of the manifest")


def _check_file(entry: Entry, manifest: Manifest, content: Mapping[str, Path], file: str) -> None:
    if compiled(entry.scope, file, entry.line) is None:
        return
    names = list(_in_scope(entry, manifest, content, file))
    if not names:
        raise _nothing(entry, file, f"no file of the package has a path like {entry.scope!r}")
    if entry.kind == "TextFile" and not any(_occurs(entry, content[n], file) for n in names):
        raise _nothing(entry, file, f"{entry.match!r} does not occur in {', '.join(names)}")


def _in_scope(
    entry: Entry, manifest: Manifest, content: Mapping[str, Path], file: str
) -> Iterator[str]:
    """The names of the files that an entry is about, by their paths or their providers."""
    scope = compiled(entry.scope, file, entry.line)
    by_provider = {
        provider.path.replace("\\", "/")
        for provider in manifest.providers
        if scope and provider.path and scope.search(provider.name)
    }
    for name in content:
        # Web Deploy looks at whole paths with backslashes.
        if (scope and scope.search("\\" + name.replace("/", "\\"))) or name in by_provider:
            yield name


def _occurs(entry: Entry, path: Path, file: str) -> bool:
    match = compiled(entry.match, file, entry.line)
    text = _text(path)
    return match is None or text is None or match.search(text) is not None


def _text(path: Path) -> str | None:
    """A file's text in whatever encoding it seems to have; None if it is too large to search."""
    data = read_bytes(path, MAX_SEARCHED)
    if len(data) > MAX_SEARCHED:
        log.info("%s has more than %d bytes and is not searched", path, MAX_SEARCHED)
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _nothing(entry: Entry, file: str, says: str) -> DeployError:
    return DeployError(
        "D15", f"{file}, line {entry.line}: a {entry.kind} entry matches nothing: {says}"
    )
