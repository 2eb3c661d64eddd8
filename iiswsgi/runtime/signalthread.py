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
        signal.set_wakeup_fd(previous)
        _descriptor = -1
        with contextlib.suppress(OSError):
            # Closing alone ends no reading while a child that was forked off has the socket too.
            sender.shutdown(socket.SHUT_RDWR)
        sender.close()
        thread.join()


def _pass_on(receiver: socket.socket, tell: Callable[[int], object]) -> None:
    with receiver:
        while number := receiver.recv(1):
            tell(number[0])


def _after_fork_in_child() -> None:
    previous = signal.set_wakeup_fd(-1)
    if previous != _descriptor:
        signal.set_wakeup_fd(previous)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
