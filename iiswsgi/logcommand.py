"""``iiswsgi log``: find the log in use, print its end, and follow it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.logsearch import find
from iiswsgi.runtime import logtext
from iiswsgi.runtime.tail import Tail

__all__ = ["add_arguments", "run"]

LINES = 50
"""How many lines are printed: a traceback, and what led to it."""

POLL_SECONDS = 0.25
"""Pause between looks at a log that is followed: no pause to a person, and no load."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``iiswsgi log``."""
    parser.add_argument(
        "site",
        metavar="SITE",
        nargs="?",
        help="the site's folder, its web.config, an INI file, or the log itself; by default the "
        "current folder's site, or whatever log of this machine was written to last",
    )
    parser.add_argument(
        "-n",
        "--lines",
        metavar="COUNT",
        type=_count,
        default=LINES,
        help="how many lines are printed, the last ones (%(default)s)",
    )
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on printing what is written, until Ctrl-C; rotation is followed",
    )


def run(args: argparse.Namespace) -> int:
    """Print the log; the process's exit status."""
    try:
        with _opened(args.site) as tail:
            _print(tail.last(args.lines))
            while args.follow:
                _print(tail.new())
                time.sleep(POLL_SECONDS)
    except Error as error:
        _say(str(error))
        return error.exit_status
    except BrokenPipeError:  # whoever read it has enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return ExitStatus.OK


@contextlib.contextmanager
def _opened(site: str | None) -> Iterator[Tail]:
    found = find(site)
    path, *others = found.logs
    for remark in found.remarks:
        _say(remark)
    if others:
        _say(f"there are others: {', '.join(others)}")
    _say(f"==> {path} <==")
    try:
        tail = Tail(path)
    except OSError as error:
        raise SettingError(
            "L10",
            f"the log {path} cannot be read: {error.strerror or error}. It belongs to the web "
            "server's account; try again as an administrator.",
        ) from error
    with contextlib.closing(tail):
        yield tail


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)


def _print(data: bytes) -> None:
    """Print whole lines; what programs wrote into the log must not command the terminal."""
    text = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    shown = "\n".join(map(logtext.escape, text.split("\n")))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _say(sentence: str) -> None:
    print(logtext.escape(sentence), file=sys.stderr, flush=True)  # noqa: T201 - a command speaks
