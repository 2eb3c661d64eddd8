"""``iiswsgi serve``: what ``paster serve`` does, without PasteScript and pkg_resources.

It finds the server's options in the INI file, gets the process ready, loads the application with
PasteDeploy and serves it; an application that cannot be loaded is served as a page that says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.inifile import server_options
from iiswsgi.runtime import log as process_log
from iiswsgi.runtime import logconfig, settings

if TYPE_CHECKING:
    from iiswsgi.server import Application

__all__ = ["run"]


def run(ini: str, variables: Sequence[str] = (), app_name: str | None = None) -> int:
    """Serve the INI file; the process's exit status.

    :param ini: its path.
    :param variables: each ``name=value``, for the INI file and for the server.
    :param app_name: the application's section; ``main`` by default.
    """
    the_log = process_log.start()
    try:
        return int(_serve(ini, _variables(variables), app_name))
    except Error as error:
        the_log.tell("ERROR", __name__, str(error))
        the_log.guard.begun()
        return int(error.exit_status)


def _serve(ini: str, variables: dict[str, str], app_name: str | None) -> ExitStatus:
    # The rest is imported once the log is open: a broken installation must not be silent.
    from iiswsgi import launch, server

    path = os.path.abspath(ini)
    options = server_options(path, variables)
    options |= {row.name: variables[row.name] for row in settings.TABLE if row.name in variables}
    ready = launch.prepare(options)
    logconfig.configure_from_ini(path, variables)
    logconfig.set_level(ready.settings.log_level, None)
    try:
        application = _load(path, app_name, variables)
    # SystemExit too: a module that exits on import must not look like an orderly end.
    except BaseException as error:
        return server.serve_failure(ready, error)
    return server.serve_launched(ready, application)


def _load(path: str, name: str | None, variables: Mapping[str, str]) -> Application:
    from paste.deploy import loadapp

    application: Application = loadapp(f"config:{path}", name=name, global_conf=dict(variables))
    return application


def _variables(pairs: Sequence[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingError("S14", f"{pair!r} is no variable; write name=value")
        variables[name.strip()] = value.strip()
    return variables
