"""A request that hangs is reported once, with every thread's stack; one that does not, never."""

import contextlib
import re
import threading
import time

import pytest

from iiswsgi.runtime import logentry, logtext, running
from iiswsgi.runtime.watchdog import _OTHER_THREADS, Watchdog

VARIABLES = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/slow?password=1"}


@pytest.fixture(autouse=True)
def nothing_was_loaded(monkeypatch):
    """The first requests after a loading are those of another test."""
    monkeypatch.setattr("iiswsgi.runtime.watchdog._loading", (0.0, 0.0))


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def shown(record):
    return logtext.render(logentry.of_record(record)).decode()


def hang_here(event):
    event.wait(20)


@pytest.fixture
def hanging():
    """A thread in the middle of a request: the request's number, in a list."""
    release = threading.Event()
    numbers = []
    with Watchdog(0.1):

        def run():
            numbers.append(running.begin(VARIABLES))
            hang_here(release)
            running.end()

        thread = threading.Thread(target=run, name="worker")
        thread.start()
        yield numbers
        release.set()
        thread.join()


def test_a_request_that_hangs_is_reported_once_with_all_stacks(hanging, caplog):
    assert wait_for(lambda: caplog.records)
    time.sleep(0.3)
    (record,) = caplog.records
    text = shown(record)
    assert f" {hanging[0]} WARNING iiswsgi.runtime.watchdog: IISWSGI-W30: GET /slow has run" in text
    assert "password" not in text
    assert "    thread 'worker' (the request):" in text
    assert "in hang_here" in text
    assert text.index("hang_here") < text.index("thread 'MainThread'")
    assert "iiswsgi-watchdog" not in text


def test_loading_that_hangs_is_reported(caplog):
    with Watchdog(0.1) as watchdog:
        watchdog.begin_loading()
        assert wait_for(lambda: caplog.records)
    (record,) = caplog.records
    text = shown(record)
    assert "IISWSGI-S17: the application has been loading for 0 seconds" in text
    assert "    thread 'MainThread' (loading):" in text
    assert "in test_loading_that_hangs_is_reported" in text


@pytest.mark.parametrize(("pause", "told"), [(0, True), (1.1, False)])
def test_the_loading_before_it_counts_for_the_first_request(pause, told, caplog):
    """Whoever waits for the answer has waited for that too."""
    with Watchdog(10) as watchdog:
        watchdog.begin_loading()
        time.sleep(1)
    time.sleep(pause)
    running.begin(VARIABLES)
    with Watchdog(1.2):
        time.sleep(0.5)
    running.end()
    texts = [shown(record) for record in caplog.records]
    assert bool(texts) is told
    assert all("has run for 0 seconds, after 1 of loading, and may hang" in text for text in texts)


@contextlib.contextmanager
def waiting(names, begin=lambda name: None):
    """Threads that wait until the end of the block."""
    release, ready = threading.Event(), threading.Barrier(len(names) + 1)

    def run(name):
        begin(name)
        ready.wait(20)
        hang_here(release)
        running.end()

    threads = [threading.Thread(target=run, args=(name,), name=name) for name in names]
    for thread in threads:
        thread.start()
    ready.wait(20)
    try:
        yield
    finally:
        release.set()
        for thread in threads:
            thread.join()


def begin_request(name):
    running.begin({"REQUEST_METHOD": "POST", "REQUEST_URI": f"/{name}"})


def test_requests_that_hang_at_once_have_each_stack_once(caplog):
    names = [f"worker {number}" for number in range(50)]
    with waiting(names, begin_request), waiting(["idle"]):
        time.sleep(0.2)  # so that the first look finds them all
        with Watchdog(0.2):
            assert wait_for(lambda: len(caplog.records) >= len(names))
    texts = [shown(record) for record in caplog.records]
    assert len(texts) == len(names)
    for name in names:
        own = [text for text in texts if f"IISWSGI-W30: POST /{name} has run for" in text]
        assert len(own) == 1
        assert f"    thread '{name}' (the request):" in own[0]
        assert "in hang_here" in own[0]
        assert "".join(texts).count(f"thread '{name}'") == 1
    assert "".join(texts).count("thread 'idle'") == 1
    assert "thread 'MainThread':" in texts[-1]
    assert len({record.iiswsgi_request for record in caplog.records}) == len(names)


def test_of_the_other_threads_a_limited_number_is_shown(caplog):
    names = [f"idle {number}" for number in range(_OTHER_THREADS + 10)]
    with waiting(names), waiting(["worker"], begin_request), Watchdog(0.1):
        assert wait_for(lambda: caplog.records)
    text = shown(caplog.records[0])
    assert "thread 'worker' (the request):" in text
    assert text.count("    thread ") == 1 + _OTHER_THREADS
    assert re.search(r"\n    and 1\d more threads\n$", text)


def test_a_thread_that_has_ended_within_its_request(caplog):
    ended = 1  # no thread's number; that of one that was started here may be the watchdog's next
    running._running[ended] = (time.perf_counter(), 1, VARIABLES)
    with Watchdog(0.1):
        assert wait_for(lambda: caplog.records)
    running._running.pop(ended)
    text = shown(caplog.records[0])
    assert re.search(r"    thread 1 \(the request\):\n      \(ended\)\n", text)


def test_requests_in_time_are_not_reported(caplog):
    with Watchdog(0.2):
        for _ in range(30):
            running.begin(VARIABLES)
            time.sleep(0.01)
            running.end()
    assert not caplog.records


def test_what_is_to_be_done_now_and_then():
    looks = []
    with Watchdog(0.1) as watchdog:
        watchdog.on_look = lambda: looks.append(threading.current_thread().name)
        assert wait_for(lambda: len(looks) > 2)
    assert set(looks) == {"iiswsgi-watchdog"}


def test_a_limit_of_none_watches_nothing(caplog):
    threads = threading.active_count()
    with Watchdog(0):
        running.begin(VARIABLES)
        assert threading.active_count() == threads
        running.end()
    assert not caplog.records
