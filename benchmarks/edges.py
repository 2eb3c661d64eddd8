"""Is a request lost where processes end? ``benchmarks/edges.py [--seconds N] [SCENARIO...]``.

Prints one line a scenario: requests sent, answered, given up by a client that left, failed, and
why. What fails for a reason of IIS's own is named; everything else is a fault, is printed in words,
and makes the exit status 1. The scenarios are those of ``tests/edges/scenarios.py``; a part of a
name is enough.
"""

from __future__ import annotations

import argparse
import logging
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# So that a checkout needs no installation; and "edges" is the package, not this file.
sys.path[:1] = [str(ROOT / "tests"), str(ROOT)]

from edges.scenarios import SCENARIOS, Row, perform  # noqa: E402  found by the line above

MOST_FAULTS = 10


def main(arguments: list[str] | None = None) -> int:
    """Play what *arguments* name; 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of load each (%(default)s)")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    options = parser.parse_args(arguments)
    wanted = options.scenarios or [""]
    names = [name for name in SCENARIOS if any(part in name for part in wanted)]
    if not names:
        parser.error(f"there is none of that name; there are {', '.join(SCENARIOS)}")
    # The stand-in warns of each process that it kills; here that is the purpose.
    logging.lastResort = None
    print(
        f"Python {sys.version.split()[0]} on {sysconfig.get_platform()}, {options.seconds:g} s each"
    )
    heads = f"{'sent':>7}{'answered':>10}{'left':>6}{'failed':>8}"
    print(f"{'scenario':31}{heads}  why, and what happened")
    faulty = 0
    for name in names:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            began = time.monotonic()
            row = perform(name, Path(folder) / "stage", options.seconds)
        faulty += bool(row.faults)
        _print(row, time.monotonic() - began)
    return 1 if faulty else 0


def _print(row: Row, seconds: float) -> None:
    tally = row.tally
    left = sum(tally.left.values())
    why = [f"{number} {kind}" for kind, number in (tally.killed + tally.left).items()]
    why += [f"{len(tally.lost)} LOST"] * bool(tally.lost)
    words = "; ".join(filter(None, (", ".join(why), row.happened)))
    figures = f"{tally.sent:7}{tally.answered:10}{left:6}{tally.failed:8}"
    print(f"{row.name:31}{figures}  {words}; {seconds:.1f} s", flush=True)
    for fault in row.faults[:MOST_FAULTS]:
        print(f"    {fault}")
    if len(row.faults) > MOST_FAULTS:
        print(f"    and {len(row.faults) - MOST_FAULTS} more")


if __name__ == "__main__":
    sys.exit(main())
