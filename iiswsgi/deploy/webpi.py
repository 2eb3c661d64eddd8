"""What goes into a feed: an application's package, Python distributions, and the feed around them.

Nothing here depends on a product of Microsoft's own feed, which is empty since WebPI was retired at
the end of 2022.
"""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from email.utils import parseaddr
from importlib import metadata
from pathlib import Path
from urllib.parse import quote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from iiswsgi.deploy.feed import Command, Entry, Feed, Installer, Rule, Tab
from iiswsgi.deploy.package import Package
from iiswsgi.deploy.project import Project
from iiswsgi.errors import DeployError
from iiswsgi.masking import masked_line, masked_words

__all__ = ["application", "feed_id", "make_feed", "missing_products", "package_url", "python_entry"]

KEYWORD = "Python"
"""Every entry has it, so that the feed's tab, which goes by keywords, shows every entry."""
SCHEMES = ("http", "https", "file")
"""What the URLs of packages in known feeds begin with."""


def make_feed(project: Project, entries: Sequence[Entry], now: datetime) -> Feed:
    """The feed of *project*, with a tab of its own: custom products are shown in no other."""
    title = project.title or project.name
    keywords = dict.fromkeys(keyword for entry in entries for keyword in entry.keywords)
    return Feed(
        title=title,
        id=feed_id(project),
        link=project.url,
        version=project.version,
        updated=_text(now),
        author=_author(project.author, project.author_email),
        author_url=project.author_url,
        entries=tuple(entries),
        tabs=(Tab(_keyword(project.name), title, project.description, tuple(keywords)),),
        keywords=tuple((keyword, keyword.replace("_", " ")) for keyword in keywords),
    )


def feed_id(project: Project) -> str:
    """By what WebPI, and clean_webpi in its cache, knows the feed again."""
    # Atom wants an IRI; RFC 4287, section 4.2.6, names UUIDs as one that does not change.
    made_up = uuid.uuid5(uuid.NAMESPACE_URL, f"iiswsgi:{project.name}")
    return project.url or made_up.urn


def application(project: Project, package: Package, url: str, now: datetime) -> Entry:
    """The entry of a project's Web Deploy package.

    :param url: where WebPI is to download it.
    :raises DeployError: D42, the keyword published is no date; D45, install_msdeploy has something
        that is no requirement.
    """
    title = project.title or project.name
    return Entry(
        product_id=project.name,
        title=title,
        version=project.version,
        id=feed_id(project),
        summary=project.description or title,
        long_summary=project.long_description,
        updated=_text(now),
        published=_published(project) if project.published else _text(now),
        link=project.url,
        author=_author(project.author, project.author_email),
        author_url=project.author_url,
        icon=project.icon_url,
        screenshots=(project.screenshot_url,) if project.screenshot_url else (),
        keywords=tuple(dict.fromkeys((KEYWORD, *_keywords(project.keywords)))),
        related=project.install_webpi,
        dependency=_all_of([_name(text, "install_msdeploy") for text in project.install_msdeploy]),
        discovery=_file(project.discovery_file) if project.discovery_file else None,
        installers=(
            Installer(
                url=url,
                # Kilobytes, as in Microsoft's feeds; 0 would read as unknown.
                size=max(1, round(package.size / 1024)),
                sha1=package.sha1,
                display_url=project.display_url or project.url,
                license_url=project.license_url,
                help_url=project.help_url or project.url,
                start_page="",
            ),
        ),
    )


def python_entry(requirement: str, python: str, now: datetime) -> Entry:
    r"""The entry of a Python distribution that is installed here; WebPI would run pip for it.

    Both the command and the discovery hint take it that Python is where its installer puts it for
    all users: ``%ProgramFiles%\Python311``.

    :param python: the version of the server's Python, ``3.11``.
    :raises DeployError: D44, it is not installed; D45, it is no requirement.
    """
    name = _name(requirement, "webpi_eggs")
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        raise DeployError(
            "D44",
            f"webpi_eggs names {name}, which is not installed here, so that its version is not "
            "known; install it with pip",
        ) from error
    link = _about(found, "Home-page") or f"https://pypi.org/project/{name}/"
    home = rf"%ProgramFiles%\Python{python.replace('.', '')}"
    folder = f"{name.replace('-', '_')}-{found.version}.dist-info"
    pip = Command("cmdLine", rf"{home}\python.exe", f"-m pip install {name}=={found.version}")
    return Entry(
        product_id=name,
        title=_about(found, "Name") or name,
        version=found.version,
        id=link,
        summary=_about(found, "Summary") or name,
        updated=_text(now),
        link=link,
        author=_author(_about(found, "Author"), _about(found, "Author-email")),
        keywords=(KEYWORD,),
        discovery=_file(rf"{home}\Lib\site-packages\{folder}\METADATA"),
        installers=(Installer(commands=(pip,)),),
    )


def missing_products(entries: Iterable[Entry]) -> list[str]:
    """Products that entries depend on or relate to and that are not among them."""
    entries = list(entries)
    wanted = [product for entry in entries for product in _wanted(entry)]
    return sorted(set(wanted) - {entry.product_id for entry in entries})


def package_url(template: str, project: Project, package: Path) -> str:
    """Where WebPI is to download *package*: the template with its names filled in.

    :raises DeployError: D43, there is no template, a name in braces is not known, or the outcome is
        no URL.
    """
    if not template:
        raise DeployError(
            "D43",
            "it is not known where WebPI is to download the package from: give setup's keyword "
            'msdeploy_url_template, or -u "{msdeploy_package_url}" for a local trial',
        )
    values = {
        "letter": quote(package.name[:1].lower()),
        "msdeploy_file": quote(package.name),
        "msdeploy_package": str(package),
        "msdeploy_package_url": package.as_uri(),
        "name": quote(project.name),
        "url": project.url,
        "version": quote(project.version),
    }
    where = f"the template {masked_words([template])[0]!r} of the package's URL"
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise DeployError("D43", f"{where} cannot be read: {error}") from error
    url = ""
    for literal, name, form, conversion in parts:
        if name is not None and (name not in values or form or conversion):
            known = ", ".join(f"{{{each}}}" for each in values)
            raise DeployError("D43", f"{where} has {{{name}}}; there is only {known}")
        url += literal + (values[name] if name else "")
    if not _is_url(url):
        raise DeployError(
            "D43",
            f"{where} becomes {masked_words([url])[0]!r}; it must be an http, https or file URL",
        )
    return url


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.path) and not re.search(r"\s", text)


def _wanted(entry: Entry) -> Iterator[str]:
    yield from entry.related
    if entry.dependency:
        yield from entry.dependency.products()


def _name(requirement: str, place: str) -> str:
    """A requirement's name, which is the id of its product."""
    try:
        return Requirement(requirement).name
    except InvalidRequirement as error:
        shown, reason = masked_words([requirement])[0], masked_line(str(error))
        raise DeployError(
            "D45", f"{place} has {shown!r}, which is no requirement of pip's: {reason}"
        ) from error


def _about(found: metadata.Distribution, field: str) -> str:
    text = next(iter(found.metadata.get_all(field) or ()), "")
    return "" if text == "UNKNOWN" else str(text)


def _author(name: str, mail: str) -> str:
    """The author's name, which pyproject.toml puts into the field of the address."""
    return name or parseaddr(mail)[0]


def _keywords(given: Sequence[str]) -> list[str]:
    # setuptools splits at commas only; that blanks separate is the older way of writing several.
    return given[0].split() if len(given) == 1 else [_keyword(text) for text in given]


def _keyword(text: str) -> str:
    return "_".join(text.split())


def _all_of(products: Sequence[str]) -> Rule | None:
    rules = tuple(Rule("productId", (("", product),)) for product in products)
    return Rule("and", (), rules) if len(rules) > 1 else next(iter(rules), None)


def _file(path: str) -> Rule:
    return Rule("file", (("filePath", path),))


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _published(project: Project) -> str:
    text = project.published
    try:
        # Before 3.11 Python does not read the Z that everybody writes.
        moment = datetime.fromisoformat(re.sub("Z$", "+00:00", text))
    except ValueError as error:
        raise DeployError(
            "D42",
            f"setup's keyword published is {text!r}; it must be a date such as 2026-11-20, or "
            "2026-11-20T12:00:00Z",
        ) from error
    return _text(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
