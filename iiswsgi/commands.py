"""The subcommands and their command lines; argparse does the work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from iiswsgi import __version__
from iiswsgi.errors import DeployError, ExitStatus
from iiswsgi.masking import masked_line, masked_words

__all__ = ["COMMANDS", "run"]


class Command(NamedTuple):
    """A subcommand; both functions import what they need."""

    help: str
    add_arguments: Callable[[_Parser], None]
    run: Callable[[argparse.Namespace], int]


class _UsageError(Exception):
    """The command line is wrong; the text says how."""


class _Parser(argparse.ArgumentParser):
    explanation: Callable[[], str] | None = None
    """Makes the end of ``--help``, line for line; called for that alone, as it costs time."""

    def format_help(self) -> str:
        text = super().format_help()
        return f"{text}\n{self.explanation()}" if self.explanation else text

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{self.prog}: {message}\n{self.format_usage()}")


def _add_serve_arguments(parser: _Parser) -> None:
    parser.explanation = _explain_settings
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="the INI file with the application; or the application itself: module:callable, "
        "module:factory(), or a .py or .wsgi file with an 'application' (file.py:callable for any "
        "other name)",
    )
    parser.add_argument(
        "variables",
        metavar="name=value",
        nargs="*",
        default=[],  # else argparse says that one is required
        help="settings of the gateway, and variables for the INI file",
    )
    parser.add_argument(
        "-n",
        "--app-name",
        metavar="NAME",
        help="the application's section in the INI file; main by default",
    )


def _explain_settings() -> str:
    from iiswsgi.runtime.settingshelp import describe

    return f"settings:\n\n{describe()}"


def _serve(args: argparse.Namespace) -> int:
    from iiswsgi import serving

    return serving.run(args.what, args.variables, args.app_name)


def _add_host_arguments(parser: argparse.ArgumentParser) -> None:
    from iiswsgi.host import command

    command.add_arguments(parser)


def _host(args: argparse.Namespace) -> int:
    from iiswsgi.host import command

    return command.run(args)


def _add_request_arguments(parser: argparse.ArgumentParser) -> None:
    from iiswsgi.host import request

    request.add_arguments(parser)


def _request(args: argparse.Namespace) -> int:
    from iiswsgi.host import request

    return request.run(args)


def _add_log_arguments(parser: argparse.ArgumentParser) -> None:
    from iiswsgi import logcommand

    logcommand.add_arguments(parser)


def _log(args: argparse.Namespace) -> int:
    from iiswsgi import logcommand

    return logcommand.run(args)


COMMANDS = {
    "serve": Command(
        "serve an application over FastCGI; what IIS starts",
        _add_serve_arguments,
        _serve,
    ),
    "host": Command(
        "play IIS: serve a site over HTTP as its web.config says", _add_host_arguments, _host
    ),
    "request": Command(
        "play IIS for one request, and show the response, the log and the exit code",
        _add_request_arguments,
        _request,
    ),
    "log": Command(
        "find the log of a site, print its end, and follow it", _add_log_arguments, _log
    ),
}

SETUP_COMMANDS = {
    "build_msdeploy": "make Manifest.xml of Manifest.xml.in, and check Parameters.xml",
    "bdist_msdeploy": "make a Web Deploy package of the project",
    "install_msdeploy": "install the application in this folder and register it with IIS",
    "test_msdeploy": "send the installed application one request, as IIS would",
    "bdist_webpi": "make a Web Platform Installer feed of packages",
    "clean_webpi": "clear what the Web Platform Installer keeps of packages",
}
"""setuptools commands that run in the project of the current folder."""


def run(given: list[str]) -> int:
    """Run the subcommand that *given* begins with; the process's exit status."""
    if given and given[0] in SETUP_COMMANDS:
        return _run_setup(given)
    try:
        command, args = _parse(given)
    except _UsageError as error:
        _complain(f"IISWSGI-S20: {_without_secrets(str(error), given)}")
        return ExitStatus.USAGE
    return int(command.run(args))


def _run_setup(given: list[str]) -> int:
    from iiswsgi import setupcommand

    try:
        return setupcommand.run(given)
    except DeployError as error:
        _complain(str(error))
        return error.exit_status


def _parse(given: list[str]) -> tuple[Command, argparse.Namespace]:
    command = COMMANDS.get(given[0]) if given else None
    if command is None:
        _refuse(given[:1] or ["--help"])
    parser = _Parser(
        prog=f"iiswsgi {given[0]}", description=f"{command.help[:1].upper()}{command.help[1:]}."
    )
    command.add_arguments(parser)
    # Options may stand between an INI file and its variables.
    return command, parser.parse_intermixed_args(given[1:])


def _refuse(first: list[str]) -> NoReturn:
    """Say what is wrong with a first word that is no command, if it asks for nothing itself."""
    parser = _top_parser()
    parser.parse_args(first)
    parser.error("a COMMAND must come first")


def _top_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="iiswsgi", description="WSGI applications on Microsoft IIS.")
    parser.add_argument("--version", action="version", version=f"iiswsgi {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help)
    for name, text in SETUP_COMMANDS.items():
        commands.add_parser(name, help=text)
    return parser


def _without_secrets(message: str, given: list[str]) -> str:
    """What argparse says, which repeats words of the command line with blanks between them."""
    for word, shown in zip(given, masked_words(given), strict=True):
        if word.split() != [word]:
            message = message.replace(word, shown)
    return masked_line(message)


def _complain(message: str) -> None:
    """Say it on STDERR, or in the log where there is none."""
    if sys.stderr is not None:
        print(message.rstrip(), file=sys.stderr)  # noqa: T201 - a command speaks
        return
    from iiswsgi.runtime import log

    the_log = log.start()
    the_log.tell("ERROR", __name__, message)
    the_log.guard.begun()
