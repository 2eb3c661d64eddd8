"""Where the log of a site is: what its web.config starts and that is told, else the usual places.

Nothing is asked of the processes; they may run under another account, or not at all.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from iiswsgi.errors import Error, SettingError
from iiswsgi.host.definition import load
from iiswsgi.host.launch import split_arguments, worker_log
from iiswsgi.inifile import server_options
from iiswsgi.runtime.convert import STDERR
from iiswsgi.runtime.logplaces import FILE_NAME, places
from iiswsgi.runtime.tail import Tail

__all__ = ["Found", "find"]

_OTHER_ACCOUNTS = (
    ("SystemRoot", "Temp"),
    ("SystemRoot", "ServiceProfiles", "*", "AppData", "Local", "Temp"),
    ("SystemDrive", "\\Users", "*", "AppData", "Local", "Temp"),
    ("USERPROFILE", "Documents", "IISExpress", "Logs", "*"),
)
"""Where the usual places of application pools and of IIS Express are: variable and patterns."""

_TARGET = re.compile(r"[A-Za-z_][\w.]+:[A-Za-z_][\w.]*(\(\))?")
"""``module:callable``, which stands in the command line; files are mostly in the site's folder."""

_LINES_SEARCHED = 20_000
"""Lines of a log that are searched for a site's name; some megabytes."""


class Found(NamedTuple):
    """What a search has found."""

    logs: list[str]
    """Paths of logs that are there, the one in use first."""
    remarks: list[str]
    """What went wrong on the way, a sentence each."""


def find(site: str | None, environ: Mapping[str, str] = os.environ) -> Found:
    """Find the log of a site.

    :param site: its folder, its ``web.config``, an INI file, or a log; None for the current folder
        if that is a site's, else for any log of ours on this machine.
    :raises SettingError: L09 there is no log; H31 there is no such site.
    :raises ConfigError: the site's files cannot be read.
    """
    if site is None and any(map(os.path.isfile, ("web.config", "web.config.in"))):
        site = "."
    looked = _where_to_look(site, environ)
    logs = [path for path in looked.stated if os.path.isfile(path)]
    others = sorted(filter(os.path.isfile, looked.usual), key=_written, reverse=True)
    if looked.starts and not logs:  # the usual places are shared with other sites
        named = {path: _names(path, looked.starts) for path in others}
        others.sort(key=lambda path: not named[path])
        if not any(named.values()):
            looked.remarks.append("no log names this site; the one written to last is shown")
    elif logs and (newer := _newer(logs, others, looked.starts)):
        looked.remarks.append(
            f"{logs[0]}, where log_file leads, was not written to since the site last wrote into "
            f"{newer}; look there for IISWSGI-L02"
        )
        logs.insert(0, newer)
    if not logs and not others:
        raise SettingError(
            "L09",
            f"no log was found, neither {' nor '.join([*looked.stated, *looked.usual])}. Has the "
            "site been asked for a page yet? Perhaps the log is elsewhere (name it), or this "
            "account may not see it (try an administrator's).",
        )
    return Found(list(dict.fromkeys([*logs, *others])), looked.remarks)


def _newer(logs: list[str], others: list[str], starts: list[_Start]) -> str | None:
    """Return the log in a usual place that the site went on in, as it cannot write the stated one.

    A start always begins in a usual place, but ends in the stated one.
    """
    last = max(map(_written, logs))
    return next((path for path in others if _written(path) > last and _names(path, starts)), None)


def _written(path: str) -> float:
    """When a log was written to last; long ago if it is gone again."""
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0


class _Start(NamedTuple):
    """One command line that the web server starts for a site, or might."""

    folder: str
    """The site's."""
    arguments: list[str]
    variables: dict[str, str]
    """Of its environment."""


class _Looked(NamedTuple):
    """Where to look for a log."""

    stated: list[str]
    """Where somebody says that it is."""
    usual: list[str]
    """Where it is if nobody says anything."""
    starts: list[_Start]
    remarks: list[str]


def _where_to_look(site: str | None, environ: Mapping[str, str]) -> _Looked:
    if site is not None and site.lower().endswith(".log"):
        return _Looked([os.path.abspath(site)], [], [], [])
    starts = [] if site is None else list(_starts(site, environ))
    stated, remarks = _stated(starts)
    return _Looked(stated, list(dict.fromkeys(_usual(environ, starts))), starts, remarks)


def _names(path: str, starts: list[_Start]) -> bool:
    """Whether the end of a log names what is started for the site, as the head of a process does.

    There and in JSON backslashes are doubled, perhaps twice.
    """
    wanted = {start.folder for start in starts}
    wanted.update(word for start in starts for word in start.arguments if _TARGET.fullmatch(word))
    try:
        with contextlib.closing(Tail(path)) as tail:
            text = tail.last(_LINES_SEARCHED).decode("utf-8", "replace")
    except OSError:
        return False
    text = os.path.normcase(re.sub(r"\\+", r"\\", text))
    return any(os.path.normcase(word) in text for word in wanted)


def _starts(site: str, environ: Mapping[str, str]) -> Iterator[_Start]:
    path = os.path.abspath(site)
    if site.lower().endswith(".ini"):
        yield _Start(os.path.dirname(path), [path], {})
        return
    definition = load(Path(path), environ)
    folder = str(definition.folder)
    for application in definition.config.fastcgi_applications:
        variables = dict(application.environment_variables)
        yield _Start(folder, split_arguments(application.arguments), variables)
    # IIS itself keeps <fastCgi> elsewhere; the handlers name the same command lines.
    for handler in definition.config.handlers:
        arguments = handler.script_processor.partition("|")[2]
        yield _Start(folder, split_arguments(arguments), {})


def _stated(starts: Iterable[_Start]) -> tuple[list[str], list[str]]:
    """The values of ``log_file``, each once, and what is wrong with INI files."""
    stated: dict[str, None] = {}
    remarks: dict[str, None] = {}
    for start in starts:
        try:
            value = _log_file(start)
        except Error as error:
            remarks[str(error)] = None
            continue
        if value == STDERR:
            remarks["log_file = - leaves the log on STDERR; whoever starts the process has it"] = (
                None
            )
        elif value is not None:
            stated[os.path.normpath(value)] = None
    return list(stated), list(remarks)


def _log_file(start: _Start) -> str | None:
    """What a command line says of ``log_file``, itself or in its INI file."""
    pairs = (word.partition("=") for word in start.arguments if re.match(r"\w+\s*=", word))
    variables = {name.strip(): value.strip() for name, _, value in pairs}
    if "log_file" in variables:
        return variables["log_file"]
    for word in start.arguments:
        if word.lower().endswith(".ini") and "=" not in word:
            return server_options(os.path.join(start.folder, word), variables).get("log_file")
    return None


def _usual(environ: Mapping[str, str], starts: list[_Start]) -> Iterator[str]:
    for start in starts or [_Start("", [], {})]:
        environment = {**environ, **start.variables}
        yield from (place.path for place in places(environment) if not place.refused)
    # What `iiswsgi host` keeps while it runs.
    kept = Path(glob.escape(tempfile.gettempdir()), "iiswsgi-host-*")
    patterns = {str(worker_log(Path(start.folder), kept)) for start in starts}
    for pattern in sorted(patterns) or [str(kept / "Logs" / "*" / FILE_NAME)]:
        yield from glob.iglob(pattern)
    if sys.platform == "win32":
        for variable, *parts in _OTHER_ACCOUNTS:
            if variable in os.environ:
                folder = glob.escape(os.environ[variable])
                yield from glob.iglob(os.path.join(folder, *parts, FILE_NAME))
