"""Who, where and what this process is: the facts that a report of trouble needs first."""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Iterator, Mapping

import iiswsgi
from iiswsgi.masking import masked_words

__all__ = ["facts", "user"]

_VARIABLES = ("APP_POOL_ID", "IISEXPRESS_SITENAME", "_FCGI_X_PIPE_")


def user() -> str:
    """The account the process runs as, with its domain on Windows; application pools have one."""
    if sys.platform == "win32":
        from iiswsgi import win32

        return win32.user_name()
    import pwd

    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # as in a container without that user
        return f"uid {number}"


def facts(environ: Mapping[str, str]) -> Iterator[str]:
    """Lines for the head of the log."""
    version = ".".join(map(str, sys.version_info[:3]))
    bits = struct.calcsize("P") * 8
    yield (
        f"iiswsgi {iiswsgi.__version__} on Python {version} ({bits} bit, {sys.platform}), "
        f"{sys.executable}"
    )
    # The thread's number is what tells whose the stacks of a crash are: they have no process.
    thread = f"main thread 0x{threading.main_thread().ident or 0:x}"
    yield f"process {os.getpid()}, as {user()}, in {_folder()}, {thread}"
    yield f"command line: {masked_words(sys.orig_argv)}"
    known = [f"{name}={environ[name]}" for name in _VARIABLES if name in environ]
    if known:
        yield ", ".join(known)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        return f"a folder that cannot be told ({error})"
