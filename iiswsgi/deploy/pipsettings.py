"""pip's configuration while an application is installed: all of it but where to install.

An administrator's index and proxy must count. A ``target`` or ``prefix`` that is meant for
something else must not: pip would say that all went well, and IIS would find nothing.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import locale
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from iiswsgi import process

__all__ = ["VARIABLES", "pip_environment"]

log = logging.getLogger(__name__)

ELSEWHERE = ("target", "prefix", "root", "user", "python")
"""Settings by which pip installs somewhere else than for the Python that it is started with."""

VARIABLES = tuple(f"PIP_{name.upper()}" for name in ELSEWHERE)
"""The same as environment variables."""

SECONDS = 600.0
"""For pip to tell its settings, with a virus scanner that looks at all of it for the first time."""

_SETTING = re.compile(r"([\w-]+)\.([\w-]+)=('.*'|\".*\")", re.ASCII)
"""A line of `pip config list`; environment variables have other names there, and stay."""


@contextlib.contextmanager
def pip_environment(python: str, env: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Give the variables with which *python*'s pip installs for *python*, whatever pip.ini says.

    That is *env* itself where there is nothing to leave out, or no pip.
    """
    settings = _settings(python, env)
    left_out = [
        (section, name)
        for section, name in settings
        if section in ("global", "install") and name in ELSEWHERE and settings[section, name]
    ]
    if not left_out:
        yield env
        return
    log.info("pip's settings are left out: %s", ", ".join(map(".".join, left_out)))
    config = configparser.RawConfigParser()
    # Empty, they are as good as not there, and take the place of what other files say.
    for (section, name), value in {**settings, **dict.fromkeys(left_out, "")}.items():
        if not config.has_section(section):
            config.add_section(section)
        config.set(section, name, value)
    with tempfile.TemporaryDirectory(prefix="iiswsgi-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "pip.ini")
        with path.open("w", encoding=locale.getpreferredencoding(False)) as file:
            config.write(file)
        yield {**env, "PIP_CONFIG_FILE": str(path)}


def _settings(python: str, env: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What pip's files say, by section and name; nothing without a pip, which is told later."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    # An index's address may hold a password.
    done = process.run(command, timeout=SECONDS, env=env, check=False, level=None)
    if done.status != 0:
        return {}
    found = filter(None, map(_SETTING.fullmatch, done.text.splitlines()))
    return {(match[1], match[2]): str(ast.literal_eval(match[3])) for match in found}
