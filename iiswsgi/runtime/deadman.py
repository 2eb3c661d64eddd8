"""Stacks of a process in which no Python code runs any more, by the C code of :mod:`faulthandler`.

C code that does not let go of the interpreter's lock, such as a regular expression that never comes
to an end, stops all threads of Python's, our watchdog too. So the watchdog says again and again
that it is alive; when it does not, a thread of faulthandler's own writes all stacks. A process has
one such timer, so that none of the application's own is left.
"""

from __future__ import annotations

import faulthandler
import os

__all__ = ["END_SECONDS", "end_within", "expect", "expect_end", "install", "relax"]

END_SECONDS = 20.0
"""How long exit hooks and threads that keep the process may take without a report: IIS, once it has
asked for the end, waits for thirty seconds (signalBeforeTerminateSeconds) or as it is told."""

_fd: int | None = None
_held = False
"""Whether the timer is not to be set: the process forks, or ends."""


def install(fd: int) -> None:
    """Write stacks to *fd* from now on, those of a crash too."""
    global _fd
    _fd = fd
    faulthandler.enable(fd)


def expect(seconds: float) -> None:
    """Write all stacks unless this is called again within *seconds*, or :func:`relax`."""
    if _fd is not None and not _held:
        faulthandler.dump_traceback_later(seconds, file=_fd)


def relax() -> None:
    """Expect nothing any more."""
    if not _held:
        faulthandler.cancel_dump_traceback_later()


def expect_end(limit: float) -> None:
    """Write all stacks unless the process ends soon: within *limit* seconds, 20 at most.

    :param limit: 0 for never.
    """
    if limit:
        expect(min(limit, END_SECONDS))


def end_within(seconds: float) -> None:
    """Write all stacks and end the process, if it does not within *seconds*."""
    global _held
    if _fd is not None:
        _held = True
        faulthandler.dump_traceback_later(seconds, file=_fd, exit=True)


def _before_fork() -> None:
    """Stop the timer: faulthandler of a child would wait for its thread, which is the parent's."""
    global _held
    _held = True
    faulthandler.cancel_dump_traceback_later()


def _after_fork() -> None:
    global _held
    _held = False


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )
