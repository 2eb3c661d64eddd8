"""Measure iiswsgi beside its peers: ``python benchmarks/run.py [small] [bodies] [start]``.

Peers and floor run in one go and turn by turn, so that a noisy machine is noisy for all of them;
believe the ratios rather than the figures. The exit status is 0 whether targets are met or not:
this is for looking at, never a test.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(1, str(ROOT))  # so that a checkout needs no installation

import bodies  # noqa: E402  iiswsgi must be found first
import peers  # noqa: E402
import small  # noqa: E402
import start  # noqa: E402
import traffic  # noqa: E402

WHAT = ("small", "bodies", "start")


def main(arguments: list[str] | None = None) -> int:
    """Run what *arguments* ask for."""
    options = _parser().parse_args(arguments)
    wanted = options.peers.split(",") if options.peers else []
    print(f"Python {sys.version.split()[0]} on {sysconfig.get_platform()}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            _run(options, wanted, folder)
        except traffic.BadReplyError as error:
            print(f"given up: {error}", file=sys.stderr)
            _show_logs(folder)
            return 1
    return 0


def _run(options: argparse.Namespace, wanted: list[str], folder: Path) -> None:
    what = options.what or WHAT
    talking = peers.present(peers.CONVERSATION, wanted)
    if "small" in what:
        small.run(talking, options.rounds, options.requests, folder, spread=options.spread)
    if "bodies" in what:
        rounds = max(1, options.rounds // 5)
        carrying = [peer for peer in talking if peer is not peers.ACCESS_LOG]
        bodies.run(carrying, rounds, options.megabytes * peers.MEGABYTE, folder)
    if "start" in what:
        starting = peers.present(peers.STARTING, wanted)
        start.run(starting, options.rounds, folder)


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.rglob("*.log")):
        text = log.read_text(encoding="utf-8", errors="replace")
        if text:
            print(f"--- {log.name}\n{text[-4000:]}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks/run.py")
    add = parser.add_argument
    add("what", nargs="*", metavar="|".join(WHAT), help="all three if none is named")
    add("--rounds", type=int, default=15, help="rounds; a fifth as many for bodies (%(default)s)")
    add("--requests", type=int, default=500, help="small requests a round (%(default)s)")
    add("--spread", action="store_true", help="small requests on all cores instead of one")
    add("--megabytes", type=int, default=256, help="size of the bodies (%(default)s)")
    add("--peers", default="", help="names, with commas between; all that are installed if empty")
    return parser


if __name__ == "__main__":
    sys.exit(main())
