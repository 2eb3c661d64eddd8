"""The fixture application, and a route that leaves a mark in the log which can be looked for."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from fixtureapps.app import application as fixtures
from fixtureapps.app import text

log = logging.getLogger("edges")

FILLING = "x" * 3000
"""Makes a mark longer than what a stream or a pipe usually passes on in one piece."""


def make_app(global_conf, **local_conf):
    """Hangs while there is a file "hang" beside the INI file."""
    while Path(global_conf["here"], "hang").exists():
        time.sleep(0.05)
    return application


def application(environ, start_response):
    """``/mark/NAME`` logs NAME at both ends of a long line, and a traceback below it."""
    route, _, name = environ["PATH_INFO"].strip("/").partition("/")
    if route != "mark":
        return fixtures(environ, start_response)
    try:
        raise RuntimeError(f"{name} was asked for")
    except RuntimeError:
        log.exception("mark %s %s end of %s", name, FILLING, name)
    print(f"mark {name} {FILLING} end of {name}")
    return text(start_response, f"marked {name}\n")
