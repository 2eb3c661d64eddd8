"""Rounds into tables: medians with their spread, ratios round by round, targets met or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

Series = dict[str, list[float]]
"""Each peer's figures, one a round."""


@dataclass(frozen=True)
class Target:
    """What iiswsgi is to reach, as a share of another peer's figure in the same round."""

    of: str
    at_most: float


def interleave(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Each name once a round; the order turns, so that nobody always runs after the same peer."""
    for number in range(rounds):
        start = number % len(names)
        yield from names[start:]
        yield from names[:start]


def collect(names: Sequence[str], rounds: int, measure: Callable[[str], float]) -> Series:
    """Measure everybody once a round."""
    series: Series = {name: [] for name in names}
    for name in interleave(names, rounds):
        series[name].append(measure(name))
    return series


def spread(figures: Sequence[float], form: str = "9.1f") -> str:
    """Median, minimum and maximum as three columns."""
    parts = (median(figures), min(figures), max(figures))
    return " ".join(format(part, form) for part in parts)


def table(title: str, series: Series, targets: Sequence[Target] = ()) -> None:
    """Print *series* with iiswsgi's ratios, if it was measured, and each target's outcome."""
    print(f"\n{title}")
    print(f"  {'':10} {'median':>9} {'min':>9} {'max':>9}    iiswsgi is ... of it (min to max)")
    ours = series.get("iiswsgi")
    for name, figures in series.items():
        line = f"  {name:10} {spread(figures)}"
        if ours and name != "iiswsgi":
            line += f"    {_ratio_text(_ratios(ours, figures))}"
        print(line)
    for target in targets:
        print(f"  {_outcome(series, target)}")


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    # Neighbours in time, so that a slow minute of the machine's counts on both sides.
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def _ratio_text(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _outcome(series: Series, target: Target) -> str:
    aim = f"target: at most {target.at_most:g} of {target.of}'s:"
    if "iiswsgi" not in series or target.of not in series:
        return f"{aim} not measured"
    ratios = _ratios(series["iiswsgi"], series[target.of])
    verdict = "reached" if median(ratios) <= target.at_most else "MISSED"
    return f"{aim} {_ratio_text(ratios)}, {verdict}"
