"""``iiswsgi_install``: what Web Deploy starts on the server once an application is unpacked.

Finds the application's folder, makes a virtual environment there if asked to, and runs the
project's setup commands with it. Everything is said on STDOUT, which is what Web Deploy keeps; the
exit status is 0 or not, as ``successReturnCodes="0x0"`` wants it. The same as
``python -m iiswsgi.deploy.bootstrap``.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from iiswsgi import __version__, process
from iiswsgi.deploy import pipsettings
from iiswsgi.deploy.environment import MODULES, install_tools, make_environment
from iiswsgi.deploy.locate import VARIABLE, locate, remove_stamp
from iiswsgi.deploy.project import STAMP
from iiswsgi.errors import Error, ExitStatus, InstallError
from iiswsgi.iis.appcmd import find

__all__ = ["main"]

# By name: this module may be __main__, and what that logs would be taken for somebody else's.
log = logging.getLogger("iiswsgi.deploy.bootstrap")

COMMANDS = ("install_msdeploy", "test_msdeploy")
"""What is run when no commands are given."""

SECONDS = 7200.0
"""For the setup commands, pip among them; Web Deploy usually gives up long before."""

INTERRUPTED = 130
"""What shells take for "ended by Ctrl-C"."""

MISLEADING = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__", *pipsettings.VARIABLES)
"""Variables that tell a Python where its modules are, which an environment knows by itself, or pip
where else to put them."""

WITHOUT_SETUP = "import setuptools; setuptools.setup()"
"""What setup.py would be in a project that has only a pyproject.toml."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the application; the exit status.

    :param arguments: those of the process by default.
    """
    options, commands = _parse(sys.argv[1:] if arguments is None else arguments)
    _start_logging(options.verbose)
    try:
        folder = _install(options, commands, os.environ)
    except Error as error:
        log.error("%s (Until it is installed, nothing is served by this application.)", error)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    log.info("%s is installed", folder)
    return ExitStatus.OK


def _install(options: argparse.Namespace, commands: list[str], environ: Mapping[str, str]) -> Path:
    log.info("iiswsgi_install %s on Python %s (%s)", __version__, *_python())
    folder = locate(
        environ,
        find(environ),
        path=options.path,
        app_name=options.app_name,
        need_stamp=not options.ignore_stamp,
    )
    remove_stamp(folder)
    try:
        _run(folder, options.virtualenv, commands, _child_environment(environ, folder))
    finally:
        # Where the stamp's template is, as in a checkout, pip's build has made another one.
        remove_stamp(folder)
    return folder


def _run(folder: Path, virtualenv: str | None, commands: list[str], env: Mapping[str, str]) -> None:
    """Run the setup commands, in an environment of the folder's own if one is asked for."""
    python = sys.executable
    if virtualenv:
        python = make_environment(folder, virtualenv, env)
    with pipsettings.pip_environment(python, env) as pip_env:
        if virtualenv:
            install_tools(python, folder, pip_env)
        command = [python, *_setup(folder), *(commands or COMMANDS)]
        process.run(command, timeout=SECONDS, cwd=folder, env=pip_env)


def _setup(folder: Path) -> tuple[str, ...]:
    """How Python runs the setup commands of the project in *folder*."""
    if (folder / "setup.py").is_file():
        return ("setup.py",)
    if any((folder / name).is_file() for name in ("pyproject.toml", "setup.cfg")):
        return ("-c", WITHOUT_SETUP)
    raise InstallError(
        "I36", f"{folder} has no setup.py, pyproject.toml or setup.cfg; it is no Python project"
    )


def _child_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What the setup commands get: ours, the folder's name, and output that is readable at once.

    The folder's name is how a project's own code learns it; that much is the contract. Modules
    that PYTHONPATH brings in would pass for installed, and be missing when IIS starts a process;
    and so would those that pip puts elsewhere.
    """
    return {
        **{name: value for name, value in environ.items() if name.upper() not in MISLEADING},
        VARIABLE: str(folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
    }


def _python() -> tuple[str, str]:
    return sys.version.partition(" ")[0], sys.executable


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    options = _parser().parse_args(arguments)
    commands: list[str] = options.commands
    how = options.virtualenv
    if how and how not in MODULES and not how.lower().endswith(".py"):
        # `-e install_msdeploy`: no script but the first of the commands.
        options.virtualenv = MODULES[0]
        commands.insert(0, how)
    return options, commands


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="iiswsgi_install",
        usage="%(prog)s [options] [setup command [its options] ...]",
        allow_abbrev=False,
        description="Install an application that Web Deploy has unpacked: find its folder and run "
        f"the setup commands there, {' '.join(COMMANDS)} unless others are given.",
        epilog=f"The folder is that of --path, else of the variable {VARIABLE}, else the one "
        f"virtual directory of IIS that holds a file {STAMP}.",
    )
    parser.add_argument("--path", type=Path, metavar="FOLDER", help="the application's folder")
    parser.add_argument(
        "-a",
        "--app-name",
        default="",
        metavar="NAME",
        help="look only at sites, applications and folders of this name, digits at its end aside",
    )
    parser.add_argument(
        "-i",
        "--ignore-stamp",
        action="store_true",
        help=f"install also where there is no {STAMP}: again, once an error is cured",
    )
    parser.add_argument(
        "-e",
        "--virtualenv",
        nargs="?",
        const=MODULES[0],
        metavar="BOOTSTRAP",
        help="make a virtual environment in the folder and install into it; BOOTSTRAP is venv "
        "(the default), virtualenv, or a script *.py that is called with the folder",
    )
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    parser.add_argument("commands", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _start_logging(verbosity: int) -> None:
    """Log to STDOUT; a letter that its encoding lacks must not end an installation."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("iiswsgi").setLevel(logging.DEBUG if verbosity else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
