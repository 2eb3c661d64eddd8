"""Small requests, one after the other on a kept connection: the child's CPU and the latency."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import peers
import report
import traffic
from child import Child, one_core

GREETING = b"Hello from the benchmark\n"
WARM_UP = 300
"""Requests before the first round: imports, caches and the specialising interpreter settle."""

MICROSECONDS = 1e6

CPU_TARGETS = (report.Target("flup", 0.6), report.Target("floor", 3.0))
LATENCY_TARGETS = (
    (report.Target("wfastcgi", 0.75), report.Target("floor", 1.3))
    if sys.platform == "win32"
    else ()
)


def run(
    chosen: Sequence[peers.Peer], rounds: int, requests: int, folder: Path, *, spread: bool
) -> None:
    """Print both tables; *requests* a round and peer.

    Driver and child never work at the same time. On two cores each hand-over wakes an idle one,
    which on a virtual machine costs more than the request and is charged now to one, now to the
    other; so they share a core unless *spread*.
    """
    cpu: report.Series = {peer.name: [] for peer in chosen}
    latency: report.Series = {peer.name: [] for peer in chosen}
    with ExitStack() as stack:
        if not spread:
            stack.enter_context(one_core())
        children: dict[str, Child] = {}
        for peer in chosen:
            log = folder / f"{peer.name}.log"
            child = Child(peer.command(), peers.environment(folder), log)
            children[peer.name] = stack.enter_context(child)
            _round(child, WARM_UP)
        for name in report.interleave(list(children), rounds):
            child = children[name]
            before = child.cpu_seconds()
            latency[name].append(_round(child, requests))
            cpu[name].append((child.cpu_seconds() - before) / requests * MICROSECONDS)
    size = round(mean(map(len, traffic.requests())))
    rest = f"{rounds} rounds of {requests} requests of some {size} bytes"
    if Child.HAS_CPU_CLOCK:
        report.table(f"CPU of the child, us a small request: {rest}", cpu, CPU_TARGETS)
    report.table(f"Latency, us a small request: {rest}", latency, LATENCY_TARGETS)


def _round(child: Child, requests: int) -> float:
    """The median latency in microseconds; every answer is checked, outside the time taken."""
    taken = []
    for request in islice(cycle(traffic.requests()), requests):
        start = perf_counter()
        child.send(request)
        response = b"".join(traffic.reply(child))
        taken.append(perf_counter() - start)
        traffic.check(response, GREETING)
    return median(taken) * MICROSECONDS
