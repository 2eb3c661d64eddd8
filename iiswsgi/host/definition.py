"""The SITE argument read: its folder, its ``web.config`` or template, and what they say."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iiswsgi.errors import ConfigError, SettingError
from iiswsgi.host.filtering import RequestFilter, read_filter
from iiswsgi.iis.config import (
    FastCgiApplication,
    Handler,
    SiteConfig,
    parse_config,
    read_config,
)
from iiswsgi.iis.template import fill

__all__ = ["Definition", "load", "with_registration"]

log = logging.getLogger(__name__)

CONFIG = "web.config"
TEMPLATE = "web.config.in"


@dataclass(frozen=True)
class Definition:
    """What the files of a site say."""

    folder: Path
    config: SiteConfig
    request_filter: RequestFilter


def load(site: Path, environ: Mapping[str, str], apphost: Path | None = None) -> Definition:
    """Read SITE: a folder with a ``web.config`` or a ``web.config.in``, or one of these files.

    :param environ: the variables that a template may name, besides APPL_PHYSICAL_PATH.
    :param apphost: an applicationHost.config, from which the site's file inherits.
    :raises SettingError: H31 there is no such thing.
    :raises ConfigError: what is wrong with the file.
    """
    path = _config_path(_absolute(site))
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise SettingError("H31", f"{path} cannot be read: {exc.strerror}") from exc
    if path.name.endswith(".in"):
        data = _filled(path, data, environ)
    base = read_config(apphost) if apphost is not None else None
    config = parse_config(data, str(path), base)
    if path.name.endswith(".in"):
        config = _watching_the_template(config, path)
        if sys.platform == "win32":  # elsewhere every Windows path is replaced, in launch.py
            config = _with_own_python(config)
    return Definition(path.parent, config, read_filter(data, str(path)))


def with_registration(definition: Definition) -> Definition:
    """The site with what its handlers name taken for registered, where its file registers nothing.

    On a server a web.config is so, for the registration stands in applicationHost.config.
    """
    config = definition.config
    if config.fastcgi_applications:
        return definition
    named = (handler.script_processor for handler in config.handlers)
    commands = [text.partition("|") for text in dict.fromkeys(named) if "|" in text]
    if not commands:
        return definition
    log.warning(
        "IISWSGI-H43: %s registers no FastCGI application, as on a server, where they are in "
        "applicationHost.config; what its handlers name is taken for registered, with IIS's "
        "defaults (--apphost names that file)",
        config.path,
    )
    applications = tuple(FastCgiApplication(path, rest) for path, _, rest in commands)
    return replace(definition, config=replace(config, fastcgi_applications=applications))


def _absolute(site: Path) -> Path:
    try:
        return Path(os.path.abspath(site))
    except OSError as exc:
        raise SettingError("H31", f"{site}: the current folder is gone: {exc.strerror}") from exc


def _config_path(site: Path) -> Path:
    if not site.is_dir():
        if not site.is_file():
            raise SettingError("H31", f"{site} is neither a folder nor a file; name the site's")
        return site
    for name in (CONFIG, TEMPLATE):
        if (site / name).is_file():
            return site / name
    raise SettingError("H31", f"the folder {site} has neither a {CONFIG} nor a {TEMPLATE}")


def _filled(path: Path, data: bytes, environ: Mapping[str, str]) -> bytes:
    folder = str(path.parent)
    try:
        template = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError("H32", f"{path} is not UTF-8: {exc}; save it as such") from exc
    filled = fill(template, {**environ, "APPL_PHYSICAL_PATH": folder})
    # Values other than the folder stay out of the log: an environment holds secrets.
    names = ", ".join(f"{n}={v}" if v == folder else n for n, v in filled.used.items())
    log.info("%s filled in, in memory only: %s", path, names or "it names no variable")
    if filled.unknown:
        unknown = ", ".join(filled.unknown)
        log.warning("IISWSGI-H33: %s: no value for %s; left as they stand", path, unknown)
    return filled.encoded(str(path))


def _watching_the_template(config: SiteConfig, path: Path) -> SiteConfig:
    """A monitored ``web.config`` that only a template exists of: the template is watched."""
    written = os.path.normcase(path.parent / CONFIG)
    applications = tuple(
        replace(application, monitor_changes_to=str(path))
        if os.path.normcase(application.monitor_changes_to) == written
        and not os.path.exists(written)
        else application
        for application in config.fastcgi_applications
    )
    return replace(config, fastcgi_applications=applications)


def _with_own_python(config: SiteConfig) -> SiteConfig:
    """A template's python.exe that nobody has installed yet: ours is taken for it."""
    missing = {
        application.full_path
        for application in config.fastcgi_applications
        if re.fullmatch(r"(?i)python.*\.exe", os.path.basename(application.full_path))
        and not os.path.exists(application.full_path)
    }
    for full_path in sorted(missing):
        log.info("%s is not there yet; it is run as %s", full_path, sys.executable)
    applications = tuple(
        replace(application, full_path=sys.executable)
        if application.full_path in missing
        else application
        for application in config.fastcgi_applications
    )
    handlers = tuple(_handler_with_own_python(handler, missing) for handler in config.handlers)
    return replace(config, fastcgi_applications=applications, handlers=handlers)


def _handler_with_own_python(handler: Handler, missing: set[str]) -> Handler:
    full_path, bar, arguments = handler.script_processor.partition("|")
    if full_path not in missing:
        return handler
    return replace(handler, script_processor=f"{sys.executable}{bar}{arguments}")
