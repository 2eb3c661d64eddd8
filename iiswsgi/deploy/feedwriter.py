"""A feed's values as its XML; the order of the elements is that of Microsoft's application list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from iiswsgi.deploy.feed import ATOM, Command, Entry, Feed, Installer, Rule, Tab
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import Element, to_xml

__all__ = ["to_element", "write"]


def write(feed: Feed) -> bytes:
    """The feed's file.

    :raises DeployError: D41, a text has a character that XML cannot hold.
    """
    return to_xml(to_element(feed)).encode("utf-8")


def to_element(feed: Feed) -> Element:
    """The feed's outermost element.

    :raises DeployError: D41, as above.
    """
    root = _element("feed", *_head(feed), *(map(_entry, feed.entries)), *_foot(feed))
    root.attributes["xmlns"] = ATOM
    return root


def _head(feed: Feed) -> Iterator[Element]:
    yield from _texts(("version", feed.version), ("title", feed.title))
    yield from _link(feed.link)
    yield from _texts(("updated", feed.updated))
    yield from _author(feed.author, feed.author_url)
    yield from _texts(("id", feed.id))


def _foot(feed: Feed) -> Iterator[Element]:
    if feed.tabs:
        yield _element("tabs", *(_element("tab", _tab(tab)) for tab in feed.tabs))
    if feed.keywords:
        keywords = [_text("keyword", text) for _, text in feed.keywords]
        for element, (keyword, _) in zip(keywords, feed.keywords, strict=True):
            element.attributes["id"] = _legal("keyword", keyword)
        yield _element("keywords", *keywords)


def _tab(tab: Tab) -> Element:
    texts = _texts(("id", tab.id), ("name", tab.name), ("description", tab.description))
    return _element("keywordTab", *texts, *_list("keywords", "keywordId", tab.keywords))


def _entry(entry: Entry) -> Element:
    element = _element("entry", *_description(entry), *_relations(entry))
    if entry.is_application:
        element.attributes["type"] = "application"
    installers = [_installer(n, each) for n, each in enumerate(entry.installers, 1)]
    if installers:
        element.children.append(_element("installers", *installers))
    return element


def _description(entry: Entry) -> Iterator[Element]:
    yield from _texts(
        ("productId", entry.product_id),
        ("title", entry.title),
        ("id", entry.id),
        ("summary", entry.summary),
        ("updated", entry.updated),
        ("published", entry.published),
        ("longSummary", entry.long_summary),
        ("version", entry.version),
    )
    yield from _link(entry.link)
    if entry.icon or entry.screenshots:
        screenshots = (("screenshot", url) for url in entry.screenshots)
        yield _element("images", *_texts(("icon", entry.icon), *screenshots))
    yield from _list("keywords", "keywordId", entry.keywords)
    yield from _author(entry.author, entry.author_url)


def _relations(entry: Entry) -> Iterator[Element]:
    if entry.discovery:
        yield _rule("discoveryHint", entry.discovery)
    if entry.related:
        products = (_element("relatedProduct", _text("productId", p)) for p in entry.related)
        yield _element("related", *products)
    if entry.dependency:
        yield _rule("dependency", entry.dependency)


def _rule(tag: str, rule: Rule) -> Element:
    if rule.parts:
        return _element(tag, _element(rule.kind, *(_rule(tag, part) for part in rule.parts)))
    if rule.kind == "idref":
        return Element(tag, {"idref": _legal(tag, rule.values[0][1])}, 0)
    own = "".join(text for name, text in rule.values if not name)
    condition = _text(rule.kind, own)
    condition.children = [_text(name, text) for name, text in rule.values if name]
    return _element(tag, condition)


def _installer(number: int, installer: Installer) -> Element:
    children = [
        *_texts(
            ("id", str(number)), *(("languageId", language) for language in installer.languages)
        )
    ]
    children += _texts(("eulaURL", installer.license_url))
    file = [
        *_texts(
            ("fileSize", "" if installer.size is None else str(installer.size)),
            ("installerURL", installer.url),
            ("displayURL", installer.display_url),
            ("sha1", installer.sha1),
        )
    ]
    if file:
        children.append(_element("installerFile", *file))
    if installer.commands:
        children.append(_element("installCommands", *map(_command, installer.commands)))
    children += _texts(("helpLink", installer.help_url))
    if installer.start_page is not None:
        children.append(_element("msDeploy", _text("startPage", installer.start_page)))
    return _element("installer", *children)


def _command(command: Command) -> Element:
    program = "msi" if command.kind == "msiInstall" else "exe"
    texts = ((program, command.program), ("commandLineArguments", command.arguments))
    return _element(command.kind, *_texts(*texts))


def _author(name: str, url: str) -> Iterator[Element]:
    if name or url:
        yield _element("author", *_texts(("name", name), ("uri", url)))


def _link(url: str) -> Iterator[Element]:
    if url:
        yield Element("link", {"href": _legal("link", url)}, 0)


def _list(tag: str, item: str, texts: Iterable[str]) -> Iterator[Element]:
    items = [_text(item, text) for text in texts]
    if items:
        yield _element(tag, *items)


def _texts(*pairs: tuple[str, str]) -> Iterator[Element]:
    """An element for each text that is not empty."""
    return (_text(tag, text) for tag, text in pairs if text)


def _element(tag: str, *children: Element) -> Element:
    return Element(tag, {}, 0, list(children))


def _text(tag: str, text: str) -> Element:
    return Element(tag, {}, 0, [], _legal(tag, text))


_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no Char of XML 1.0, section 2.2."""


def _legal(tag: str, text: str) -> str:
    illegal = _ILLEGAL.search(text)
    if illegal:
        raise DeployError(
            "D41",
            f"<{tag}> of the feed cannot hold the character U+{ord(illegal[0]):04X} of "
            f"{text[:60]!r}; remove it from the project's metadata",
        )
    return text.replace("\r\n", "\n").strip()
