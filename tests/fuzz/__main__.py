"""``python -m tests.fuzz --count 1000000 --seed 1``: many cases, or one that failed once more.

Case n of a run has the seed *seed* + n, and nothing else decides it; a case that breaks a rule is
printed with the command that repeats it.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import sys
import time
from pathlib import Path

from .world import World, watched

HANG = 60
"""Seconds that no case takes; then the stack is printed and the run ends."""
MOST_FAILURES = 20
REPORTS = 20
"""Lines of progress."""


def main(arguments=None):
    """Run the cases; 1 if one of them broke a rule."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="cases (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first case (%(default)s)")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    with watched():
        world = World()
        done, failed = _run(world, options.seed, options.count)
    seconds = time.perf_counter() - start
    for key, number in sorted(world.outcomes.items()):
        print(f"{number:>9}  {', '.join(key)}")
    print(f"{done} cases in {seconds:.0f} s, {done / seconds:.0f} a second; {failed} failed")
    return 1 if failed else 0


def _run(world, first, count):
    failed = 0
    step = max(1000, count // REPORTS)
    for number in range(count):
        if number % 1000 == 0:
            faulthandler.dump_traceback_later(HANG, exit=True, file=sys.__stderr__)
        if number % step == 0:
            _report(number)
        problems = world.run(first + number)
        if problems:
            failed += 1
            _tell(first + number, problems)
            if failed == MOST_FAILURES:
                return number + 1, failed
    faulthandler.cancel_dump_traceback_later()
    _report(count)
    return count, failed


def _tell(seed, problems):
    print(f"seed {seed}: python -m tests.fuzz --seed {seed} --count 1")
    for problem in problems[:5]:
        print(f"    {problem[:3000]}")


def _report(number):
    gc.collect()
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text("ascii").splitlines())
        resident, highest = (lines[name].split()[0] for name in ("VmRSS", "VmHWM"))
        handles = len(os.listdir("/proc/self/fd"))
        memory = f"{resident} KiB resident, {highest} at most, {handles} descriptors"
    else:
        memory = ""
    print(f"{number:>9} cases; {memory}; {len(gc.get_objects())} objects", flush=True)


if __name__ == "__main__":
    sys.exit(main())
