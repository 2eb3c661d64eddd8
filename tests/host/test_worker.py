"""The end of a worker: whose its exit code is, and what is said of it."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import pytest

from iiswsgi.host.modes import Modes
from iiswsgi.host.report import Report
from iiswsgi.host.worker import Worker
from iiswsgi.iis.config import FastCgiApplication


@pytest.mark.parametrize("order", ["close_first", "signal_first"])
def test_the_exit_code_of_one_that_leaves_is_its_own(make_pool, order):
    pool = make_pool(
        "--leaves-with-1", modes=Modes(end_order=order), signal_before_terminate_seconds=10
    )
    pool.ask()
    pool.close()
    assert "left with exit code 1" in pool.events[-1]


@pytest.mark.parametrize("order", ["close_first", "signal_first"])
def test_one_that_was_asked_in_its_last_request_is_not_asked_again_at_once(make_pool, order):
    pool = make_pool(
        "--leaves-with-1",
        modes=Modes(end_order=order, tick=0.05),
        signal_before_terminate_seconds=10,
    )
    pool.ask()
    running = threading.Thread(target=pool.ask, args=("sleep 0.5",))
    running.start()
    time.sleep(0.2)
    pool.recycle()
    running.join()
    pool.wait_for("left with exit code 1")


def test_an_orderly_end_takes_no_longer_for_the_notice(make_pool):
    pool = make_pool(signal_before_terminate_seconds=10)
    pool.ask()
    began = time.monotonic()
    pool.close()
    assert "left with exit code 0" in pool.events[-1]
    assert sys.platform == "win32" or time.monotonic() - began < 1


def test_exit_code_1_is_explained(make_pool):
    pool = make_pool("--leaves-with-1", signal_before_terminate_seconds=10)
    pool.ask()
    pool.close()
    [event] = [event for event in pool.events if "IISWSGI-H13" in event]
    assert "left with exit code 1, as it does" in event
    assert "IISWSGI-S16" in event


@pytest.mark.parametrize(("exit_code", "told"), [(0, False), (-15, False), (-11, True), (7, True)])
def test_what_is_said_of_an_exit_code(exit_code, told):
    process = SimpleNamespace(
        pid=7,
        notice=0.0,
        poll=lambda: exit_code,
        wait=lambda seconds: exit_code,
        ask_to_stop=lambda: None,
        close=lambda: None,
    )
    report = Report()
    Worker(
        process,
        SimpleNamespace(close=lambda: None),
        SimpleNamespace(shown="python"),
        application=FastCgiApplication(full_path="python", signal_before_terminate_seconds=5),
        modes=Modes(),
        report=report,
        log=None,
        log_position={},
    ).end("a test")
    assert any("IISWSGI-H13" in event for event in report.events) is told
    assert "process 7 ended: a test; it left with exit code" in report.events[-1]
