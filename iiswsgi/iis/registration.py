"""A FastCGI application's ``<application>`` element as it is written, to be registered in IIS.

:class:`iiswsgi.iis.config.FastCgiApplication` says what such an element means, defaults included;
this one says what stands there and no more, because IIS's own defaults differ between versions and
are not to be written down for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from iiswsgi.errors import ConfigError
from iiswsgi.iis.config import (
    SiteConfig,
    fastcgi_applications,
    is_here,
    parse_config,
    sections,
)
from iiswsgi.iis.document import Element, parse

__all__ = ["Registration", "read_registrations", "registrations_in"]

FASTCGI = ("system.webServer", "fastCgi")


class Registration(NamedTuple):
    """One ``<application>`` of ``<fastCgi>``."""

    attributes: tuple[tuple[str, str], ...]
    """Names and values as written, ``fullPath`` among them."""
    variables: tuple[tuple[str, str], ...] = ()
    """Its ``<environmentVariables>``."""

    @property
    def key(self) -> tuple[str, str]:
        """``fullPath`` and ``arguments``: IIS takes each such pair once."""
        given = dict(self.attributes)
        return given.get("fullPath", ""), given.get("arguments", "")

    def says_the_same(self, other: Registration) -> bool:
        """Whether IIS would do the same with both: order and the spelling of booleans aside."""
        return self._meaning() == other._meaning()

    def _meaning(self) -> tuple[dict[str, str], dict[str, str]]:
        attributes = {
            name: value.lower() if value.lower() in ("true", "false") else value
            for name, value in self.attributes
            if value
        }
        return attributes, dict(self.variables)


def read_registrations(path: Path) -> tuple[SiteConfig, tuple[Registration, ...]]:
    """What a ``web.config`` says, and all its FastCGI applications as they are to be registered.

    Those of a ``<location>`` for another path are among them: IIS has one list for all paths. What
    is said of the same one outside counts more.

    :raises ConfigError: as :func:`iiswsgi.iis.config.read_config` does.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("C01", f"{path} cannot be read: {error.strerror}") from error
    config = parse_config(data, str(path))
    root = parse(data, str(path))
    registered: dict[tuple[str, str], Registration] = {}
    for found in (sections(root, *FASTCGI), *_of_other_paths(root)):
        # A key may have been removed and written again; the last one counts.
        by_key = {registration.key: registration for registration in registrations_in(found)}
        for app in fastcgi_applications(found, str(path)):
            key = app.full_path, app.arguments
            registered.setdefault(key, by_key[key])
    return config, tuple(registered.values())


def _of_other_paths(root: Element) -> list[list[Element]]:
    """The ``<fastCgi>`` elements of each ``<location>`` that is not about the file's own path."""
    locations = root.find_all("location")
    return [list(each.find_all(*FASTCGI)) for each in locations if not is_here(each)]


def registrations_in(elements: Iterable[Element]) -> list[Registration]:
    """The ``<application>`` elements in *elements*, at any depth."""
    found = []
    for element in elements:
        if element.tag == "application":
            found.append(_registration(element))
        else:
            found += registrations_in(element.children)
    return found


def _registration(element: Element) -> Registration:
    # lockAttributes and its kin say who may change an element; appcmd has commands of their own
    # for them.
    attributes = tuple(
        (name, value) for name, value in element.attributes.items() if not name.startswith("lock")
    )
    variables: dict[str, tuple[str, str]] = {}
    for child in element.find_all("environmentVariables"):
        for item in child.children:
            if item.tag == "clear":
                variables.clear()
                continue
            name = item.attributes.get("name", "")
            variables.pop(name.upper(), None)
            if item.tag == "environmentVariable":
                variables[name.upper()] = (name, item.attributes.get("value", ""))
    return Registration(attributes, tuple(variables.values()))
