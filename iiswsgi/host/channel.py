"""The host's end of a worker's connection, and the worker's process, whatever the system."""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["Channel", "ChannelBroken", "Process", "Progress"]


class ChannelBroken(Exception):
    """A write failed because the worker's end is closed."""


class Progress(NamedTuple):
    """What one turn of :meth:`Channel.pump` did."""

    written: int
    received: bytes | None
    """None: nothing came. b"": a read completed with no bytes, which a Windows pipe shows for a
    zero-byte write; the end of the stream is :attr:`Channel.ended`."""


class Channel(Protocol):
    """A duplex stream that is written and read at once, by one thread."""

    ended: bool
    """The worker's end is closed and everything it sent has been received."""

    def pump(self, outgoing: bytes, read: bool, timeout: float) -> Progress:
        """Write some of *outgoing* and, if *read*, take what has come; back on the first progress.

        A write may stay in flight over several calls: until it is reported as written, the next
        call passes the same bytes.

        :param timeout: seconds to wait for progress; 0 looks only.
        :raises ChannelBroken: nothing more can be written.
        """
        ...

    def drained(self, timeout: float) -> bool:
        """Wait until the worker has read everything; False when it has not in *timeout* seconds."""
        ...

    def close(self) -> None:
        """Close this end; a second call does nothing."""
        ...


class Process(Protocol):
    """A started worker process."""

    pid: int
    notice: float
    """Seconds that one which has reason to leave gets for it before it is asked (again): where
    the asking would take the place of its own exit code."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs; negative for a POSIX signal."""
        ...

    def wait(self, timeout: float) -> int | None:
        """As :meth:`poll`, after at most *timeout* seconds."""
        ...

    def ask_to_stop(self) -> None:
        """The shutdown event on Windows, SIGTERM on POSIX."""
        ...

    def kill(self) -> None:
        """End it and what it started, without notice; nothing if it has ended."""
        ...

    def close(self) -> None:
        """Give back what belongs to the process; it must have ended."""
        ...
