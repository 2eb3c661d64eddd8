"""Large bodies each way: how fast, and how much memory the child takes for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import peers
import report
import traffic
from child import Child
from small import GREETING

GROWTH_LIMIT = 16.0
"""Megabytes: iiswsgi's target, whatever the body's size."""


@dataclass(frozen=True)
class Direction:
    """One way for a body to go."""

    title: str
    warm_up: Callable[[Child], None]
    """A small request like the large one, so that neither start nor imports are counted."""
    carry: Callable[[Child, int], None]
    floor: Callable[[int], tuple[str, ...]]
    """What the floor has to be told, since it decodes nothing."""


def run(chosen: Sequence[peers.Peer], rounds: int, size: int, folder: Path) -> None:
    """Print speed and growth for *size* bytes each way, a fresh child each time."""
    by_name = {peer.name: peer for peer in chosen}
    for direction in DIRECTIONS:
        speed: report.Series = {peer.name: [] for peer in chosen}
        growth: report.Series = {peer.name: [] for peer in chosen}
        for name in report.interleave(list(by_name), rounds):
            mb_a_second, megabytes = _measure(by_name[name], direction, size, folder)
            speed[name].append(mb_a_second)
            growth[name].append(megabytes)
        _report(f"{direction.title} of {size / peers.MEGABYTE:g} MB", by_name, speed, growth)


def _measure(
    peer: peers.Peer, direction: Direction, size: int, folder: Path
) -> tuple[float, float]:
    """MB a second and MB of growth."""
    size = min(size, peer.body_limit or size)
    command = peer.command(*direction.floor(size)) if peer is peers.FLOOR else peer.command()
    with Child(command, peers.environment(folder), folder / f"{peer.name}.log") as child:
        direction.warm_up(child)
        child.mark_memory()
        start = perf_counter()
        direction.carry(child, size)
        taken = perf_counter() - start
        return size / peers.MEGABYTE / taken, child.memory_growth() / peers.MEGABYTE


def upload(child: Child, size: int) -> None:
    """POST *size* bytes and check that the child counted as many."""
    child.send(traffic.head(REQUEST_METHOD="POST", CONTENT_LENGTH=str(size)))
    for record in traffic.body(size):
        child.send(record)
    child.send(traffic.body_end())
    traffic.check(b"".join(traffic.reply(child)), str(size).encode())


def download(child: Child, size: int) -> None:
    """GET *size* bytes and check that as many came."""
    child.send(traffic.request(query=str(size)))
    received = 0
    head = b""
    for content in traffic.reply(child):
        if b"\r\n\r\n" not in head:
            head += content
            received = len(head.partition(b"\r\n\r\n")[2])
        else:
            received += len(content)
    if not head.startswith(b"Status: 200 ") or received != size:
        raise traffic.BadReplyError(f"{received} bytes came of {size} after {head[:200]!r}")


def _greet(child: Child) -> None:
    child.send(traffic.request())
    traffic.check(b"".join(traffic.reply(child)), GREETING)


def _upload_little(child: Child) -> None:
    upload(child, traffic.RECORD_SIZE)


DIRECTIONS = (
    Direction("Upload", _upload_little, upload, lambda _: ("count",)),
    Direction("Download", _greet, download, lambda size: ("send", str(size))),
)


def _report(
    title: str, by_name: dict[str, peers.Peer], speed: report.Series, growth: report.Series
) -> None:
    print(f"\n{title}: MB/s, then MB of peak memory growth")
    print(f"  {'':10} {'median':>9} {'min':>9} {'max':>9}   {'median':>9} {'min':>9} {'max':>9}")
    for name, peer in by_name.items():
        limit = peer.body_limit
        note = f"   (at most {limit // peers.MEGABYTE} MB)" if limit else ""
        print(f"  {name:10} {report.spread(speed[name])}   {report.spread(growth[name])}{note}")
    if "iiswsgi" in growth:
        most = max(growth["iiswsgi"])
        verdict = "reached" if most < GROWTH_LIMIT else "MISSED"
        print(f"  target: less than {GROWTH_LIMIT:g} MB of growth: at most {most:.1f}, {verdict}")
