"""The one way to run a child program: appcmd, msdeploy, pip, another Python.

The child gets no input and no window; what it prints is logged line by line as it comes, kept up to
a limit, and its time is bounded. Nothing is passed through a shell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from iiswsgi.errors import InstallError
from iiswsgi.masking import masked_words

__all__ = ["LONGEST_FOLDER", "MAX_OUTPUT", "Completed", "run"]

log = logging.getLogger(__name__)

MAX_OUTPUT = 16 << 20
"""Bytes of output that are kept, the last ones. appcmd's list of a server with ten thousand sites
has two or three megabytes."""

MAX_LINE = 64 << 10
"""Bytes that are logged as one line; a child that never ends a line must not fill the memory."""

LONGEST_FOLDER = 258
"""Characters of a current folder on Windows, where a process can have no longer one, whatever is
switched on for long paths (CreateProcess, lpCurrentDirectory; MAX_PATH)."""

PATIENCE = 10.0
"""Seconds for what is left in the pipe once the child has ended. A grandchild that goes on may
hold the pipe open for ever."""


class Completed(NamedTuple):
    """A child that has ended."""

    command: tuple[str, ...]
    status: int
    """Its exit status; negative on POSIX when a signal ended it."""
    output: bytes
    """What it wrote to STDOUT and STDERR, at most the last :data:`MAX_OUTPUT` bytes."""

    @property
    def text(self) -> str:
        """The output as text, its lines ended as Python ends them."""
        return "\n".join(_decoded(self.output).splitlines())


def run(
    command: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    level: int | None = logging.INFO,
    command_line: str | None = None,
    shown: str | None = None,
) -> Completed:
    """Run a program and wait for its end.

    :param timeout: seconds after which it is ended, with the processes that it has started.
    :param env: its whole environment; this process's by default.
    :param check: whether a status other than 0 is an error.
    :param level: at which its output is logged; None: not at all, as it may hold secrets.
    :param command_line: what Windows gets instead of the usual quoting of *command*, for a program
        that reads its command line in its own way.
    :param shown: what the log and errors show instead of *command*, masked.
    :raises InstallError: I01 it cannot be started, I02 its time is over, I03 its status, I04 the
        folder's path is too long.
    """
    shown = re.sub(r"\s*[\r\n]+\s*", " ", shown or subprocess.list2cmdline(masked_words(command)))
    log.info("running %s%s", shown, f"  (in {cwd})" if cwd else "")
    child = _start(command, command_line, cwd, env)
    output = bytearray()
    reader = threading.Thread(target=_read, args=(child.stdout, output, level), daemon=True)
    reader.start()
    try:
        status = child.wait(timeout)
    except subprocess.TimeoutExpired:
        raise InstallError(
            "I02", f"{shown} did not end within {timeout:.0f} seconds and was ended by force"
        ) from None
    finally:
        if child.poll() is None:
            _end_tree(child)
            child.wait()
        reader.join(PATIENCE)
    completed = Completed(tuple(command), status, bytes(output))
    log.debug("%s: status %d", shown, status)
    if check and status != 0:
        raise InstallError("I03", f"{shown} ended with status {status}{_last_words(completed)}")
    return completed


def _start(
    command: Sequence[str],
    command_line: str | None,
    cwd: Path | None,
    env: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    if sys.platform == "win32" and cwd is not None and len(str(cwd)) > LONGEST_FOLDER:
        raise InstallError(
            "I04",
            f"{command[0]} cannot be started in {cwd}: Windows starts no program in a folder whose "
            f"path has more than {LONGEST_FOLDER} characters. Install to a shorter path",
        )
    try:
        return subprocess.Popen(  # noqa: S603 - a list, never a shell
            command_line if command_line is not None and sys.platform == "win32" else command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            # A group of its own, so that all of it can be ended.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        # ValueError: a NUL character in an argument or a variable.
        reason = error.strerror if isinstance(error, OSError) else error
        raise InstallError("I01", f"{command[0]} cannot be started: {reason}") from error


def _read(stream: IO[bytes], output: bytearray, level: int | None) -> None:
    with stream:
        while line := stream.readline(MAX_LINE):
            output += line
            del output[:-MAX_OUTPUT]
            if level is not None and line.strip():
                log.log(level, "  %s", _decoded(line).rstrip())


def _decoded(data: bytes) -> str:
    """The text of what some program wrote to a pipe.

    Python and its tools write UTF-8 or the machine's encoding, Windows's own tools that of the
    console; nothing in the bytes says which.
    """
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    return data.decode(_OTHER_ENCODING, "replace")


def _last_words(completed: Completed) -> str:
    """The last line that says something, as most programs put their reason there."""
    lines = [line.strip() for line in completed.text.splitlines()]
    telling = [line for line in lines if line and not line.startswith(_PIPS_AFTERTHOUGHTS)]
    return f": {telling[-1][:500]}" if telling else " and printed nothing"


_PIPS_AFTERTHOUGHTS = ("hint:", "note:", "[notice]", "[end of output]")
"""How lines begin that pip prints after its reason."""


if sys.platform == "win32":
    _OTHER_ENCODING = "oem"

    def _end_tree(child: subprocess.Popen[bytes]) -> None:
        # Not TerminateProcess alone: a virtual environment's python.exe is a parent that waits.
        system = os.environ.get("SYSTEMROOT", r"C:\Windows")
        subprocess.run(  # noqa: S603 - a program of Windows, with a number
            [rf"{system}\System32\taskkill.exe", "/F", "/T", "/PID", str(child.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        child.kill()

else:
    _OTHER_ENCODING = "latin-1"

    def _end_tree(child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
