"""What a feed of Microsoft's Web Platform Installer (WebPI) says, as values.

Written by :mod:`iiswsgi.deploy.feedwriter`, read by :mod:`iiswsgi.deploy.feedreader`; what goes
into a feed is decided in :mod:`iiswsgi.deploy.webpi`. Microsoft never published a schema. The
values are those that its samples of feeds and its last application list have in common
(MicrosoftDocs/iis-docs before February 2024: web-deploy-parameterization,
testing-a-web-application-zip-package).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["ATOM", "Command", "Entry", "Feed", "Installer", "Rule", "Tab"]

ATOM = "http://www.w3.org/2005/Atom"
"""The namespace of a feed's elements, Microsoft's own included."""


class Rule(NamedTuple):
    """A dependency or a discovery hint: one condition, or several joined."""

    kind: str
    """``and``, ``or``, or the condition's element: ``productId``, ``file``, ``registry``."""
    values: tuple[tuple[str, str], ...] = ()
    """A condition's child elements and their texts; a text of its own has the name ``""``."""
    parts: tuple[Rule, ...] = ()
    """What is joined."""

    def products(self) -> Iterator[str]:
        """The product ids that occur in it."""
        if self.kind in ("productId", "idref"):
            yield from (text for _, text in self.values)
        for part in self.parts:
            yield from part.products()


class Command(NamedTuple):
    """One command of an installer."""

    kind: str
    """``cmdLine``, or ``msiInstall``."""
    program: str
    arguments: str = ""


class Installer(NamedTuple):
    """How a product comes to the machine: a file to download, commands, or both."""

    url: str = ""
    size: int | None = None
    """Kilobytes; some feeds mean bytes, and WebPI does not compare it."""
    sha1: str = ""
    """40 hexadecimal digits; without them WebPI does not check the file."""
    display_url: str = ""
    license_url: str = ""
    help_url: str = ""
    languages: tuple[str, ...] = ("en",)
    commands: tuple[Command, ...] = ()
    start_page: str | None = None
    """Not None: a Web Deploy package; the page to open after it was installed, or "" for ``/``."""


class Entry(NamedTuple):
    """One product of a feed."""

    product_id: str
    title: str = ""
    version: str = ""
    id: str = ""
    summary: str = ""
    long_summary: str = ""
    updated: str = ""
    published: str = ""
    link: str = ""
    author: str = ""
    author_url: str = ""
    icon: str = ""
    screenshots: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    """Products that are offered with this one."""
    dependency: Rule | None = None
    discovery: Rule | None = None
    """How WebPI sees that the product is there."""
    installers: tuple[Installer, ...] = ()

    @property
    def is_application(self) -> bool:
        """Whether it is a Web Deploy package."""
        return any(installer.start_page is not None for installer in self.installers)


class Tab(NamedTuple):
    """A tab of WebPI's window; products of a custom feed are shown in no other."""

    id: str
    name: str
    description: str = ""
    keywords: tuple[str, ...] = ()


class Feed(NamedTuple):
    """A feed; WebPI knows it again by its id."""

    title: str = ""
    id: str = ""
    link: str = ""
    version: str = ""
    updated: str = ""
    author: str = ""
    author_url: str = ""
    entries: tuple[Entry, ...] = ()
    tabs: tuple[Tab, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    """Ids of keywords and what is shown for them."""
