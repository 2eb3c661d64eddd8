"""The fuzzer's short run, and the proof that it would see what it looks for."""

import re

import pytest

from iiswsgi.fastcgi import connection, protocol
from iiswsgi.wsgi import headers
from tests.fuzz import __main__ as command
from tests.fuzz.world import World, watched

SEEDS = 2000
"""About three seconds. `python -m tests.fuzz` runs as many as there is time for."""


@pytest.fixture
def world():
    with watched():
        yield World()


@pytest.mark.parametrize("first", range(0, SEEDS, 500))
def test_no_rule_is_broken(world, first):
    failed = {seed: problems for seed in range(first, first + 500) if (problems := world.run(seed))}
    assert not failed, f"python -m tests.fuzz --count 1 --seed {min(failed)}"


def test_every_kind_of_case_occurs(world):
    for seed in range(700):
        world.run(seed)
    outcomes = world.outcomes
    assert {key[:2] for key in outcomes if key[0] == "wire"} == {
        ("wire", "harmed"),
        ("wire", "whole"),
    }
    seen = {key[2] for key in outcomes}
    assert {"IISWSGI-P01", "IISWSGI-P03", "IISWSGI-W21", "ended in order", "the peer left"} <= seen
    assert {"answered", "broken off", "page 500"} <= seen


def mute(monkeypatch):
    """END_REQUEST without the stream's end."""
    monkeypatch.setattr(
        protocol, "encode_response_end", lambda request_id, *status: protocol.encode_end(request_id)
    )


def split(monkeypatch):
    """Line ends in header values."""
    monkeypatch.setattr(headers, "_TEXT", re.compile("(?s).*"))


def forget(monkeypatch):
    """One byte of what was received is lost now and then."""
    real = protocol.Decoder.feed
    monkeypatch.setattr(
        protocol.Decoder, "feed", lambda self, data: real(self, data[: len(data) // 9 * 9 or None])
    )


def escape(monkeypatch):
    """An error of a kind that nobody catches."""
    monkeypatch.setattr(connection.GatewayConnection, "_do_data", lambda self, record: 1 / 0)


@pytest.mark.parametrize("fault", [mute, split, forget, escape])
def test_a_fault_is_seen(fault, monkeypatch, world):
    fault(monkeypatch)
    assert any(world.run(seed) for seed in range(1500))


def test_one_seed_is_one_case(world):
    for seed in range(50):
        world.run(seed)
    before = world.outcomes.copy()
    world.outcomes.clear()
    for seed in range(50):
        world.run(seed)
    assert world.outcomes == before


def test_the_command_runs_and_says_what_it_ran(capsys):
    assert command.main(["--count", "40", "--seed", "7"]) == 0
    assert "40 cases in" in capsys.readouterr().out


def test_the_command_says_how_to_repeat_what_failed(monkeypatch, capsys):
    escape(monkeypatch)
    assert command.main(["--count", "2000"]) == 1
    seed = re.search(r"python -m tests.fuzz --seed ([0-9]+) --count 1", capsys.readouterr().out)[1]
    assert command.main(["--count", "1", "--seed", seed]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
