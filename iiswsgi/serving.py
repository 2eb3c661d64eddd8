"""``iiswsgi serve``: what ``paster serve`` does, without PasteScript and pkg_resources.

It finds the server's options in the INI file, gets the process ready, loads the application with
PasteDeploy and serves it; an application that cannot be loaded is served as a page that says so.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.inifile import server_options
from iiswsgi.runtime import log as process_log
from iiswsgi.runtime import logconfig, settings

if TYPE_CHECKING:
    from iiswsgi.server import Application

__all__ = ["run"]


def run(arguments: Namespace) -> int:
    """Serve the INI file; the process's exit status.

    :param arguments: ``ini`` a path; ``variables`` a list of ``name=value``; ``app_name``.
    """
    the_log = process_log.start()
    try:
        return int(_serve(arguments))
    except Error as error:
        the_log.tell("ERROR", __name__, str(error))
        the_log.guard.begun()
        return int(error.exit_status)


def _serve(arguments: Namespace) -> ExitStatus:
    # The rest is imported once the log is open: a broken installation must not be silent.
    from iiswsgi import launch, server

    variables = _variables(arguments.variables)
    path = os.path.abspath(arguments.ini)
    options = server_options(path, variables)
    options |= {row.name: variables[row.name] for row in settings.TABLE if row.name in variables}
    ready = launch.prepare(options)
    logconfig.configure_from_ini(path, variables)
    logconfig.set_level(ready.settings.log_level, None)
    try:
        application = _load(path, arguments.app_name, variables)
    # SystemExit too: a module that exits on import must not look like an orderly end.
    except BaseException as error:
        return server.serve_failure(ready, error)
    return server.serve_launched(ready, application)


def _load(path: str, name: str | None, variables: Mapping[str, str]) -> Application:
    from paste.deploy import loadapp

    application: Application = loadapp(f"config:{path}", name=name, global_conf=dict(variables))
    return application


def _variables(pairs: list[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingError("S14", f"{pair!r} is no variable; write name=value")
        variables[name.strip()] = value.strip()
    return variables
