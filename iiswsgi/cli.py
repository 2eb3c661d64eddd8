"""The ``iiswsgi`` command: a thin layer that finds the subcommand and imports nothing else.

IIS starts ``python -m iiswsgi serve`` for every process, so what the other subcommands need must
not cost it time; and without STDOUT and STDERR, so that a mistake must go to the log.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

INTERRUPTED = 130
"""What shells take for "ended by Ctrl-C"."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit status.

    :param arguments: those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if _is_plain_serve(given):
            from iiswsgi import serving

            return serving.run(given[1], given[2:])
        from iiswsgi import commands

        return commands.run(given)
    except KeyboardInterrupt:
        return INTERRUPTED


def _is_plain_serve(given: list[str]) -> bool:
    """Whether this is what IIS starts: something to serve and its settings, but no option.

    There is nothing to be parsed then, and argparse alone takes some milliseconds of a start.
    """
    return given[:1] == ["serve"] and len(given) > 1 and not any(a[:1] == "-" for a in given)
