"""A million small requests through one process: does it grow? ``benchmarks/endurance.py``.

One line at 10,000, 100,000 and each further 100,000 requests: what is resident, how many
descriptors (on Windows: handles) and threads the process has, and how long a request took. Every
answer is checked. The exit status is 1 when the process grew between the second line and the last
by more than the pages of a noisy allocator, or by a single handle.
"""

from __future__ import annotations

import argparse
import ctypes
import struct
import sys
import sysconfig
import tempfile
from ctypes import wintypes
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(1, str(ROOT))  # so that a checkout needs no installation

import peers  # noqa: E402  iiswsgi must be found first
import traffic  # noqa: E402
from child import Child  # noqa: E402

GREETING = b"Hello from the benchmark\n"
FIRST = 10_000
STEP = 100_000
TOLERANCE = 1 << 20
"""Bytes: what an arena more or less makes. Two bytes lost a request would be nearly twice that."""


class Size(NamedTuple):
    """What the process holds."""

    resident: int
    """Bytes of memory."""
    handles: int
    """Open handles; on POSIX descriptors."""
    threads: int
    """Threads; 0 where the system does not say."""


class Watched(Child):
    """A child whose size can be asked for."""

    if sys.platform == "win32":

        def size(self) -> Size:
            return Size(self._memory().WorkingSetSize, handle_count(self._process), 0)

    else:

        def size(self) -> Size:
            descriptors, threads = (
                len(list((self._status / name).iterdir())) for name in ("fd", "task")
            )
            return Size(self._memory("VmRSS"), descriptors, threads)


def handle_count(process: int) -> int:
    """How many handles the process behind the handle *process* has open; Windows only."""
    kernel32, ntdll = ctypes.WinDLL("kernel32"), ctypes.WinDLL("ntdll")
    count = wintypes.DWORD()
    kernel32.GetProcessHandleCount(wintypes.HANDLE(process), ctypes.byref(count))
    if count.value:
        return count.value
    # Wine answers 0; but it has the list of all handles, as Windows has.
    number = kernel32.GetProcessId(wintypes.HANDLE(process))
    buffer = ctypes.create_string_buffer(1 << 22)
    if ntdll.NtQuerySystemInformation(EXTENDED_HANDLES, buffer, len(buffer), None):
        raise OSError("the system's list of handles cannot be had")
    total, _ = struct.unpack_from("@NN", buffer)
    entries = ((struct.unpack_from("@N", buffer, 16 + 40 * i + 8)[0]) for i in range(total))
    return sum(owner == number for owner in entries)


EXTENDED_HANDLES = 64
"""SystemExtendedHandleInformation: two numbers, then 40 bytes a handle, the process's id at 8."""


def main(arguments: list[str] | None = None) -> int:
    """Run as many requests as *arguments* ask for."""
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks/endurance.py")
    parser.add_argument("--requests", type=int, default=1_000_000, help="(%(default)s)")
    requests = parser.parse_args(arguments).requests
    print(f"Python {sys.version.split()[0]} on {sysconfig.get_platform()}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = peers.environment(folder)
        with Watched(peers.IISWSGI.command(), environment, folder / "stderr.log") as child:
            sizes = _run(child, requests)
    return 1 if _grew(sizes) else 0


def _run(child: Watched, requests: int) -> list[Size]:
    sizes = []
    done = 0
    print(f"{'requests':>10} {'resident KiB':>13} {'handles':>8} {'threads':>8} {'us/request':>11}")
    marks = sorted({min(FIRST, requests), *range(STEP, requests, STEP), requests})
    for mark in marks:
        start = perf_counter()
        for number in range(done, mark):
            # Ids as another server may count them; each request has a query of its own.
            child.send(traffic.request(f"n={number}", number % 65535 + 1))
            traffic.check(b"".join(traffic.reply(child)), GREETING)
        taken = (perf_counter() - start) / (mark - done) * 1e6
        done = mark
        size = child.size()
        sizes.append(size)
        threads = size.threads or "-"
        line = f"{done:>10} {size.resident >> 10:>13} {size.handles:>8} {threads:>8} {taken:>11.0f}"
        print(line, flush=True)
    return sizes


def _grew(sizes: list[Size]) -> bool:
    """Whether the last size is more than the second; the first is still warm-up."""
    before, after = sizes[min(1, len(sizes) - 1)], sizes[-1]
    return (
        after.resident - before.resident > TOLERANCE
        or after.handles > before.handles
        or after.threads > before.threads
    )


if __name__ == "__main__":
    sys.exit(main())
