"""IIS's own command line, appcmd.exe: where it is, what it is asked, what it answers.

IIS takes ``<fastCgi>`` from applicationHost.config alone, so every FastCGI application is
registered there. Its key is ``fullPath`` and ``arguments`` (Microsoft Learn,
"system.webServer/fastCgi/application").
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from iiswsgi import process
from iiswsgi.errors import InstallError
from iiswsgi.iis.appcmdline import FASTCGI, additions, hidden, quoted, removal
from iiswsgi.iis.document import Element, parse
from iiswsgi.iis.registration import Registration, registrations_in
from iiswsgi.masking import masked_line

__all__ = ["AppCmd", "VirtualDirectory", "find"]

log = logging.getLogger(__name__)

SECONDS = 120.0
"""For one call. appcmd answers in a second or two; on a busy server its RPC may take its time."""

MAX_COMMAND = 30000
"""Characters of a command line; Windows takes 32767."""

RPC_FAILED = 1726
"""A status that goes away by asking again."""

NOT_ALLOWED = (5, 50)
"""Access denied, and what appcmd ends with for a user who may not administer IIS."""

NOTHING_FOUND = 1
"""The status of a list that came out empty."""


class VirtualDirectory(NamedTuple):
    """Where a URL's folder is."""

    name: str
    """``Site/application/path``, beginning with the site's name."""
    physical_path: str
    """As configured: names such as ``%SystemDrive%`` may be in it."""


class AppCmd(NamedTuple):
    """An appcmd.exe, of IIS or of IIS Express."""

    executable: str
    apphost_config: str = ""
    """The applicationHost.config to work on; IIS Express has one for each user."""

    def virtual_directories(self) -> tuple[VirtualDirectory, ...]:
        """All virtual directories of all sites.

        :raises InstallError: I11, or as :func:`iiswsgi.process.run` does.
        :raises ConfigError: C01 the answer is no XML.
        """
        root = self._list("vdir")
        return tuple(
            VirtualDirectory(
                element.attributes.get("VDIR.NAME", ""), element.attributes.get("physicalPath", "")
            )
            for element in root.find_all("VDIR")
        )

    def registrations(self) -> list[Registration]:
        """The FastCGI applications that IIS knows; errors as above."""
        return registrations_in([self._list("config", FASTCGI)])

    def register(self, wanted: Registration) -> bool:
        """See to it that IIS knows a FastCGI application just so; whether anything was changed.

        One with the same key that says something else is replaced, and put back should that fail.

        :raises InstallError: I11 appcmd refuses, I12 a value that no command can carry.
        """
        former = [known for known in self.registrations() if known.key == wanted.key]
        if former and former[0].says_the_same(wanted):
            log.info("registered already: %s", masked_line("|".join(wanted.key)))
            return False
        commands = additions(wanted)
        for command in commands:
            self._check(command)
        if former:
            self.unregister(wanted.key)
        try:
            for command in commands:
                self._call(*command)
        except InstallError:
            self._put_back(wanted, former)
            raise
        log.info("registered: %s", masked_line("|".join(wanted.key)))
        return True

    def unregister(self, key: tuple[str, str]) -> None:
        """Remove the FastCGI application with this ``fullPath`` and these ``arguments``.

        :raises InstallError: I11, also when there is none.
        """
        self._call(*removal(key))

    def command_line(self, arguments: Sequence[str]) -> str:
        """The text that Windows hands to appcmd."""
        return " ".join([f'"{self.executable}"', *map(quoted, arguments)])

    def _put_back(self, wanted: Registration, former: list[Registration]) -> None:
        if any(known.key == wanted.key for known in self.registrations()):
            self.unregister(wanted.key)
        for registration in former:
            for command in additions(registration):
                self._call(*command)

    def _list(self, *what: str) -> Element:
        arguments = self._all(("list", *what, "/xml"))
        completed = self._run(arguments)
        if completed.status == RPC_FAILED:
            completed = self._run(arguments)
        text = re.sub(r"\A\s*<\?xml[^>]*\?>", "", completed.text).strip()
        if completed.status not in (0, NOTHING_FOUND) or (completed.status and text):
            raise _refusal(arguments, completed)
        # The bytes are some encoding's that is known by now, whatever the declaration said.
        return parse((text or "<appcmd/>").encode(), f"the answer of {self.executable}")

    def _call(self, *arguments: str) -> None:
        completed = self._run(self._all(arguments))
        if completed.status != 0:
            raise _refusal(arguments, completed)

    def _all(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        config = (f"/AppHostConfig:{self.apphost_config}",) if self.apphost_config else ()
        return (*arguments, *config)

    def _run(self, arguments: Sequence[str]) -> process.Completed:
        self._check(arguments)
        return process.run(
            [self.executable, *arguments],
            timeout=SECONDS,
            check=False,
            level=None,
            command_line=self.command_line(arguments),
            shown=self.command_line(hidden(arguments)),
        )

    def _check(self, arguments: Sequence[str]) -> None:
        shown = " ".join(hidden(arguments))[:1000]
        if any(re.search(r"[\x00-\x1f]", argument) for argument in arguments):
            raise InstallError(
                "I12",
                f"{shown!r} holds a control character, which no command line can carry; "
                "take it out of the web.config",
            )
        length = len(self.command_line(arguments))
        if length > MAX_COMMAND:
            raise InstallError(
                "I12",
                f"this takes a command line of {length} characters, and appcmd gets at most "
                f"{MAX_COMMAND}: {shown}",
            )


def find(environ: Mapping[str, str], apphost_config: str = "") -> AppCmd | None:
    """The appcmd.exe to use, or None where there is none.

    ``IIS_BIN`` comes first: WebMatrix and IIS Express's own tools set it, so that it says which of
    two is meant. Then comes IIS, then an IIS Express that lies in its usual place.

    :param environ: environment variables, their names in capitals as Python has them on Windows.
    :param apphost_config: overrides the applicationHost.config of IIS Express.
    """
    for folder, express in _places(environ):
        executable = os.path.join(folder, "appcmd.exe")
        if os.path.isfile(executable):
            config = apphost_config or (_express_config(environ) if express else "")
            return AppCmd(executable, config)
    return None


def _places(environ: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Folders to look into, and whether what lies there is IIS Express's."""
    places = []
    if environ.get("IIS_BIN"):
        places.append((environ["IIS_BIN"], not _is_inetsrv(environ["IIS_BIN"])))
    if environ.get("SYSTEMROOT"):
        # A 32-bit Python sees another System32; Sysnative is there for such only.
        places += [
            (os.path.join(environ["SYSTEMROOT"], system, "inetsrv"), False)
            for system in ("Sysnative", "System32")
        ]
    for name in ("PROGRAMW6432", "PROGRAMFILES", "PROGRAMFILES(X86)"):
        if environ.get(name):
            places.append((os.path.join(environ[name], "IIS Express"), True))
    return places


def _is_inetsrv(folder: str) -> bool:
    return re.split(r"[\\/]", folder.rstrip("\\/"))[-1].lower() == "inetsrv"


def _express_config(environ: Mapping[str, str]) -> str:
    """The user's applicationHost.config of IIS Express; "" leaves it to appcmd."""
    homes = [Path(environ["IIS_USER_HOME"])] if environ.get("IIS_USER_HOME") else []
    if environ.get("USERPROFILE"):
        homes.append(Path(environ["USERPROFILE"], "Documents", "IISExpress"))
    for home in homes:
        config = home / "config" / "applicationhost.config"
        if config.is_file():
            return str(config)
    return ""


def _refusal(arguments: Sequence[str], completed: process.Completed) -> InstallError:
    words = masked_line(" ".join(completed.text.split()))[:1000] or "it said nothing"
    cure = "; run it as administrator" if completed.status in NOT_ALLOWED else ""
    return InstallError(
        "I11",
        f"appcmd {' '.join(hidden(arguments))} ended with status {completed.status}: {words}{cure}",
    )
