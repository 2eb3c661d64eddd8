"""What a web.config or applicationHost.config says about FastCGI, as frozen values.

Reads ``system.webServer/fastCgi``, ``system.webServer/handlers`` and ``appSettings``; whatever
else the files hold is IIS's business. Defaults are those of IIS 10; ranges are the reference
page's (MicrosoftDocs/iis-docs: system.webServer/fastCgi/application, handlers/add). Which handler
serves a path is decided in :mod:`iiswsgi.iis.mapping`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from iiswsgi.errors import ConfigError
from iiswsgi.iis.attributes import APPLICATION, HANDLER, REQUIRED, Converter, Refused
from iiswsgi.iis.document import Element, parse
from iiswsgi.iis.mapping import find_application, match_handler

__all__ = [
    "FastCgiApplication",
    "Handler",
    "Protocol",
    "SiteConfig",
    "StderrMode",
    "fastcgi_applications",
    "find_application",
    "is_here",
    "match_handler",
    "parse_config",
    "read_config",
    "sections",
]

StderrMode = Literal[
    "ReturnStdErrIn500", "ReturnGeneric500", "IgnoreAndReturn200", "TerminateProcess"
]
Protocol = Literal["NamedPipe", "Tcp"]


@dataclass(frozen=True)
class FastCgiApplication:
    """One ``<application>`` of ``<fastCgi>``: how its processes are started, used and ended.

    A file holds whole numbers within IIS's ranges; a test may build one with fractions of a
    second.
    """

    full_path: str
    """The executable; with the arguments it is the key that a handler names."""
    arguments: str = ""
    max_instances: int = 0
    """Processes in a pool; 0 leaves the number to IIS."""
    idle_timeout: float = 300
    """Seconds after which an idle process is ended."""
    activity_timeout: float = 70
    """Seconds without a byte in either direction that end a request."""
    request_timeout: float = 90
    """Seconds that one request may take."""
    instance_max_requests: int = 200
    """Requests after which a process is replaced."""
    queue_length: int = 1000
    """Requests that may wait for a process; more get 503."""
    monitor_changes_to: str = ""
    """A file whose change recycles the pool; relative to the executable's folder."""
    signal_before_terminate_seconds: float = 0
    """Seconds between the shutdown event and the end by force; 0: no event, no grace."""
    stderr_mode: StderrMode = "ReturnStdErrIn500"
    protocol: Protocol = "NamedPipe"
    flush_named_pipe: bool = False
    """Wait at the end of a request until the process has read everything."""
    rapid_fails_per_minute: int = 10
    """Unexpected ends within a minute beyond which no process is started any more."""
    environment_variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Handler:
    """One ``<add>`` of ``<handlers>``."""

    name: str
    path: str
    verb: str
    modules: str = ""
    script_processor: str = ""
    """``fullPath|arguments``."""
    resource_type: str = "Unspecified"
    require_access: str = "Script"
    allow_path_info: bool = False
    response_buffer_limit: int = 4194304
    """Bytes that IIS holds back before it sends; 0 sends each record."""
    pre_condition: str = ""


@dataclass(frozen=True)
class SiteConfig:
    """What one file, on top of those it inherits from, says."""

    fastcgi_applications: tuple[FastCgiApplication, ...]
    handlers: tuple[Handler, ...]
    """In the order in which they are tried."""
    app_settings: tuple[tuple[str, str], ...]
    path: str
    """The file's name, for messages."""


_Item = TypeVar("_Item")

_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "location": (),
    "system.webServer": ("fastCgi", "handlers"),
    "appSettings": (),
}
"""What is read below the outermost element or a ``<location>``, and what of that."""


class _Reader:
    """Turns the elements of one file into values; every complaint names file and line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def error(self, code: str, element: Element, sentence: str) -> ConfigError:
        return ConfigError(code, f"{self.name}, line {element.line}, <{element.tag}>: {sentence}")

    def attribute(self, element: Element, name: str) -> str:
        if name in element.attributes:
            return element.attributes[name]
        if found := _in_another_case(name, element.attributes):
            raise self.error("C02", element, f"the attribute {found} must be spelt {name}")
        raise self.error("C03", element, f"the attribute {name} is missing; add it")

    def check_tags(self, elements: Iterable[Element], names: Iterable[str]) -> None:
        """Let no section pass for one that is not ours because of its letters' case."""
        for element in elements:
            name = _in_another_case(element.tag, names)
            if name and name != element.tag:
                raise self.error("C02", element, f"this must be spelt <{name}>")

    def values(
        self, element: Element, table: Mapping[str, tuple[str, Converter]]
    ) -> dict[str, Any]:
        """The element's attributes, converted, by field name."""
        for name in REQUIRED[element.tag]:
            self.attribute(element, name)
        values: dict[str, Any] = {}
        for name, text in element.attributes.items():
            if name.startswith("lock"):
                continue  # lockAttributes, lockItem, ...: about who may change it, not what it is
            if name not in table:
                raise self.error("C02", element, self._unknown(name, table))
            field_name, converter = table[name]
            try:
                value = converter(text)
            except Refused as refused:
                raise self.error("C03", element, f'{name}="{text[:80]}" {refused}') from None
            if field_name:
                values[field_name] = value
        return values

    def _unknown(self, name: str, table: Mapping[str, Any]) -> str:
        if known := _in_another_case(name, table):
            return f"the attribute {name} must be spelt {known}"
        return f"there is no attribute {name}; IIS would refuse the file. Known: {', '.join(table)}"

    def collection(
        self,
        sections: list[Element],
        inherited: tuple[_Item, ...],
        add: str,
        read: Callable[[Element], _Item],
        key: Callable[[_Item], object],
        element_key: Callable[[Element], object],
    ) -> tuple[_Item, ...]:
        """IIS's collections: ``<add>`` (or *add*), ``<remove>`` and ``<clear/>``, in order."""
        here: list[_Item] = []
        kept = list(inherited)
        for element in (child for section in sections for child in section.children):
            if element.tag == "clear":
                here, kept = [], []
            elif element.tag == "remove":
                # Removing what is not there is usual: it was inherited from a file not given.
                gone = element_key(element)
                here = [item for item in here if key(item) != gone]
                kept = [item for item in kept if key(item) != gone]
            elif element.tag == add:
                item = read(element)
                if any(key(item) == key(other) for other in (*here, *kept)):
                    raise self.error(
                        "C04",
                        element,
                        f"{key(item)!r} is there already; IIS takes each key once. "
                        "Remove one, or put a <remove> before it",
                    )
                here.append(item)
            else:
                raise self.error("C02", element, f"only <{add}>, <remove> and <clear> belong here")
        # A site's own handlers are tried before those it inherits.
        return (*here, *kept)

    def application(self, element: Element) -> FastCgiApplication:
        application = FastCgiApplication(**self.values(element, APPLICATION))
        variables = self.collection(
            [child for child in element.children if child.tag == "environmentVariables"],
            (),
            "environmentVariable",
            lambda item: (self.attribute(item, "name"), self.attribute(item, "value")),
            lambda pair: pair[0].upper(),
            lambda item: self.attribute(item, "name").upper(),
        )
        for child in element.children:
            if child.tag != "environmentVariables":
                raise self.error("C02", child, "only <environmentVariables> belongs here")
        return replace(application, environment_variables=variables)

    def handler(self, element: Element) -> Handler:
        return Handler(**self.values(element, HANDLER))


def _in_another_case(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that is *name*, but perhaps for upper and lower case."""
    return next((each for each in names if each.lower() == name.lower()), None)


def _check_sections(reader: _Reader, root: Element) -> None:
    for part in (root, *root.find_all("location")):
        reader.check_tags(part.children, _SECTIONS)
        for section in part.children:
            reader.check_tags(section.children, _SECTIONS.get(section.tag, ()))


def _roots(root: Element) -> list[Element]:
    """The configuration itself and the ``<location>`` parts of it that say "here"."""
    return [root, *filter(is_here, root.find_all("location"))]


def is_here(location: Element) -> bool:
    """Whether a ``<location>`` is about the path of the file that it stands in."""
    return location.attributes.get("path", "") in ("", ".")


def sections(root: Element, *path: str) -> list[Element]:
    """The elements at *path* that are about the file's own path, in their order."""
    return [section for part in _roots(root) for section in part.find_all(*path)]


def parse_config(data: bytes, name: str, base: SiteConfig | None = None) -> SiteConfig:
    """What the content of a web.config or applicationHost.config says.

    ``<location>`` elements count when their path is empty or ``.``; others are about other URLs.

    :param name: how messages call the file.
    :param base: the configuration it inherits from.
    :raises ConfigError: C01 no readable XML, C02 an unknown name, C03 a wrong value, C04 a key
        twice.
    """
    root = parse(data, name)
    if root.tag != "configuration":
        raise ConfigError(
            "C02",
            f"{name}, line {root.line}: the outermost element is <{root.tag}>; "
            "IIS's files begin with <configuration>",
        )
    reader = _Reader(name)
    _check_sections(reader, root)
    base = base or SiteConfig((), (), (), name)
    return SiteConfig(
        fastcgi_applications=fastcgi_applications(
            sections(root, "system.webServer", "fastCgi"), name, base.fastcgi_applications
        ),
        handlers=reader.collection(
            sections(root, "system.webServer", "handlers"),
            base.handlers,
            "add",
            reader.handler,
            lambda handler: handler.name,
            lambda item: reader.attribute(item, "name"),
        ),
        app_settings=_app_settings(reader, sections(root, "appSettings"), base.app_settings),
        path=name,
    )


def fastcgi_applications(
    elements: list[Element], name: str, inherited: tuple[FastCgiApplication, ...] = ()
) -> tuple[FastCgiApplication, ...]:
    """What ``<fastCgi>`` elements say, one after the other.

    :param name: how messages call the file.
    :raises ConfigError: C02 an unknown name, C03 a wrong value, C04 a key twice.
    """
    reader = _Reader(name)
    return reader.collection(
        elements,
        inherited,
        "application",
        reader.application,
        lambda application: (application.full_path, application.arguments),
        lambda item: (reader.attribute(item, "fullPath"), item.attributes.get("arguments", "")),
    )


def _app_settings(
    reader: _Reader, sections: list[Element], inherited: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """The settings of ASP.NET, where a key given twice replaces the earlier one."""
    settings = dict(inherited)
    for element in (child for section in sections for child in section.children):
        if element.tag == "clear":
            settings.clear()
        elif element.tag == "remove":
            settings.pop(reader.attribute(element, "key"), None)
        elif element.tag == "add":
            settings[reader.attribute(element, "key")] = reader.attribute(element, "value")
    return tuple(settings.items())


def read_config(path: Path, base: SiteConfig | None = None) -> SiteConfig:
    """What the file at *path* says; see :func:`parse_config`.

    :raises ConfigError: as there; C01 also when the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("C01", f"{path} cannot be read: {error.strerror}") from error
    return parse_config(data, str(path), base)
