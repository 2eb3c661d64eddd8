"""Who, where and what this process is: the facts that a report of trouble needs first."""

from __future__ import annotations

import os
import re
import struct
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

import iiswsgi

__all__ = ["facts", "user", "without_secrets"]

_VARIABLES = ("APP_POOL_ID", "IISEXPRESS_SITENAME", "_FCGI_X_PIPE_")

_SECRETIVE = ("passw", "pwd", "secret", "token", "credential", "apikey", "api_key", "api-key")
"""Parts of the names of what no log should have."""


def without_secrets(words: Sequence[str]) -> list[str]:
    """The words of a command line, values that are secret by their names replaced by ``***``.

    ``name=value``, alone or among others in a connection string; ``--name value``; and the password
    of a URL.
    """
    text = "\n".join(words).lower()
    if "://" not in text and not any(part in text for part in _SECRETIVE):
        return list(words)  # nearly always, and the patterns take long to compile
    name = rf"[\w.-]*(?:{'|'.join(_SECRETIVE)})[\w.-]*"
    shown: list[str] = []
    for word in words:
        if shown and re.fullmatch(f"--?{name}", shown[-1], re.IGNORECASE):
            shown.append("***")
            continue
        word = re.sub(rf"({name}\s*=\s*)[^;&]+", r"\1***", word, flags=re.IGNORECASE)
        shown.append(re.sub(r"(://[^/?#@:]*):[^/?#]*@", r"\1:***@", word))
    return shown


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
    yield f"command line: {without_secrets(sys.orig_argv)}"
    known = [f"{name}={environ[name]}" for name in _VARIABLES if name in environ]
    if known:
        yield ", ".join(known)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        return f"a folder that cannot be told ({error})"
