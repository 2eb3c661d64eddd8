"""Threads that outlive the serving, and the process with them, until the web server kills it.

Python waits at its end for every thread that is no daemon. All of ours are daemons; those of the
application may not be, and nothing else says what the process still waits for.
"""

from __future__ import annotations

import logging
import threading
import time

__all__ = ["tell_who_lingers"]

log = logging.getLogger(__name__)

_PATIENCE = 1.0
"""Seconds a thread has for leaving. Those of a ThreadPoolExecutor leave when Python ends, so at the
end of serving they are still there, idle."""


def tell_who_lingers() -> None:
    """Serving is over: log which threads keep the process, should they still do so in a while.

    It returns at once, and nothing is waited for: the log line is the business of a thread that
    does not keep the process either.
    """
    caller = threading.current_thread()
    if _others(caller):
        threading.Thread(
            target=_tell, args=(caller,), name="iiswsgi-lingering", daemon=True
        ).start()


def _tell(caller: threading.Thread) -> None:
    time.sleep(_PATIENCE)
    if names := _others(caller):
        log.warning(
            "IISWSGI-S21: serving has ended, and the process waits for threads that are no "
            "daemons: %s",
            ", ".join(map(ascii, names)),
        )


def _others(caller: threading.Thread) -> list[str]:
    """The names of the threads that Python would wait for."""
    own = (threading.main_thread(), caller)
    return [each.name for each in threading.enumerate() if not each.daemon and each not in own]
