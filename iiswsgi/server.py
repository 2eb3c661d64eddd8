"""An application served from this process to its end; what Paste and everybody else calls.

:mod:`iiswsgi.launch` makes the process ready, :mod:`iiswsgi.gateway` answers its requests. The
Paste entry points ``egg:iiswsgi#iis`` and ``egg:iiswsgi#test_app`` stand here.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import TYPE_CHECKING

from iiswsgi import launch, tracebacks
from iiswsgi.errors import Error, ExitStatus
from iiswsgi.gateway import IISWSGIServer
from iiswsgi.inifile import paste_command_line, server_options
from iiswsgi.pasteload import tell_exit
from iiswsgi.runtime import deadman, lingering, logconfig
from iiswsgi.runtime import log as process_log
from iiswsgi.runtime.settings import Options
from iiswsgi.wsgi.errorpage import ErrorPage, new_error_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from iiswsgi.gateway import Application
    from iiswsgi.launch import Launch

__all__ = [
    "IISWSGIServer",
    "make_test_app",
    "serve",
    "serve_failure",
    "serve_launched",
    "server_factory",
    "server_runner",
]

log = logging.getLogger(__name__)


def serve_launched(ready: Launch, application: Application) -> ExitStatus:
    """Serve from a process that is ready; what it should exit with."""
    ready.loading.stop()
    ready.log.begun()
    path = ready.log.path
    server = IISWSGIServer(
        application,
        ready.settings,
        shutdown=ready.shutdown,
        errors=ready.log.stderr,
        log_path=path,
    )
    if server.extras is not None:
        ready.log.listener = server.extras.hear
    server.watchdog.on_look = ready.look
    ready.last_words.serving()
    status, end = ExitStatus.OK, ""
    with ready.shutdown.signals(), contextlib.closing(ready), server.watchdog:
        if ready.listener is not None:
            status = server.serve_listener(ready.listener, ready.allowed)
        elif ready.transport is not None:
            failure = server.serve_connection(ready.transport)
            if failure is not None:
                status = failure.exit_status
                end = f"the gateway closed the conversation, see {failure.code}"
    end = end or ready.shutdown.reason or "the web server ended the conversation"
    log.info("the end: %s", end)
    ready.last_words.end()
    deadman.expect_end(ready.settings.hang_report)
    lingering.tell_who_lingers()
    return status


def leave_loading(ready: Launch) -> ExitStatus:
    """Serve nothing, since a signal has ended the loading of the application."""
    ready.loading.stop()
    ready.log.begun()
    with contextlib.closing(ready):
        log.info("the end: %s while the application was loading", ready.shutdown.reason)
    ready.last_words.end()
    deadman.expect_end(ready.settings.hang_report)
    return ExitStatus.OK


def _leaves_loading(ready: Launch) -> bool:
    if ready.shutdown.left_loading:
        leave_loading(ready)
    return ready.shutdown.left_loading


def serve_failure(ready: Launch, error: BaseException, *, is_logged: bool = False) -> ExitStatus:
    """Serve a page that says where to look, for an application that could not be loaded.

    A process that ended would be started again and again, until rapid-fail protection stops the
    site; and IIS would show none of the reason.
    """
    from iiswsgi.runtime import inifault  # only for what goes wrong

    inifault.withhold(error)
    error_id = new_error_id()
    log.critical(
        "IISWSGI-S16: the application could not be loaded; every request is answered with the "
        "500 page, error id %s",
        error_id,
        exc_info=None if is_logged else tracebacks.info(error),
    )
    page = ErrorPage(ready.log.path, ready.settings.expose_tracebacks)
    serve_launched(ready, page.not_loaded(error_id, error))
    return ExitStatus.FAILED


def server_factory(
    global_conf: Mapping[str, str] | None = None, **local_conf: str
) -> Callable[[Application], None]:
    """``paste.server_factory``: get the process ready, before Paste loads the application.

    :param local_conf: the options of the ``[server:...]`` section.
    """
    the_log = process_log.start()
    try:
        if ini := (global_conf or {}).get("__file__"):
            logconfig.default_level(ini)
        path, verbosity = paste_command_line()
        ready = launch.prepare(_options(local_conf, global_conf or {}, path), verbosity)
    except Error as error:
        the_log.tell("ERROR", __name__, str(error))
        the_log.guard.begun()
        raise SystemExit(int(error.exit_status)) from error
    try:
        ready.shutdown.own_signals(request_waits=ready.transport is not None)
    except SystemExit:
        leave_loading(ready)
        raise
    # Paste loads the application next, and knows of no page to show when that fails.
    the_log.guard.on_failure = functools.partial(serve_failure, ready, is_logged=True)
    tell_exit(functools.partial(_leaves_loading, ready))

    def serve_paste(application: Application) -> None:
        status = serve_launched(ready, application)
        if status:
            raise SystemExit(int(status))

    return serve_paste


def _options(
    local_conf: Mapping[str, str], global_conf: Mapping[str, str], path: str | None
) -> Mapping[str, str]:
    """The options of the server's section, which PasteScript does not read for ``-s``.

    :param path: the INI file of PasteScript's command line, where it has a ``-s``.
    """
    if path and not local_conf:
        return server_options(path, global_conf)
    ini = global_conf.get("__file__")
    if ini is None:
        return local_conf
    options = Options()
    options.add(f"the server's section of {ini}", local_conf)
    return options


def server_runner(
    application: Application, global_conf: Mapping[str, str] | None = None, **local_conf: str
) -> None:
    """``paste.server_runner``: the same in one call, for those who have the application already."""
    server_factory(global_conf, **local_conf)(application)


def make_test_app(global_conf: Mapping[str, str], **local_conf: str) -> Application:
    """``paste.app_factory``: a page that shows the environ, for checking an installation."""
    from iiswsgi import testapp  # other applications need not wait for it

    return testapp.make_test_app(dict(global_conf), **local_conf)


def serve(application: Application, **settings: str) -> ExitStatus:
    """Serve *application* from what this process got as STDIN, or from ``listen``, to the end.

    :param settings: those of ``docs/settings.rst``, as text.
    :returns: what the process should exit with.
    :raises SettingError: a setting cannot be used, or STDIN is nothing to serve on.
    """
    return serve_launched(launch.prepare(settings, hold_signals=False), application)
