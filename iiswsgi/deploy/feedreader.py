"""Reads a feed of the Web Platform Installer: ours, Microsoft's, or anybody's.

Forgiving about the order of elements, ``<metadata>`` around some of them and what it does not know;
strict about what a feed is useless or wrong without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from iiswsgi.deploy.feed import Command, Entry, Feed, Installer, Rule, Tab
from iiswsgi.errors import ConfigError, DeployError
from iiswsgi.iis.document import Element, parse

__all__ = ["parse_feed"]

_SHA1 = re.compile("[0-9A-Fa-f]{40}")
_SIZE = re.compile("[0-9]{1,15}")
"""Digits of a file's size: far more than a package's 2 GB have, far fewer than int() refuses."""


def parse_feed(data: bytes, name: str) -> Feed:
    """What the feed's content says.

    ``<not>`` and other ways of joining conditions than ``<and>`` and ``<or>`` are not known.

    :param name: how messages call the file.
    :raises DeployError: D40, it is no XML, no feed, or an entry cannot be what it says.
    """
    try:
        root = parse(data, name)
    except ConfigError as error:
        raise DeployError("D40", f"the feed cannot be read: {error.sentence}") from error
    if _local(root) != "feed":
        raise _error(name, root, "a feed's outermost element is <feed>")
    author = _child(root, "author")
    return Feed(
        title=_text(root, "title"),
        id=_text(root, "id"),
        link=_link(root),
        version=_text(root, "version"),
        updated=_text(root, "updated"),
        author=_text(author, "name"),
        author_url=_text(author, "uri"),
        entries=tuple(_entry(name, element) for element in _children(root, "entry")),
        tabs=tuple(
            _tab(tab)
            for each in _children(_child(root, "tabs"), "tab")
            for tab in _children(each, "keywordTab")
        ),
        keywords=tuple(
            (element.attributes.get("id", ""), element.text.strip())
            for element in _children(_child(root, "keywords"), "keyword")
        ),
    )


def _tab(element: Element) -> Tab:
    return Tab(
        id=_text(element, "id"),
        name=_text(element, "name"),
        description=_text(element, "description"),
        keywords=_texts(_child(element, "keywords"), "keywordId"),
    )


def _entry(name: str, element: Element) -> Entry:
    metadata = _child(element, "metadata")
    if metadata is not None:
        element = Element(
            element.tag, element.attributes, element.line, element.children + metadata.children
        )
    product_id = _text(element, "productId")
    if not product_id:
        raise _error(name, element, "an entry needs a <productId>; add it")
    author, images = _child(element, "author"), _child(element, "images")
    return Entry(
        product_id=product_id,
        title=_text(element, "title"),
        version=_text(element, "version"),
        id=_text(element, "id"),
        summary=_text(element, "summary"),
        long_summary=_text(element, "longSummary"),
        updated=_text(element, "updated"),
        published=_text(element, "published"),
        link=_link(element),
        author=_text(author, "name"),
        author_url=_text(author, "uri"),
        icon=_text(images, "icon"),
        screenshots=_texts(images, "screenshot"),
        keywords=_texts(_child(element, "keywords"), "keywordId"),
        related=tuple(
            product
            for each in _children(_child(element, "related"), "relatedProduct")
            for product in _texts(each, "productId")
        ),
        dependency=_rule(_child(element, "dependency")),
        discovery=_rule(_child(element, "discoveryHint")),
        installers=tuple(
            _installer(name, each) for each in _children(_child(element, "installers"), "installer")
        ),
    )


def _rule(element: Element | None) -> Rule | None:
    """The rule inside a ``<dependency>`` or ``<discoveryHint>``; None when it is empty."""
    if element is None:
        return None
    if "idref" in element.attributes:
        return Rule("idref", (("", element.attributes["idref"]),))
    rules = [_condition(child, _local(element)) for child in element.children]
    if len(rules) > 1:
        return Rule("and", (), tuple(rules))
    return rules[0] if rules else None


def _condition(element: Element, tag: str) -> Rule:
    kind = _local(element)
    if kind in ("and", "or"):
        rules = (_rule(child) for child in _children(element, tag))
        return Rule(kind, (), tuple(rule for rule in rules if rule))
    values = [(_local(child), child.text.strip()) for child in element.children]
    if element.text.strip():
        values.insert(0, ("", element.text.strip()))
    return Rule(kind, tuple(values))


def _installer(name: str, element: Element) -> Installer:
    file, package = _child(element, "installerFile"), _child(element, "msDeploy")
    size, sha1 = _text(file, "fileSize"), _text(file, "sha1")
    if size and not _SIZE.fullmatch(size):
        raise _error(name, file or element, f"{size[:40]!r} is no <fileSize>; give kilobytes")
    if sha1 and not _SHA1.fullmatch(sha1):
        raise _error(name, file or element, f"{sha1[:60]!r} is no <sha1>; it has 40 digits")
    start_page = _child(package, "startPage")
    return Installer(
        url=_text(file, "installerURL"),
        size=int(size) if size else None,
        sha1=sha1,
        display_url=_text(file, "displayURL"),
        license_url=_text(element, "eulaURL"),
        help_url=_text(element, "helpLink"),
        languages=_texts(element, "languageId"),
        commands=tuple(_commands(element)),
        # Microsoft's own list has the page in <startPage>, its sample in a second one inside.
        start_page=(_text(start_page, "startPage") or _own_text(start_page)) if package else None,
    )


def _commands(element: Element) -> Iterator[Command]:
    for commands in _children(element, "installCommands"):
        for child in commands.children:
            arguments = _text(child, "commandLineArguments")
            if _local(child).lower() == "cmdline":
                yield Command("cmdLine", _text(child, "exe"), arguments)
            elif _local(child) == "msiInstall":
                yield Command("msiInstall", _text(child, "msi"), arguments)


def _link(element: Element) -> str:
    link = _child(element, "link")
    return "" if link is None else link.attributes.get("href", "").strip()


def _local(element: Element) -> str:
    return element.tag.rpartition(":")[2]


def _children(element: Element | None, tag: str) -> Iterator[Element]:
    if element is not None:
        yield from (child for child in element.children if _local(child) == tag)


def _child(element: Element | None, tag: str) -> Element | None:
    return next(_children(element, tag), None)


def _texts(element: Element | None, tag: str) -> tuple[str, ...]:
    return tuple(text for child in _children(element, tag) if (text := child.text.strip()))


def _text(element: Element | None, tag: str) -> str:
    return next(iter(_texts(element, tag)), "")


def _own_text(element: Element | None) -> str:
    return "" if element is None else element.text.strip()


def _error(name: str, element: Element, sentence: str) -> DeployError:
    return DeployError("D40", f"{name}, line {element.line}, <{element.tag}>: {sentence}")
