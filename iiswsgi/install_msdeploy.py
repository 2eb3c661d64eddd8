"""The setuptools command ``install_msdeploy``: what is done on the server; to be subclassed."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command

from iiswsgi.deploy import install
from iiswsgi.deploy.locate import VARIABLE
from iiswsgi.options import reported

__all__ = ["install_msdeploy"]

log = logging.getLogger(__name__)


class install_msdeploy(Command):  # noqa: N801 - the name is the command's
    """Install the project in the current folder as an application of IIS.

    A project that has work of its own to do subclasses this and overrides :meth:`run`::

        def run(self):
            self.variables["GREETING"] = "Hello"
            self.pre_install()
            ...  # its own work; what it requires is installed by now
            self.post_install()
    """

    description = "install what the project needs, write web.config, register FastCGI in IIS"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        ("skip-fcgi-app-install", "S", "do not register the FastCGI applications in IIS"),
        (
            "apphost-config=",
            None,
            "the applicationHost.config of IIS Express [default: the user's own]",
        ),
    ]
    boolean_options: ClassVar[list[str]] = ["skip-fcgi-app-install"]

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.skip_fcgi_app_install = False
        self.apphost_config: str | None = None
        self.variables: dict[str, Any] = {}
        """For ``web.config.in``, above those of the environment; a subclass adds its own."""

    def finalize_options(self) -> None:
        """Learn the folder; setuptools itself counts from the current one."""
        self.folder = Path(os.path.abspath(self.distribution.src_root or os.curdir))
        """The application's folder."""

    def run(self) -> None:
        """Do all there is to do."""
        self.pre_install()
        self.post_install()

    def pre_install(self) -> None:
        """Install the project and what it requires, and write its ``web.config``."""
        with reported():
            install.install_project(sys.executable, self.folder)
        self.write_web_config()

    def write_web_config(self) -> None:
        """Fill ``web.config.in`` in: from the environment, and from :attr:`variables` above it."""
        # A folder below a drive's root has no backslash at its end; the template brings its own.
        folder = os.environ.get(VARIABLE, "").rstrip("\\/") or str(self.folder)
        own = {name: str(value) for name, value in self.variables.items()}
        with reported():
            install.write_web_config(self.folder, {**os.environ, VARIABLE: folder, **own})

    def post_install(self) -> None:
        """Register all FastCGI applications of the ``web.config`` in IIS, where there is one."""
        web_config = self.folder / install.WEB_CONFIG
        if self.skip_fcgi_app_install:
            log.info("the FastCGI applications are not registered, as asked")
        elif not web_config.is_file():
            log.info("there is no %s, so there is nothing to register in IIS", web_config)
        else:
            with reported():
                install.register_applications(web_config, os.environ, self.apphost_config or "")
