"""A transport whose request gives its slot up while it waits for the peer.

On sockets only so many requests run at once (the setting ``threads``). One that waits for the rest
of its body, or for a peer that takes its response slowly, does not run: a few that stall must not
keep the slots from all others until they are timed out.
"""

from __future__ import annotations

import threading
from types import TracebackType

from iiswsgi.fastcgi.transport.base import Transport

__all__ = ["SlottedTransport"]


class SlottedTransport:
    """*transport*, and as a context manager one of *slots*: held within the block, save in waits.

    For one thread, as the transport itself.

    :param shares: False holds the slot in waits too, for applications that take one call at a time.
    """

    def __init__(
        self, transport: Transport, slots: threading.Semaphore, *, shares: bool = True
    ) -> None:
        self.name = transport.name
        self.answers_management = transport.answers_management
        self.shows_break = transport.shows_break
        self.receive_idle = transport.receive_idle
        self.has_data = transport.has_data
        self.close = transport.close
        self._transport = transport
        self._slots = slots
        self._shares = shares
        self._held = False

    def __enter__(self) -> SlottedTransport:
        self._slots.acquire()
        self._held = self._shares
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held = False
        self._slots.release()

    def receive(self) -> bytes:
        """See :class:`Transport`."""
        if not self._held:
            return self._transport.receive()
        self._slots.release()
        try:
            return self._transport.receive()
        finally:
            self._slots.acquire()

    def send(self, data: bytes) -> None:
        """See :class:`Transport`."""
        if not self._held:
            self._transport.send(data)
            return
        self._slots.release()
        try:
            self._transport.send(data)
        finally:
            self._slots.acquire()
