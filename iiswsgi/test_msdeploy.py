"""The setuptools command ``test_msdeploy``: whether what was installed answers."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote_plus

from setuptools import Command

from iiswsgi import process
from iiswsgi.deploy.install import TEMPLATE, WEB_CONFIG
from iiswsgi.errors import InstallError
from iiswsgi.options import reported

__all__ = ["test_msdeploy"]

log = logging.getLogger(__name__)

INI = "development.ini"
"""What is served where no web.config says it."""

SECONDS = 600.0
"""For `paster request`; the first request of an application may make its database."""


class test_msdeploy(Command):  # noqa: N801 - the name is the command's
    """Send one request to the application in the current folder, and fail if it does."""

    description = "send one request to the installed application through a real worker"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        (
            "config-file=",
            "c",
            f"serve this INI file instead of what {WEB_CONFIG} says [with --paster: {INI}]",
        ),
        ("url=", "u", "what is asked for: a path or a http:// URL [default: /]"),
        ("paster=", "p", "use `PASTER request` of PasteScript, without FastCGI, at this path"),
    ]

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.config_file: str | None = None
        self.url = "/"
        self.paster: str | None = None

    def finalize_options(self) -> None:
        """Learn the folder; setuptools itself counts from the current one."""
        self.folder = Path(os.path.abspath(self.distribution.src_root or os.curdir))

    def run(self) -> None:
        """Ask, and show all that came of it."""
        with reported():
            answered = self._ask_paster() if self.paster else self._ask_worker()
            if not answered:
                raise InstallError(
                    "I41",
                    f"the application in {self.folder} does not answer {self.url} as it should; "
                    "its answer, its log with the traceback and its end are shown above",
                )

    def _ask_worker(self) -> bool:
        from iiswsgi.host import trial  # loads flup's constants, which no other command needs

        ini = self._ini()
        log.info("asking for %s, served by %s", self.url, ini or self.folder)
        sys.stdout.flush()
        if ini is not None:
            return trial.try_ini(ini, self.url, sys.stdout.buffer)
        return trial.try_site(self.folder, self.url, sys.stdout.buffer)

    def _ini(self) -> Path | None:
        """The INI file to serve; None where the site's files say what is."""
        configured = any((self.folder / name).is_file() for name in (WEB_CONFIG, TEMPLATE))
        if configured and not self.config_file:
            return None
        ini = self.folder / (self.config_file or INI)
        if not ini.is_file():
            raise InstallError(
                "I42",
                f"there is no {ini}, so there is nothing to ask; name the application's INI file "
                "with --config-file",
            )
        return ini

    def _ask_paster(self) -> bool:
        from iiswsgi.host import trial

        path, mark, query = trial.request_for(self.url).target.partition("?")
        parts = map(_for_paster, query.split("&")) if mark else ()
        command = [str(self.paster), "request", self.config_file or INI, path, *parts]
        return process.run(command, timeout=SECONDS, cwd=self.folder, check=False).status == 0


def _for_paster(part: str) -> str:
    """A part of a query as an argument of `paster request`, which makes the query of arguments.

    It quotes them again, so they are given unquoted; what is in the URL itself it does not heed.

    :raises InstallError: I43, it would make something else of this part.
    """
    name, equals, value = part.partition("=")
    try:
        name, value = (unquote_plus(text, errors="strict") for text in (name, value))
        if not name.startswith("-") and "=" not in name and "\0" not in name + value:
            return f"{name}{equals}{value}"
    except UnicodeDecodeError:
        pass
    raise InstallError(
        "I43",
        f"`paster request` cannot ask for {part!r} in a query: it must be UTF-8 without %00, and "
        "its name must not begin with - nor hold a =; ask for another URL with --url, or without "
        "--paster",
    )
