"""One fact, "stop after this request", and everything that can make it true.

End of input is noticed where it is read. What comes from outside the conversation arrives here:
the event whose handle IIS puts into ``_FCGI_SHUTDOWN_EVENT_``, SIGTERM, Ctrl-C and Ctrl-Break.
Whoever blocks while idle either polls :meth:`Shutdown.fileno` or registers a waker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from iiswsgi.runtime import haste, signalthread

__all__ = ["Shutdown"]

log = logging.getLogger(__name__)

_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")


class Shutdown:
    """Says whether the process is to stop after the running request, and why."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._wakers: list[Callable[[], None]] = []
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self.requested = False
        self.reason = ""
        self.left_loading = False
        """Whether a signal ended the loading of the application."""
        self._held = self._served = False
        self._leaves_loading = True

    def request(self, reason: str) -> None:
        """Stop after this request; safe in any thread and in a signal handler.

        Later calls add nothing. It does not log: a signal handler may interrupt the very thread
        that holds the log.
        """
        with self._lock:
            if self.requested:
                return
            self.reason = reason
            self.requested = True
            haste.hurry()
            if self._sockets is not None:
                _end(self._sockets[1])
            wakers = list(self._wakers)
        for waker in wakers:
            waker()

    def fileno(self) -> int:
        """A socket to poll for reading: readable, for everybody and for ever, once requested."""
        with self._lock:
            if self._sockets is None:
                self._sockets = socket.socketpair()
                if self.requested:
                    _end(self._sockets[1])
            return self._sockets[0].fileno()

    def add_waker(self, waker: Callable[[], None]) -> None:
        """Call *waker* once when a stop is requested, at once when it already is.

        It is for those who block in something that cannot be polled together with a socket.
        """
        with self._lock:
            self._wakers.append(waker)
            requested = self.requested
        if requested:
            waker()

    def close(self) -> None:
        """Give the polled sockets back; nothing may be idle any more."""
        with self._lock:
            for end in self._sockets or ():
                end.close()

    def hold_signals(self) -> None:
        """Let SIGTERM, Ctrl-C and Ctrl-Break wait for :meth:`own_signals`.

        The process is being made ready: what it has made, a Unix socket say, must not stay behind.
        """
        _handle(self._on_signal_held)

    def own_signals(self, *, request_waits: bool = False) -> None:
        """Take SIGTERM, Ctrl-C and Ctrl-Break for the rest of the process.

        Until the application is served they end its loading by SystemExit, so that exit hooks run.
        The hooks, after all was served, are interrupted by Ctrl-C alone.

        :param request_waits: the process was started for a request, on its one connection; then the
            loading goes on, and the request is served first.
        :raises SystemExit: one has come since :meth:`hold_signals`.
        """
        self._leaves_loading = not request_waits
        _handle(self._on_signal_outside)
        if self._held and not request_waits:
            self.left_loading = True
            raise SystemExit(0)

    def _on_signal_held(self, number: int, _frame: FrameType | None) -> None:
        self._held = True
        self.request(signal.Signals(number).name)

    def _on_signal_outside(self, number: int, frame: FrameType | None) -> None:
        """A signal before or after the application is served."""
        if not self._served and not self.requested:
            self.request(signal.Signals(number).name)
            if self._leaves_loading:
                self.left_loading = True
                raise SystemExit(0)
        elif number == signal.SIGINT:
            signal.default_int_handler(number, frame)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Within the block SIGTERM, Ctrl-C and Ctrl-Break ask for the end instead of causing it.

        A second Ctrl-C interrupts as usual. Outside the main thread, where Python handles no
        signals, the block changes nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._on_signal) for number in _numbers()}
        try:
            with signalthread.heard(self._hear_signal):
                yield
        finally:
            haste.hurry()
            self._served = True
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.request(signal.Signals(number).name)
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)

    def _hear_signal(self, number: int) -> None:
        """Heed a signal whose handler may have to wait, unless the application took it over."""
        if signal.getsignal(number) == self._on_signal:
            self.request(signal.Signals(number).name)

    def watch_event(self, handle: int) -> bool:
        """Watch IIS's shutdown event (``signalBeforeTerminateSeconds``); Windows only.

        :param handle: the number from ``_FCGI_SHUTDOWN_EVENT_``, a handle of this process.
        :returns: False when the number is stale, that is, inherited from some other process.
        """
        if sys.platform != "win32":
            return False
        import _winapi

        try:
            state = _winapi.WaitForSingleObject(handle, 0)
        except OSError:
            return False

        def wait() -> None:
            # One successful wait means stop: nothing is known of the event's reset mode.
            with contextlib.suppress(OSError):
                _winapi.WaitForSingleObject(handle, _winapi.INFINITE)
                self.request("the shutdown event")

        if state == _winapi.WAIT_OBJECT_0:
            self.request("the shutdown event")
        else:
            threading.Thread(target=wait, name="iiswsgi-shutdown", daemon=True).start()
        return True


def _end(sock: socket.socket) -> None:
    """Let the other end know; closing alone does not while a child that was forked off has it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set the handler of all of them; outside the main thread Python allows none."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers():
            signal.signal(number, handler)


def _numbers() -> list[signal.Signals]:
    """The signals that this system has."""
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


if sys.platform != "win32":
    _masks: dict[int, set[signal.Signals | int]] = {}
    """By thread: the signals that were blocked before the fork that it is about."""

    def _before_fork() -> None:
        # One that comes before the child has handlers of its own would be taken by ours, and lost.
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _numbers())

    def _after_fork() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop(threading.get_ident()))

    def _after_fork_in_child() -> None:
        """A child that an application forks off ends as Python programs do, when it is told to."""
        for number in _numbers():
            if isinstance(getattr(signal.getsignal(number), "__self__", None), Shutdown):
                default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, default)
        _after_fork()

    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
