"""``iiswsgi serve``: what ``paster serve`` does, without PasteScript and pkg_resources.

It takes the server's options from the INI file or the command line, gets the process ready, loads
the application and serves it; one that cannot be loaded is served as a page that says so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.inifile import server_options, uses
from iiswsgi.masking import masked_words
from iiswsgi.runtime import log as process_log
from iiswsgi.runtime import logconfig, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from iiswsgi.gateway import Application
    from iiswsgi.launch import Launch
    from iiswsgi.target import Target

__all__ = ["run"]

log = logging.getLogger(__name__)

COMMAND_LINE = "the command line"

SURELY_A_SLIP = 0.8
"""How like a setting's name a variable's must be to be told of; ``log_dir`` is less."""


def run(what: str, variables: Sequence[str] = (), app_name: str | None = None) -> int:
    """Serve an INI file, or an application by its place; the process's exit status.

    :param what: the path of an INI file, or what :func:`iiswsgi.target.parse` reads.
    :param variables: each ``name=value``, for the server, and for an INI file.
    :param app_name: the application's section in an INI file; ``main`` by default.
    """
    the_log = process_log.start()
    try:
        return int(_serve(what, _variables(variables), app_name))
    except Error as error:
        the_log.tell("ERROR", __name__, str(error))
        the_log.guard.begun()
        return int(error.exit_status)


# The rest is imported once the log is open: a broken installation must not be silent.


def _serve(what: str, variables: dict[str, str], app_name: str | None) -> ExitStatus:
    if not what.lower().endswith(".ini"):
        from iiswsgi import target  # an INI file's start need not wait for it

        if found := target.parse(what):
            return _serve_target(found, variables, app_name)
    return _serve_ini(what, variables, app_name)


def _serve_ini(ini: str, variables: dict[str, str], app_name: str | None) -> ExitStatus:
    from iiswsgi import launch

    path = os.path.abspath(ini)
    if not ini.lower().endswith(".ini") and not os.path.exists(path):
        raise SettingError(
            "S18",
            f"{masked_words([ini])[0]!r} cannot be served: there is no such INI file, and it is "
            "neither module:callable nor module:factory() nor the path of a .py or .wsgi file",
        )
    options = server_options(path, variables)
    ours = {row.name for row in settings.TABLE}.intersection(variables)
    options.add(COMMAND_LINE, {name: variables[name] for name in ours})
    ready = launch.prepare(options)
    logconfig.configure_from_ini(path, variables)
    logconfig.set_level(ready.settings.log_level, None)
    _warn_of_slips(path, variables.keys() - ours)
    return _serve_loaded(ready, lambda: _load_ini(path, app_name, variables))


def _warn_of_slips(path: str, names: Iterable[str]) -> None:
    """Tell of variables that look like settings; the application may have asked for them."""
    for name in sorted(names):
        if not uses(path, name) and (meant := settings.nearest(name, SURELY_A_SLIP)):
            log.warning(
                "IISWSGI-S22: %s (%s) is no setting, and %s does not use it; did you mean %s?",
                name,
                COMMAND_LINE,
                path,
                meant,
            )


def _serve_target(found: Target, variables: dict[str, str], app_name: str | None) -> ExitStatus:
    from iiswsgi import launch

    if app_name is not None:
        raise SettingError(
            "S03",
            f"--app-name {app_name} and {found.text} contradict each other: only an INI file has "
            "sections for applications. Leave out --app-name.",
        )
    options = settings.Options()
    options.add(COMMAND_LINE, variables)
    return _serve_loaded(launch.prepare(options), found.load)


def _serve_loaded(ready: Launch, load: Callable[[], Application]) -> ExitStatus:
    from iiswsgi import server

    try:
        ready.shutdown.own_signals(request_waits=ready.transport is not None)
        application = load()
    # SystemExit too: a module that exits on import must not look like an orderly end.
    except BaseException as error:
        if ready.shutdown.left_loading:
            return server.leave_loading(ready)
        if isinstance(error, Error):
            ready.log.tell("ERROR", __name__, str(error))
        return server.serve_failure(ready, error)
    return server.serve_launched(ready, application)


def _load_ini(path: str, name: str | None, variables: Mapping[str, str]) -> Application:
    from paste.deploy import loadapp

    application: Application = loadapp(f"config:{path}", name=name, global_conf=dict(variables))
    return application


def _variables(pairs: Sequence[str]) -> dict[str, str]:
    variables = {}
    for pair, shown in zip(pairs, masked_words(pairs), strict=True):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingError("S14", f"{shown!r} is no variable; write name=value")
        variables[name.strip()] = value.strip()
    return variables
