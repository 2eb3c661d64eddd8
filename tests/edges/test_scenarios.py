"""Each scenario for a few seconds: nothing is lost that IIS itself would not kill."""

from __future__ import annotations

import sys

import pytest

from edges.scenarios import SCENARIOS, perform

SECONDS = 2 if sys.platform != "win32" else 5
"""On Wine a process takes a second to start."""

IN_SHORT = (
    "instanceMaxRequests",
    "shutdown event",
    "killed without notice",
    "client leaves, request aborted",
    "hang, activityTimeout",
)
"""What is played with every suite on Windows too, where it takes longer: what the pipe and the
event make different. ``benchmarks/edges.py`` plays all of them there."""


@pytest.mark.once
@pytest.mark.parametrize("name", SCENARIOS if sys.platform != "win32" else IN_SHORT)
def test_nothing_is_lost_and_nothing_left_behind(tmp_path, name):
    row = perform(name, tmp_path / "stage", SECONDS)
    assert not row.faults, row
    assert row.tally.answered
    assert row.tally.sent == row.tally.answered + row.tally.left.total() + row.tally.failed
