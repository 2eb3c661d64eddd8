"""What happens at the edges of a process's life, played under load: the scenarios and their rows.

``tests/edges/test_scenarios.py`` plays each for a few seconds, ``benchmarks/edges.py`` for as long
as one likes. Workers are real processes, on Windows behind real pipes and events.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edges import aftermath, load
from edges.load import Load, Request, Tally
from iiswsgi.host.modes import Modes
from iiswsgi.host.pool import Pool
from iiswsgi.iis.config import FastCgiApplication

TESTS = Path(__file__).resolve().parent.parent

INI = """\
[app:main]
paste.app_factory = edges.app:make_app

[server:iis]
use = egg:iiswsgi#iis
spool_limit = 64K
{options}
"""

PACE = 0.5 if sys.platform != "win32" else 3
"""Seconds between recycles: twice what a process takes to start, so that each gets to serve."""

GRACE = 60
"""signalBeforeTerminateSeconds where nobody is to be killed, however slow the machine."""

LIMIT = 4 if sys.platform != "win32" else 10
"""Grace and time limits, in seconds, where a request is to exceed them: more than a process's start
and a usual request take, Wine's included."""

ENDED = "IISWSGI-L14"
"""What a process says of another that was killed."""

MOST_AT_ONCE = 2
"""Processes of a pool, unless a scenario says otherwise: those that may all be the last."""

OWN_CODES = frozenset({"IISWSGI-W01", ENDED})
"""Codes that any scenario's log may hold: of the route that raises, and what is looked at apart."""

CLIENT_CODES = frozenset(f"IISWSGI-{code}" for code in ("P10", "P11", "P12", "W12"))
"""What the log says of clients that left."""


@dataclass
class Stage:
    """A pool ready to play on, and where its workers put things."""

    pool: Pool
    folder: Path
    log_folder: Path
    watch: aftermath.SpoolWatch


@dataclass
class Row:
    """What became of one scenario."""

    name: str
    tally: Tally
    happened: str = ""
    """What happened meanwhile, in words."""
    faults: list[str] = field(default_factory=list)
    """What must not be; empty when nothing was lost and nothing left behind."""


@dataclass(frozen=True)
class Scenario:
    """How one scenario is played.

    :param play: keeps the pool under load for some seconds; says what became of the requests, and
        what happened meanwhile.
    """

    play: Callable[[Stage, float], tuple[Tally, str]]
    application: dict[str, Any] = field(default_factory=dict)
    """Fields of FastCgiApplication."""
    modes: Modes = field(default_factory=lambda: Modes(tick=0.02))
    buffer_limit: int = 4194304
    options: str = ""
    """Lines for ``[server:iis]``."""
    codes: frozenset[str] = frozenset()
    """Codes that the workers' and the stand-in's log may hold."""
    kills_for_clients: bool = False
    """Whether processes are killed because a client left."""
    least_processes: int = 3
    least_failures: int = 0
    """Requests that must have been killed, for what is said of these to mean anything."""
    least_spools: int = 0
    """Temporary files that must have been in use, for none to be left to mean anything."""


def perform(name: str, folder: Path, seconds: float) -> Row:
    """Play the scenario *name* in *folder*, which is new, and look what it left behind."""
    scenario = SCENARIOS[name]
    temp, log_folder, site = (folder / each for each in ("temp", "home", "site"))
    for each in (temp, site):
        each.mkdir(parents=True)
    (site / "watched.txt").write_text("0", encoding="utf-8")
    pool = Pool(
        _application(scenario, site, temp),
        site_folder=site,
        log_folder=log_folder,
        modes=scenario.modes,
        response_buffer_limit=scenario.buffer_limit,
    )
    with aftermath.counting_codes() as told, contextlib.closing(pool):
        with aftermath.SpoolWatch(temp, lambda: _pids(pool)) as watch:
            tally, happened = scenario.play(Stage(pool, site, log_folder, watch), seconds)
        afterwards = Load(pool, load.usual)
        afterwards.ask(Request("/", None, b"hello\n".__eq__), random.Random(0))
    row = Row(name, tally, happened)
    row.faults += [f"lost: {sentence}" for sentence in tally.lost]
    row.faults += [f"afterwards: {sentence}" for sentence in afterwards.tally.lost]
    row.faults += _counter_faults(pool, tally, scenario)
    row.faults += [f"left behind: {path.name}" for path in temp.iterdir()]
    if tally.failed < scenario.least_failures:
        row.faults.append(f"only {tally.failed} requests failed")
    if watch.most < scenario.least_spools:
        row.faults.append(f"only {watch.most} temporary files were ever in use")
    texts = aftermath.log_texts(log_folder)
    row.faults += _log_faults(texts, tally)
    told += sum((aftermath.codes(text) for text in texts), Counter())
    row.faults += _ended_faults(texts, tally, scenario)
    unexpected = told.keys() - OWN_CODES - scenario.codes - _failure_codes(tally)
    row.faults += [f"{told[code]} times {code} in the log" for code in sorted(unexpected)]
    return row


def _application(scenario: Scenario, site: Path, temp: Path) -> FastCgiApplication:
    ini = site / "app.ini"
    ini.write_text(INI.format(options=scenario.options), encoding="utf-8")
    fields = {
        "max_instances": MOST_AT_ONCE,
        "signal_before_terminate_seconds": GRACE,
        **scenario.application,
    }
    if "monitor_changes_to" in fields:
        fields["monitor_changes_to"] = str(site / fields["monitor_changes_to"])
    return FastCgiApplication(
        full_path=sys.executable,
        arguments=f'-m iiswsgi serve "{ini}"',
        environment_variables=(
            ("PYTHONPATH", os.pathsep.join([str(TESTS), str(TESTS.parent)])),
            *((name, str(temp)) for name in ("TMPDIR", "TEMP", "TMP")),
        ),
        **fields,
    )


def _pids(pool: Pool) -> list[str]:
    """The last processes started."""
    started = [event.split()[1] for event in pool.events if " started: " in event]
    return started[-8:]


def _counter_faults(pool: Pool, tally: Tally, scenario: Scenario) -> list[str]:
    counters = pool.counters
    faults = []
    if counters.started != counters.ended:
        faults.append(f"{counters.started} processes were started and {counters.ended} ended")
    if counters.started < scenario.least_processes:
        faults.append(f"nothing happened: only {counters.started} processes were started")
    accounted = counters.answered + counters.client_gone + sum(counters.failed.values())
    if not counters.sent == accounted == tally.sent + 1:  # and one afterwards
        faults.append(f"the pool counted {counters}")
    return faults


def _log_faults(texts: list[bytes], tally: Tally) -> list[str]:
    broken = [line for text in texts for line in aftermath.broken_lines(text)]
    marked = sum((aftermath.marks(text) for text in texts), Counter())
    faults = [f"broken line: {line!r:.300}" for line in broken]
    # Each is logged once and printed once.
    return faults + [
        f"{name} is {marked[name]} times in the log" for name in tally.marks if marked[name] != 2
    ]


def _ended_faults(texts: list[bytes], tally: Tally, scenario: Scenario) -> list[str]:
    """Processes that ended in a request are told, but for the last, which no other comes after."""
    text = b"".join(texts).decode("utf-8", "replace")
    lines = re.findall(rf"{ENDED}: process (\d+) ended without a word (.*)", text)
    # After these words there was nothing that IIS would have waited for.
    idle = [line for _, line in lines if line.endswith(("two requests", "on their way"))]
    told = {int(pid) for pid, line in lines if line not in idle}
    failed = {failure.pid for failure, _ in tally.failures}
    faults = []
    if scenario.kills_for_clients:
        return [] if told else ["no process was killed for a client that left"]
    if told - failed:
        faults.append(f"told to have ended in a request, of which none failed: {told - failed}")
    if idle and scenario.application.get("signal_before_terminate_seconds", GRACE):
        faults.append(f"{len(idle)} processes ended without a word between two requests")
    if len(failed) > MOST_AT_ONCE and not told:
        faults.append("nobody told of a process that was killed")
    return faults


def _failure_codes(tally: Tally) -> set[str]:
    """What the stand-in says of the failures that are counted already."""
    return {failure.code for failure, _ in tally.failures}


def _processes(stage: Stage) -> str:
    return f"{stage.pool.counters.started} processes"


# How the scenarios go.


def _steady(stage: Stage, seconds: float) -> tuple[Tally, str]:
    """Load, and what the configuration makes happen by itself."""
    return Load(stage.pool, load.usual).run(seconds), _processes(stage)


def _pauses(stage: Stage, seconds: float) -> tuple[Tally, str]:
    """Clients that wait about as long as idle processes live."""
    idle = stage.pool.application.idle_timeout
    return Load(stage.pool, load.usual, pause=4 * idle).run(seconds), _processes(stage)


def _touch(stage: Stage, seconds: float) -> tuple[Tally, str]:
    """The monitored file changes over and over."""
    number = 0

    def change() -> None:
        nonlocal number
        number += 1
        (stage.folder / "watched.txt").write_text("x" * number, encoding="utf-8")
        time.sleep(PACE)

    tally = Load(stage.pool, load.usual).run(seconds, change)
    return tally, f"{number} changes, {_processes(stage)}"


def _recycle(
    mix: Callable[[random.Random], Request] = load.usual,
    wait: Callable[[Stage], None] = lambda stage: time.sleep(PACE),
) -> Any:
    """The pool is recycled over and over, each time after a wait."""

    def play(stage: Stage, seconds: float) -> tuple[Tally, str]:
        number = 0

        def recycle() -> None:
            nonlocal number
            number += 1
            wait(stage)
            stage.pool.recycle()

        tally = Load(stage.pool, mix).run(seconds, recycle)
        return tally, f"{number} recycles, {_processes(stage)}"

    return play


def _wait_for_spool(stage: Stage) -> None:
    """Until a process is in the middle of a request, and has a temporary file."""
    time.sleep(PACE)
    until = time.monotonic() + LIMIT
    while not stage.watch.now and time.monotonic() < until:
        time.sleep(0.01)


def _too_slow(chance: random.Random) -> Request:
    """Now and then a request that takes longer than the grace."""
    if chance.random() < 0.8:
        return load.usual(chance)
    return Request(f"/sleep/{2 * LIMIT}", may_fail=frozenset({"killed"}))


def _any_may_be_killed(chance: random.Random) -> Request:
    """Every other request has its body in a temporary file for a while."""
    request = load.usual(chance)
    if chance.random() < 0.5:
        request = Request("/stream/4?pause=0.1", load.MEMORY[: chance.choice(load.SIZES[5:])])
    return dataclasses.replace(request, may_fail=frozenset({"killed"}))


def _leaving(chance: random.Random) -> Request:
    """Every other client leaves: while it sends, while it waits, while it receives."""
    if chance.random() < 0.5:
        return load.usual(chance)
    when = chance.choice(("sending", "waiting", "receiving"))
    if when == "receiving":
        return Request("/size/3000000", leaves=when)
    target = chance.choice(("/echo", "/count", "/sleep/0.2", "/stream/3?pause=0.05"))
    size = chance.choice(load.SIZES)
    return Request(target, load.MEMORY[:size], leaves=when)


def _clients_leave(stage: Stage, seconds: float) -> tuple[Tally, str]:
    return Load(stage.pool, _leaving).run(seconds), _processes(stage)


def _hanging(target: str, kind: str) -> Any:
    """One request after the other hangs; each must be reported with its stack before it fails."""
    request = Request(target, may_fail=frozenset({kind}))

    def play(stage: Stage, seconds: float) -> tuple[Tally, str]:
        clients = Load(stage.pool, load.usual)
        tally = clients.run(seconds, lambda: clients.ask(request, random.Random(0)))
        # The innermost frame is the line of the application that hangs.
        return tally, _reported(stage, tally, "IISWSGI-W30", "time.sleep(")

    return play


def _hanging_start(stage: Stage, seconds: float) -> tuple[Tally, str]:
    """The first process hangs while it loads the application; those after it do not."""
    clients = Load(stage.pool, load.usual)
    (stage.folder / "hang").touch()
    request = Request("/", may_fail=frozenset({"timed_out_activity"}))
    clients.ask(request, random.Random(0))
    (stage.folder / "hang").unlink()
    tally = clients.run(seconds)
    return tally, _reported(stage, tally, "IISWSGI-S17", "in make_app")


def _reported(stage: Stage, tally: Tally, code: str, line: str) -> str:
    """Each failure must be preceded by its process's report, which shows the line that hangs."""
    texts = aftermath.log_texts(stage.log_folder)
    reported = 0
    for failure, when in tally.failures:
        reports = [each for text in texts for each in aftermath.records(text, failure.pid, code)]
        if any(written < when and line in lines for written, lines in reports):
            reported += 1
        else:
            tally.lost.append(f"it hung and was not reported: {failure}")
    return f"{reported} reported with their stacks first, {_processes(stage)}"


SCENARIOS: dict[str, Scenario] = {
    "instanceMaxRequests": Scenario(_steady, {"instance_max_requests": 7}),
    "instanceMaxRequests, no notice": Scenario(
        _steady, {"instance_max_requests": 7, "signal_before_terminate_seconds": 0}
    ),
    "monitored file": Scenario(_touch, {"monitor_changes_to": "watched.txt"}),
    "shutdown event": Scenario(_recycle(), modes=Modes(tick=0.02, end_order="signal_first")),
    "rolling restarts": Scenario(_recycle()),
    "grace too short": Scenario(
        _recycle(_too_slow),
        {"signal_before_terminate_seconds": LIMIT},
        codes=frozenset({"IISWSGI-H12"}),
        least_failures=1,
    ),
    "idle time-out": Scenario(_pauses, {"idle_timeout": 0.3, "max_instances": 4}),
    "killed without notice": Scenario(
        _recycle(_any_may_be_killed, _wait_for_spool),
        {"signal_before_terminate_seconds": 0},
        modes=Modes(tick=0.02, kill_without_notice=True),
        least_failures=1,
        least_spools=1,
    ),
    "client leaves, process killed": Scenario(
        _clients_leave, buffer_limit=0, codes=CLIENT_CODES, kills_for_clients=True
    ),
    "client leaves, pipe closed": Scenario(
        _clients_leave,
        modes=Modes(tick=0.02, client_gone="close"),
        buffer_limit=0,
        codes=CLIENT_CODES,
    ),
    "client leaves, request aborted": Scenario(
        _clients_leave,
        modes=Modes(tick=0.02, client_gone="abort"),
        buffer_limit=0,
        codes=CLIENT_CODES,
        least_processes=1,
    ),
    "hang, activityTimeout": Scenario(
        _hanging("/sleep/60", "timed_out_activity"),
        {"activity_timeout": LIMIT},
        options=f"hang_report = {LIMIT // 4}",
        codes=frozenset({"IISWSGI-W30", "IISWSGI-S17"}),
        least_failures=1,
        least_processes=1,
    ),
    "hang, requestTimeout": Scenario(
        _hanging("/stream/600?pause=0.1", "timed_out_request"),
        {"request_timeout": LIMIT},
        options=f"hang_report = {LIMIT // 4}",
        codes=frozenset({"IISWSGI-W30", "IISWSGI-S17"}),
        least_failures=1,
        least_processes=1,
    ),
    "hang while loading": Scenario(
        _hanging_start,
        {"activity_timeout": LIMIT},
        options=f"hang_report = {LIMIT // 4}",
        codes=frozenset({"IISWSGI-S17"}),
        least_failures=1,
        least_processes=2,
    ),
}
"""By name: IIS's reasons to end a process, then clients and applications that misbehave."""
