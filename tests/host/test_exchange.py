from __future__ import annotations

from types import SimpleNamespace

import pytest

from iiswsgi.host.channel import ChannelBroken, Progress
from iiswsgi.host.exchange import Exchange
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.fastcgi import request_ids
from iiswsgi.host.modes import Modes
from iiswsgi.iis.config import FastCgiApplication

REFUSED = bytes((1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0))
"""END_REQUEST of request 1, protocol status UNKNOWN_ROLE."""


class ScriptedChannel:
    """Does one after the other: gives a Progress or raises; then nothing more comes."""

    def __init__(self, turns):
        self.turns = list(turns)
        self.ended = False

    def pump(self, outgoing, read, timeout):
        turn = self.turns.pop(0) if self.turns else Progress(0, None)
        if isinstance(turn, Exception):
            raise turn
        return turn


def exchange_with(*turns):
    """An exchange with a process that has just ended, over a channel of these turns."""
    worker = SimpleNamespace(
        application=FastCgiApplication(full_path="python"),
        modes=Modes(),
        channel=ScriptedChannel(turns),
        process=SimpleNamespace(poll=lambda: -9, wait=lambda timeout: -9),
        pid=7,
        served=1,
        request_ids=request_ids(Modes().wire),
        opened=lambda: None,
        killed_because="no notice is given",
        stop_asked=0.0,
        failure=lambda kind, sentence, **details: WorkerFailure(kind, sentence),
    )
    return Exchange(worker, 0)


NOTHING = Progress(0, None)


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_write_under_way_when_the_process_ends_breaks_no_more_than_the_request(broken):
    # A named pipe says of such a write only later that it failed: in the turn that would write on,
    # or in one that only reads what the process has left behind.
    turns = [NOTHING] * (1 + broken) + [ChannelBroken("[WinError 109] Broken pipe")]
    with pytest.raises(WorkerFailure) as caught:
        exchange_with(*turns).open([("NAME", "value")], None)
    assert caught.value.kind == "killed"


def test_what_the_process_left_behind_is_read_after_a_write_that_failed():
    turns = [NOTHING, NOTHING, ChannelBroken("broken"), Progress(0, REFUSED)]
    with pytest.raises(WorkerFailure) as caught:
        exchange_with(*turns).open([("NAME", "value")], None)
    assert caught.value.kind == "bad_reply"
    assert "protocol status 3" in caught.value.sentence
