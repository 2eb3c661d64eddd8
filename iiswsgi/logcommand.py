"""``iiswsgi log``: find the log in use, print its end, and follow it."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator

from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.logsearch import find
from iiswsgi.runtime import lastwords, logtext
from iiswsgi.runtime.tail import Tail

__all__ = ["add_arguments", "run"]

LINES = 50
"""How many lines are printed: a traceback, and what led to it."""

POLL_SECONDS = 0.25
"""Pause between looks at a log that is followed: no pause to a person, and no load."""

UNSAID_SECONDS = 2.0
"""Between looks for processes that ended without a word."""

_READER_LEFT = (errno.EPIPE, errno.EINVAL)
"""Whoever read it has enough, as ``| head`` has; the second is what Windows says then."""


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
            return _show(_read(tail, args.lines, args.follow))
    except Error as error:
        _say(str(error))
        return error.exit_status


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
        raise _unreadable(path, error) from error
    with contextlib.closing(tail):
        yield tail


def _read(tail: Tail, lines: int, follow: bool) -> Iterator[bytes]:
    """The last lines; what comes then, if that is wanted.

    :raises SettingError: L10, the log cannot be read any more.
    """
    try:
        yield tail.last(lines)
        for path, error in tail.unreadable.items():
            _say(f"IISWSGI-L13: the lines of {path} are missing: {error.strerror or error}.")
        unsaid = Unsaid(tail.path)
        unsaid.look()
        while follow:
            yield tail.new()
            unsaid.look()
            time.sleep(POLL_SECONDS)
    except OSError as error:
        raise _unreadable(tail.path, error) from error


class Unsaid:
    """What processes of the log at *path* could not say, as long as no other process has."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._said: set[str] = set()
        self._next = 0.0

    def look(self) -> None:
        """Say it, once each; now and then, however often this is called."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + UNSAID_SECONDS
        try:
            sentences = [
                f"{sentence}; the next process will say so in the log (IISWSGI-L14)"
                for sentence in lastwords.unsaid(self._path)
            ]
        except OSError as error:
            sentences = [f"whether a process ended without a word is not to be seen: {error}"]
        for sentence in sentences:
            if sentence not in self._said:
                self._said.add(sentence)
                _say(sentence)


def _unreadable(path: str, error: OSError) -> SettingError:
    return SettingError(
        "L10",
        f"the log {path} cannot be read: {error.strerror or error}. It belongs to the web "
        "server's account; try again as an administrator.",
    )


def _show(pieces: Iterable[bytes]) -> ExitStatus:
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    try:
        for data in pieces:
            _print(decoder.decode(data))
    except OSError as error:
        return _not_printed(error)
    return ExitStatus.OK


def _not_printed(error: OSError) -> ExitStatus:
    """End without STDOUT; what it still holds must not fail again when Python ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if error.errno in _READER_LEFT:
        return ExitStatus.OK
    _say(f"IISWSGI-L12: the log cannot be printed: {error.strerror or error}.")
    return ExitStatus.FAILED


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines")
    return int(text)


def _print(text: str) -> None:
    """Print some of the log; what programs wrote into the log must not command the terminal.

    :raises OSError: STDOUT takes nothing.
    """
    if sys.stdout is None:
        raise OSError("there is no STDOUT")
    text = text.replace("\r\n", "\n")
    shown = "\n".join(map(logtext.escape, text.split("\n")))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _say(sentence: str) -> None:
    if sys.stderr is None:  # else print would take STDOUT
        return
    with contextlib.suppress(OSError):
        print(logtext.escape(sentence), file=sys.stderr, flush=True)  # noqa: T201 - a command speaks
