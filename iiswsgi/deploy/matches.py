"""Whether each entry of Parameters.xml finds what it is to change: in the manifest, in the files.

Web Deploy says nothing when an entry finds nothing; the answer of whoever installs the package is
lost then. What only Web Deploy can judge, an XPath for one, is not looked at.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from iiswsgi.deploy.expressions import SECONDS, TooSlow, compiled, matching
from iiswsgi.deploy.manifest import Manifest
from iiswsgi.deploy.parameters import Entry, Parameter
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
            _check(entry, manifest, content, file)


def _check(entry: Entry, manifest: Manifest, content: Mapping[str, Path], file: str) -> None:
    try:
        if entry.kind == "ProviderPath":
            _check_provider_path(entry, manifest, file)
        elif entry.kind in ("TextFile", "XmlFile"):
            _check_file(entry, manifest, content, file)
    except TooSlow as expression:
        log.warning(
            "IISWSGI-D29: %s, line %d: the search for %r took over %d seconds and was given up, "
            "so it is not known what it finds; Web Deploy may never end it: write it without "
            "repetitions of repetitions",
            file,
            entry.line,
            str(expression),
            SECONDS,
        )


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
    within = matching(scope, [provider.name for provider in manifest.providers])
    paths = [manifest.providers[number].path for number in within]
    if not paths:
        raise _nothing(entry, file, f"no provider of the manifest has a name like {entry.scope!r}")
    if not matching(match, paths, 1):
        there = ", ".join(map(repr, paths))
        raise _nothing(entry, file, f"{entry.match!r} is not in {there} of the manifest")


def _check_file(entry: Entry, manifest: Manifest, content: Mapping[str, Path], file: str) -> None:
    scope = compiled(entry.scope, file, entry.line)
    if scope is None:
        return
    found: dict[Path, str] = {}
    for name in _in_scope(scope, manifest, list(content)):
        found.setdefault(content[name], name)  # a file may have two names
    if not found:
        raise _nothing(entry, file, f"no file of the package has a path like {entry.scope!r}")
    if entry.kind == "TextFile" and not _occurs(entry, found, file):
        says = f"{entry.match!r} does not occur in {', '.join(found.values())}"
        raise _nothing(entry, file, says)


def _in_scope(scope: re.Pattern[str], manifest: Manifest, names: Sequence[str]) -> Iterator[str]:
    """The names of the files that an entry is about, by their paths or their providers."""
    providers = [provider for provider in manifest.providers if provider.path]
    numbers = matching(scope, [provider.name for provider in providers])
    by_provider = {providers[number].path.replace("\\", "/") for number in numbers}
    # Web Deploy looks at whole paths with backslashes.
    by_path = set(matching(scope, ("\\" + name.replace("/", "\\") for name in names)))
    for number, name in enumerate(names):
        if number in by_path or name in by_provider:
            yield name


def _occurs(entry: Entry, paths: Iterable[Path], file: str) -> bool:
    match = compiled(entry.match, file, entry.line)
    unread = []

    def texts() -> Iterator[str]:
        for path in paths:
            text = _text(path)
            if text is None:
                unread.append(path)
            else:
                yield text

    return match is None or bool(matching(match, texts(), 1)) or bool(unread)


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
