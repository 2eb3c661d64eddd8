"""What is started for a FastCGI application: program, arguments, environment; no process yet.

On Windows that is what is registered. On POSIX a registered Windows Python is
replaced by the interpreter that runs the stand-in, so that one web.config serves both.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.modes import Modes
from iiswsgi.iis.config import FastCgiApplication
from iiswsgi.masking import masked_line

__all__ = ["LOG_HOME", "LOG_SITE", "Launch", "plan", "split_arguments", "worker_log"]

LOG_HOME = "IIS_USER_HOME"
LOG_SITE = "IISEXPRESS_SITENAME"

# What a worker process of IIS surely has in its environment, and what a POSIX program needs
# instead. Nothing else of the developer's shell is passed on: on the server it is not there.
_SYSTEM_VARIABLES = (
    "SystemRoot SystemDrive windir ComSpec PATHEXT PATH TEMP TMP ProgramData ProgramFiles "
    "COMPUTERNAME NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE OS USERPROFILE APPDATA LOCALAPPDATA"
    if sys.platform == "win32"
    else "PATH HOME TMPDIR TZ LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH"
).split()

_DEVICE = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?= *(\.|$))")
# No name for a folder on Windows, whatever stands behind the point; the gateway makes none of it.


@dataclass(frozen=True)
class Launch:
    """How to start one worker."""

    executable: str
    arguments: str
    """One text, as Windows passes it."""
    environment: tuple[tuple[str, str], ...]
    """In IIS's order, each name once; the shutdown event and the pipe come before these."""
    current_directory: str
    note: str = ""
    """What differs from the registration, as a sentence; "" if nothing does."""

    @property
    def command_line(self) -> str:
        """As Windows gets it: ``"fullPath" arguments``."""
        return f'"{self.executable}" {self.arguments}' if self.arguments else f'"{self.executable}"'

    @property
    def shown(self) -> str:
        """The command line for people: what is secret in it is hidden."""
        return masked_line(self.command_line)


def plan(
    application: FastCgiApplication, *, site_folder: Path, log_folder: Path, modes: Modes
) -> Launch:
    """How to start a worker of *application*.

    :param log_folder: becomes the worker's ``IIS_USER_HOME``; see :func:`worker_log`.
    :raises WorkerFailure: ``never_started``, a Windows program other than Python on POSIX.
    """
    executable, note = _executable(_expand(application.full_path))
    system = [(name, os.environ[name]) for name in _SYSTEM_VARIABLES if name in os.environ]
    environment = _first_of_each_name(
        (
            *application.environment_variables,
            *modes.environment,
            ("APP_POOL_ID", site_folder.name or "DefaultAppPool"),
            ("APP_POOL_CONFIG", str(log_folder / "apppool.config")),
            (LOG_HOME, str(log_folder)),
            (LOG_SITE, _site_name(site_folder)),
            *system,
        )
    )
    directory = modes.current_directory or Path(tempfile.gettempdir())
    return Launch(executable, _expand(application.arguments), environment, str(directory), note)


def worker_log(site_folder: Path, log_folder: Path) -> Path:
    """The first place where the gateway tries to write its log, given :func:`plan`'s variables."""
    return log_folder / "Logs" / _site_name(site_folder) / "iiswsgi.log"


def _site_name(site_folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._ -]", "_", site_folder.name).strip(". ") or "site"
    return _DEVICE.sub(r"\1_", name)


def _first_of_each_name(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Windows itself looks up the first of several equal names, and case does not count there."""
    seen: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        seen.setdefault(name.upper() if sys.platform == "win32" else name, (name, value))
    return tuple(seen.values())


def _expand(text: str) -> str:
    """Put in ``%NAME%`` where there is such a variable.

    Assumed of IIS: Azure's cloud services shipped registrations with ``%RoleRoot%`` in both
    fullPath and arguments. The handler's text is compared as written.
    """
    return re.sub(r"%(\w+)%", lambda match: os.environ.get(match[1], match[0]), text)


def _executable(full_path: str) -> tuple[str, str]:
    if sys.platform == "win32" or not _is_windows_path(full_path):
        return full_path, ""
    if not PureWindowsPath(full_path).name.lower().startswith("python"):
        raise WorkerFailure(
            "never_started",
            f"{full_path} is a Windows program; without Windows only a registered Python can be "
            "replaced by the one that runs the stand-in",
        )
    return sys.executable, f"{full_path} is run as {sys.executable}, because this is not Windows"


def _is_windows_path(path: str) -> bool:
    """Also one of a template that nobody has filled in."""
    return "\\" in path or path.lower().endswith(".exe") or bool(re.match(r"[A-Za-z]:|%|\$", path))


def split_arguments(text: str) -> list[str]:
    r"""A command line's arguments, split as Windows programs split them.

    Blanks and tabs separate outside quotation marks; backslashes are special only before a
    quotation mark: two make one, an odd one makes the mark a letter. Two marks within marks are
    a letter too. (Microsoft C, "Parsing C command-line arguments".)

    >>> split_arguments('-u "a b" c\"d')
    ['-u', 'a b', 'c"d']
    """
    arguments: list[str] = []
    # None between arguments, so that "" counts as an (empty) one.
    current: str | None = None
    quoted = False
    # Backslashes with the marks behind them, blanks, anything else: each piece as it stands.
    for piece in re.findall(r'\\+"?|""|"|[ \t]+|[^ \t"\\]+', text):
        if piece[0] in " \t" and not quoted:
            if current is not None:
                arguments.append(current)
            current = None
            continue
        literal, toggles = _piece(piece, quoted)
        current = (current or "") + literal
        quoted ^= toggles
    return arguments if current is None else [*arguments, current]


def _piece(piece: str, quoted: bool) -> tuple[str, bool]:
    """What a piece of a command line stands for, and whether it opens or closes quotation."""
    if piece == '"':
        return "", True
    if piece == '""':
        return ('"' if quoted else ""), False
    if piece[0] == "\\" and piece[-1] == '"':
        backslashes = len(piece) - 1
        even = backslashes % 2 == 0
        return "\\" * (backslashes // 2) + ("" if even else '"'), even
    return piece, False
