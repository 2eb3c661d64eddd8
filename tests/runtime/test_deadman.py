"""Stacks are written though no Python code runs; a process that is alive, or forks, has no harm."""

import re
import sys

import pytest

HOLD = """
    import ctypes, re, time
    from iiswsgi.runtime import deadman
    from iiswsgi.runtime.watchdog import Watchdog

    def hold_the_lock_of_the_interpreter(seconds):
        if sys.platform == "win32":
            ctypes.PyDLL("kernel32").Sleep(int(seconds * 1000))
        else:
            ctypes.PyDLL(None).usleep(int(seconds * 1000000))

    l = log.start()
    l.begun()
"""

TIMEOUT = r"(?m)^Timeout \("


def test_who_holds_the_lock_of_the_interpreter_is_shown(programs):
    result = programs.run(
        HOLD
        + """
    with Watchdog(0.5):
        time.sleep(0.1)
        l.limit(1, 5)
        print("now the log is rotated")
        hold_the_lock_of_the_interpreter(2)
    """
    )
    assert result.returncode == 0
    assert re.search(TIMEOUT, programs.log)
    assert "in hold_the_lock_of_the_interpreter\n" in programs.log


def test_a_process_that_is_alive_writes_nothing(programs):
    programs.run(
        HOLD
        + """
    with Watchdog(1):
        time.sleep(2)
        hold_the_lock_of_the_interpreter(0.2)
    hold_the_lock_of_the_interpreter(2)
    """
    )
    assert not re.search(TIMEOUT, programs.log)


def test_an_end_that_does_not_come_is_brought_about(programs):
    result = programs.run(
        HOLD
        + """
    class Hanging(logging.Handler):
        def close(self):
            time.sleep(30)

    handler = Hanging()
    log.CLOSING_SECONDS = 0.5
    deadman.expect(60)
    """,
        timeout=20,
    )
    assert result.returncode == 1
    assert re.search(TIMEOUT, programs.log)
    assert "in close\n" in programs.log


@pytest.mark.parametrize("limit", [0, 0.5, 60])
def test_what_keeps_the_process_at_its_end_is_shown(limit, programs):
    result = programs.run(
        HOLD
        + f"""
    import atexit
    deadman.END_SECONDS = 1
    atexit.register(time.sleep, 2)
    deadman.expect_end({limit})
    """,
        timeout=20,
    )
    assert result.returncode == 0
    assert len(re.findall(TIMEOUT, programs.log)) == (1 if limit else 0)


if sys.platform != "win32":  # there the sites in tests/functional have a listening STDIN

    def test_an_exit_hook_that_hangs_is_shown(programs):
        programs.ask_served(
            """
            import atexit, time
            from iiswsgi.runtime import deadman

            def hang():
                time.sleep(2)

            deadman.END_SECONDS = 0.5
            atexit.register(hang)
            start_response("200 OK", [])
            return [b""]
            """
        )
        assert re.search(TIMEOUT, programs.log.partition("the end: ")[2])
        assert "in hang\n" in programs.log

    @pytest.mark.filterwarnings("ignore:.*fork.*")
    def test_a_child_that_was_forked_off_does_not_wait_for_its_parent_s_timer(programs):
        result = programs.run(
            HOLD
            + """
    with Watchdog(6):
        time.sleep(0.2)
        if not os.fork():
            sys.exit(0)
        os.wait()
        time.sleep(1)
        hold_the_lock_of_the_interpreter(0.1)
    """,
            timeout=20,
        )
        assert result.returncode == 0
