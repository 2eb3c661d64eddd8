"""Hearing a signal though the main thread, where Python runs the handlers, is blocked.

On Windows no signal interrupts a read. On POSIX the system may hand it to any thread (seen on Linux
when another one ran while the main thread slept in poll), and then it interrupts nothing there. The
C part of Python's handling writes the signal's number to a socket straight away, wherever it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

__all__ = ["heard"]

_descriptor = -1
"""Where this process writes the numbers; the children it forks must not."""


@contextlib.contextmanager
def heard(tell: Callable[[int], object]) -> Iterator[None]:
    """Within the block a thread passes the number of each signal that has a handler to *tell*.

    The handler itself runs as ever, as soon as the main thread does. For the main thread only.
    """
    global _descriptor
    receiver, sender = socket.socketpair()
    receiver.settimeout(None)  # whatever default the application has set for its sockets
    sender.setblocking(False)
    _descriptor = sender.fileno()
    previous = signal.set_wakeup_fd(_descriptor, warn_on_full_buffer=False)
    thread = threading.Thread(
        target=_pass_on, args=(receiver, tell), name="iiswsgi-signals", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        _restore(previous)
        # A child that was forked off and comes here has no such thread, and only a copy of the
        # socket: to shut that down would end its parent's thread.
        is_ours, _descriptor = _descriptor == sender.fileno(), -1
        if is_ours:
            # Closing alone ends no reading while such a child has the socket too.
            with contextlib.suppress(OSError):
                sender.shutdown(socket.SHUT_RDWR)
        sender.close()
        if is_ours:
            thread.join()


def _restore(previous: int) -> None:
    """Give the numbers to whoever had them before, unless the application has set another."""
    current = signal.set_wakeup_fd(-1)
    wanted = previous if current == _descriptor else current
    with contextlib.suppress(OSError, ValueError):  # closed since, as an event loop can be
        signal.set_wakeup_fd(wanted, warn_on_full_buffer=False)


def _pass_on(receiver: socket.socket, tell: Callable[[int], object]) -> None:
    with receiver:
        while number := receiver.recv(1):
            tell(number[0])


def _after_fork_in_child() -> None:
    global _descriptor
    _restore(-1)
    _descriptor = -1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
