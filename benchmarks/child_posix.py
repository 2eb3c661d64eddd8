"""A child whose STDIN is one end of a socket pair, as the stand-in does it where IIS is not."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

RECEIVE_SIZE = 256 * 1024
GRACE = 10.0
"""Seconds a child has to notice the end of its input."""


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process and the children it starts on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Child:
    """Start *command*; the object is the driver's end of the stream.

    :param log: the file that takes the child's STDERR.
    """

    HAS_CPU_CLOCK = True

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs, log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
            )
        self._status = Path(f"/proc/{self._process.pid}")
        self._before = 0

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Write all of *data*; that a child has gone shows when its answer is read."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def receive(self) -> bytes:
        """Read what is there, at least one byte; b"" at the end of the stream."""
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except ConnectionResetError:  # it left without having read everything
            return b""

    def cpu_seconds(self) -> float:
        """User and system time of all the child's threads so far, in nanosecond steps."""
        # What clock_getcpuclockid(3) computes; Python has no name for it.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def mark_memory(self) -> None:
        """Count growth from what is resident now."""
        (self._status / "clear_refs").write_text("5", encoding="ascii")
        self._before = self._memory("VmRSS")

    def memory_growth(self) -> int:
        """Bytes between the mark and the highest residence since."""
        return max(0, self._memory("VmHWM") - self._before)

    def _memory(self, name: str) -> int:
        status = (self._status / "status").read_text(encoding="utf-8")
        match = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
        if match is None:
            raise RuntimeError(f"no {name} in {self._status}/status")
        return int(match[1]) * 1024

    def close(self) -> None:
        """Close the stream, which ends the child, or else end it."""
        self._socket.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
