"""Loggers, levels and the ``[loggers]`` sections of the INI file, beside the log of the process.

The records of the ``iiswsgi`` loggers go to the log whatever an application configures, which is
:mod:`.ownlogger`'s business. The root logger is the application's; only when nobody has given it a
handler by the time serving begins does it get ours, for ``logging.basicConfig`` does nothing on a
root logger that has one.
"""

from __future__ import annotations

import configparser
import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from iiswsgi.errors import SettingError
from iiswsgi.runtime.ownlogger import OURS, Destination, is_ours, keep_ours_out, not_ours, own

__all__ = [
    "adopt",
    "adopt_root",
    "configure_from_ini",
    "default_level",
    "repair",
    "set_level",
]

_LATE = (
    "iiswsgi.access",
    "iiswsgi.fastcgi.transport.descriptors",
    "iiswsgi.fastcgi.transport.listener",
    "iiswsgi.fastcgi.transport.peers",
    "iiswsgi.fastcgi.transport.places",
)
"""Loggers of modules that are imported after :func:`repair` was called last, while serving."""

_SECTION = re.compile(r"(?:logger|handler|formatter)(?:s\Z|_)")
"""Names those that :mod:`logging.config` reads."""

_OPTIONS = {
    *("keys", "level", "handlers", "qualname", "propagate", "class", "args", "kwargs"),
    *("formatter", "target", "format", "datefmt", "style", "defaults"),
}
"""What it reads there; what ``[DEFAULT]`` and the command line define is in every section."""

_VERBOSITY = {1: logging.DEBUG, 0: None, -1: logging.WARNING, -2: logging.ERROR}


def adopt(handler: Destination) -> None:
    """Send the records of our loggers to *handler*."""
    ours = logging.getLogger(OURS)
    ours.addHandler(handler)
    for name in _LATE:
        logging.getLogger(name)
    _own_all(handler)
    if not ours.level and not logging.getLogger().handlers:
        ours.setLevel(logging.INFO)


def default_level(path: str) -> None:
    """Let our loggers begin at info, unless the ``[loggers]`` of an INI file decide.

    pserve gives the root logger a handler without being asked, and so all loggers its level.
    """
    ours = logging.getLogger(OURS)
    if not ours.level and not _has_loggers(path):
        ours.setLevel(logging.INFO)


def _has_loggers(path: str) -> bool:
    """Whether there are any; not if the file cannot be read, which others will say."""
    parser = configparser.RawConfigParser()
    with contextlib.suppress(OSError, ValueError, configparser.Error):
        parser.read(path, encoding="utf-8")
    return parser.has_section("loggers")


def configure_from_ini(path: str, global_conf: Mapping[str, str]) -> bool:
    """Do what the file's ``[loggers]`` sections say; whether it has any.

    :param global_conf: for ``%(name)s`` in the file, besides ``here`` and ``__file__``.
    :raises SettingError: S09, the sections cannot be used.
    """
    path = os.path.abspath(path)
    defaults = {"here": os.path.dirname(path), "__file__": path, **global_conf}
    # The parser takes no notice of case.
    escaped = {name.lower(): str(value).replace("%", "%%") for name, value in defaults.items()}
    parser = configparser.ConfigParser(escaped)
    is_read = False
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        is_read = True
        if not parser.has_section("loggers"):
            return False
        import logging.config  # slow to import, and needed for these sections only

        logging.getLogger(OURS).setLevel(logging.NOTSET)
        logging.config.fileConfig(parser, disable_existing_loggers=False)
    except Exception as error:  # a handler's class is named in the file, and may raise anything
        from iiswsgi.runtime.inifault import fault  # only for this sentence

        told = fault(error, _values(parser) if is_read else ())
        raise SettingError(
            "S09",
            f"The [loggers] of {path} cannot be used: {type(error).__name__}: {told}. "
            "Correct the section named, or remove [loggers].",
        ) from error
    return True


def _values(parser: configparser.ConfigParser) -> list[tuple[str, str]]:
    """Return what the sections about logging hold, each with the words for where it is."""
    values = []
    for section in filter(_SECTION.match, parser.sections()):
        for option in _OPTIONS.intersection(parser.options(section)):
            place = f"{option} in [{section}]"
            values.append((place, parser.get(section, option, raw=True)))
            with contextlib.suppress(configparser.Error):  # formats are no values to it
                values.append((place, parser.get(section, option)))
    return values


def set_level(setting: int | None, verbosity: int | None) -> None:
    """Decide the level: the setting, else paster's -v and -q, else the INI file, else info.

    :param setting: of :mod:`logging`, or None.
    :param verbosity: how many more -v than -q, or None.
    """
    level = setting
    if level is None and verbosity is not None:
        level = _VERBOSITY[max(-2, min(verbosity, 1))]
    if level is not None:
        logging.getLogger(OURS).setLevel(level)


def repair(handler: Destination, replaced: tuple[TextIO | None, TextIO | None]) -> None:
    """Make all loggers lead somewhere, whatever has been configured.

    ``fileConfig`` and ``dictConfig`` take our handler away where they name our loggers. Handlers
    made while ``sys.stderr`` was None, as it is under IIS, raise at every record.

    :param handler: what :func:`adopt` was given.
    :param replaced: the former values of ``sys.stdout`` and ``sys.stderr``, or None.
    """
    for logger in _loggers():
        for each in logger.handlers:
            _repair_handler(each, replaced)
    logging.getLogger(OURS).addHandler(handler)
    _own_all(handler)


def adopt_root(handler: logging.Handler) -> None:
    """Send what nobody else takes to *handler*; once the application has configured its loggers."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler.addFilter(not_ours)
    root.addHandler(handler)
    if root.level == logging.WARNING:  # as it is unless somebody sets it
        root.setLevel(logging.getLogger(OURS).getEffectiveLevel())


def _repair_handler(
    handler: logging.Handler, replaced: tuple[TextIO | None, TextIO | None]
) -> None:
    if not isinstance(handler, logging.StreamHandler) or isinstance(handler, logging.FileHandler):
        return
    if handler.stream is None or handler.stream is replaced[1]:
        handler.setStream(sys.stderr)
    elif handler.stream is replaced[0]:
        handler.setStream(sys.stdout)
    keep_ours_out(handler)


def _own_all(handler: Destination) -> None:
    for logger in _loggers():
        if is_ours(logger.name):
            own(logger, handler)


def _loggers() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    yield root
    for logger in list(root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield logger
