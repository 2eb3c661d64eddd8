"""From starting the process to its first whole response."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import peers
import report
import traffic
from child import Child
from small import GREETING

MILLISECONDS = 1e3
TARGETS = (report.Target("paster", 0.5),)


def run(chosen: Sequence[peers.Peer], rounds: int, folder: Path) -> None:
    """Print the table; one start before the rounds warms the file cache and compiles modules."""
    by_name = {peer.name: peer for peer in chosen}

    def measure(name: str) -> float:
        return _start(by_name[name], folder)

    for name in by_name:
        measure(name)
    series = report.collect(list(by_name), rounds, measure)
    report.table(f"Start to first response, ms: {rounds} rounds", series, TARGETS)


def _start(peer: peers.Peer, folder: Path) -> float:
    start = perf_counter()
    with Child(peer.command(), peers.environment(folder), folder / f"{peer.name}.log") as child:
        child.send(traffic.request())
        response = b"".join(traffic.reply(child))
        taken = perf_counter() - start
        traffic.check(response, GREETING)
    return taken * MILLISECONDS
