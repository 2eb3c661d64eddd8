"""Threads of an application that keep its process are named, and nobody else is."""

import re

PROGRAM = """
    import threading, time
    from iiswsgi.runtime import lingering
    log.start().begun()
    logging.getLogger("iiswsgi").info("the end")
    {}
    lingering.tell_who_lingers()
"""


def test_a_thread_that_keeps_the_process_is_named(programs):
    thread = """
    threading.Thread(target=time.sleep, args=(2.5,), name="mail\\nqueue").start()
    threading.Thread(target=time.sleep, args=(2.5,), daemon=True).start()
    """
    assert programs.run(PROGRAM.format(thread.strip())).returncode == 0
    [line] = [line for line in programs.log.splitlines() if "S21" in line]
    assert re.search(r" WARNING .*IISWSGI-S21: .* no daemons: 'mail\\nqueue'$", line)


def test_an_idle_pool_is_no_trouble(programs):
    pool = """
    from concurrent.futures import ThreadPoolExecutor
    pool = ThreadPoolExecutor()
    pool.submit(int).result()
    """
    assert programs.run(PROGRAM.format(pool.strip())).returncode == 0
    assert "the end" in programs.log
    assert "S21" not in programs.log


def test_without_such_threads_none_is_started(programs):
    count = """
    import atexit
    atexit.register(lambda: print("threads:", threading.active_count()))
    """
    assert programs.run(PROGRAM.format(count.strip())).returncode == 0
    assert "threads: 1\n" in programs.log
