"""``iiswsgi host``: its arguments, start and end; and what it shares with ``iiswsgi request``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.host.application import is_loopback
from iiswsgi.host.definition import Definition, load, with_registration
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.launch import plan
from iiswsgi.host.site import Site
from iiswsgi.iis.config import FastCgiApplication

__all__ = [
    "add_arguments",
    "add_site_arguments",
    "heeding_signals",
    "opened",
    "opened_site",
    "run",
    "start_logging",
]

log = logging.getLogger(__name__)

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``iiswsgi host``."""
    add_site_arguments(parser)
    parser.add_argument(
        "--bind",
        default="127.0.0.1:8080",
        metavar="HOST:PORT",
        help="where to listen; only this machine can connect by default (%(default)s)",
    )


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is served."""
    parser.add_argument(
        "site",
        metavar="SITE",
        type=Path,
        help="the site's folder, or its web.config; a web.config.in is filled in on the fly",
    )
    parser.add_argument(
        "--apphost",
        type=Path,
        metavar="FILE",
        help="an applicationHost.config with <fastCgi>; IIS itself reads that section only there",
    )
    parser.add_argument(
        "--virtual-path",
        default="",
        metavar="/PATH",
        help="serve the application below this path, as IIS does for one that is not a site's root",
    )
    parser.add_argument(
        "--log-folder",
        type=Path,
        metavar="FOLDER",
        help="where the workers' log goes and stays; by default a folder that goes at the end",
    )
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="say less; -qq: errors")


def run(args: argparse.Namespace) -> int:
    """Serve a site over HTTP until Ctrl-C or a signal asks for the end."""
    start_logging(2 + args.verbose - args.quiet)
    try:
        from iiswsgi.host import http
    except ModuleNotFoundError as exc:
        if exc.name != "waitress":
            raise
        log.error(
            "IISWSGI-H30: `iiswsgi host` needs waitress, which is not installed; install it with: "
            '%s -m pip install "iiswsgi[host]"',
            sys.executable,
        )
        return ExitStatus.USAGE
    try:
        with (
            heeding_signals() as steps,
            http.listen(args.bind) as listener,
            opened_site(args) as site,
        ):
            server = http.Server(site, listener)
            steps += [server.stop, site.kill]
            _say_what_is_served(site, *listener.getsockname()[:2])
            server.run()
            log.info("stopping")
            site.close()
            server.close()
    except Error as exc:
        log.error("%s", exc)
        return exc.exit_status
    return ExitStatus.OK


@contextlib.contextmanager
def opened_site(args: argparse.Namespace, *, patience: float = 0) -> Iterator[Site]:
    """Give the site that the arguments name; afterwards no worker is left.

    :param patience: seconds that a worker gets at least to leave by itself.
    :raises SettingError: H31 or H38, an argument.
    :raises ConfigError: the site's files.
    """
    definition = load(args.site, os.environ, args.apphost)
    if args.apphost is None:
        definition = with_registration(definition)
    virtual_path = _virtual_path(args.virtual_path)
    with (
        _log_folder(args.log_folder) as folder,
        opened(definition, folder, virtual_path, patience) as site,
    ):
        yield site


@contextlib.contextmanager
def opened(
    definition: Definition, log_folder: Path, virtual_path: str = "", patience: float = 0
) -> Iterator[Site]:
    """Give the site of a definition; afterwards no worker is left.

    :raises ConfigError: C05, a handler names no FastCGI application.
    """
    site = Site(_patient(definition, patience), log_folder=log_folder, virtual_path=virtual_path)
    site.check()
    try:
        yield site
    finally:
        site.close()


def _patient(definition: Definition, seconds: float) -> Definition:
    applications = tuple(
        replace(
            application,
            signal_before_terminate_seconds=max(
                application.signal_before_terminate_seconds, seconds
            ),
        )
        for application in definition.config.fastcgi_applications
    )
    config = replace(definition.config, fastcgi_applications=applications)
    return replace(definition, config=config)


def start_logging(verbosity: int) -> None:
    """Log to STDERR: 0 errors, 1 warnings, 2 what happens, 3 everything."""
    level = _LEVELS[max(0, min(verbosity, len(_LEVELS) - 1))]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("iiswsgi").setLevel(level)
    # "Task queue depth is N" has no code and no cure: the site's pages and log tell what waits.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


@contextlib.contextmanager
def _log_folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        try:
            folder = Path(os.path.abspath(chosen))
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise SettingError("H38", f"--log-folder {chosen}: {exc.strerror}") from exc
        yield folder
        return
    # Named before it is made, which mkdtemp cannot: a signal may come in between.
    folder = Path(os.path.abspath(tempfile.gettempdir()), f"iiswsgi-host-{os.urandom(8).hex()}")
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:  # a signal in its midst, and no second one raises
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _virtual_path(text: str) -> str:
    path = text.rstrip("/")
    if path and not re.fullmatch(r"(/[^/\\?#%\x00-\x1f]+)+", path):
        raise SettingError("H38", f"--virtual-path {text!r} is not of the form /app or /app/sub")
    return path


def _in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _say_what_is_served(site: Site, host: str, port: int) -> None:
    if not is_loopback(host):
        log.warning(
            "IISWSGI-H40: listening on %s, so other machines can reach this site; the stand-in is "
            "made for development",
            host,
        )
    url = f"http://{_in_url(host)}:{port}{site.place.virtual_path}/"
    log.info("%s serves %s", url, site.definition.folder)
    path = site.definition.config.path
    log.info("configured by %s, workers begin their log in %s", path, site.log_file)
    for application in _used_applications(site.definition):
        _say_what_is_started(site, application)


def _say_what_is_started(site: Site, application: FastCgiApplication) -> None:
    folder = site.definition.folder
    try:
        launch = plan(application, site_folder=folder, log_folder=site.log_folder, modes=site.modes)
    except WorkerFailure as failure:
        log.warning("%s", failure)
    else:
        log.info("worker: %s", launch.shown)


def _used_applications(definition: Definition) -> list[FastCgiApplication]:
    """Return the applications that some handler names."""
    named = {handler.script_processor for handler in definition.config.handlers}
    return [
        application
        for application in definition.config.fastcgi_applications
        if f"{application.full_path}|{application.arguments}" in named
    ]


@contextlib.contextmanager
def heeding_signals() -> Iterator[list[Callable[[], None]]]:
    """Let each signal take the next of the steps that are put on the list, the last one over again.

    While a step runs, further signals do nothing: it may hold locks that it would wait for. Without
    a step the first signal raises SystemExit, and later ones do nothing. So the context managers
    inside are left in any case, however often somebody presses Ctrl-C, and nothing is left behind.

    Once a signal has come the process is to end, so that all are ignored from the end of the block
    on: the default would end a process that is leaving, with another exit status.
    """
    steps: list[Callable[[], None]] = []
    came = stepping = False

    def heed(number: int, _frame: FrameType | None) -> None:
        nonlocal came, stepping
        first, came = not came, True
        if stepping:
            return
        if steps:
            stepping = True
            try:
                step = steps.pop(0) if len(steps) > 1 else steps[0]
                step()
            finally:
                stepping = False
        elif first:
            sys.exit(128 + number)

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, heed) for number in numbers}
    try:
        yield steps
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if came else handler)
