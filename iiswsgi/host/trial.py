"""One GET to an installed application through a real worker, as IIS would send it.

What ``iiswsgi request`` does for a person, for a program: the command ``test_msdeploy``.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from iiswsgi.host.command import opened
from iiswsgi.host.definition import Definition, load
from iiswsgi.host.filtering import RequestFilter
from iiswsgi.host.request import PATIENCE, request_from, show_answer, show_worker
from iiswsgi.host.site import Site
from iiswsgi.host.variables import HttpRequest
from iiswsgi.iis.config import FastCgiApplication, Handler, SiteConfig

__all__ = ["request_for", "try_ini", "try_site"]

log = logging.getLogger(__name__)

MAX_IN_MEMORY = 1 << 20
"""Bytes of an answer; more of it go to a file."""

_FAILED = re.compile(r"\S.*IISWSGI-W0[1235]: ")
"""A record of a failed application: an exception, or a body that is not what was promised."""


def request_for(url: str) -> HttpRequest:
    """A plain GET.

    :raises SettingError: H41, this is no URL.
    """
    return request_from(argparse.Namespace(url=url, method="GET", header=[], data=None), b"")


def try_site(site: Path, url: str, out: BinaryIO) -> bool:
    """Ask for *url* as the site's ``web.config`` has it; whether it was answered without a fault.

    A whole answer below 500 must come, and the worker's log must not tell of a failure: one in
    ``close()`` does not show in the answer.

    :param out: any other answer goes there; the worker's log and its end then go to STDERR.
    :raises SettingError: H31 no such site, H41 no such URL.
    :raises ConfigError: the site's files.
    """
    return _ask(load(site, os.environ), url, out)


def try_ini(ini: Path, url: str, out: BinaryIO) -> bool:
    """Ask the application of an INI file, served by this Python; else as :func:`try_site`."""
    arguments = f'-m iiswsgi serve "{ini}"'
    application = FastCgiApplication(sys.executable, arguments, max_instances=1)
    handler = Handler(
        "iiswsgi", "*", "*", "FastCgiModule", script_processor=f"{sys.executable}|{arguments}"
    )
    config = SiteConfig((application,), (handler,), (), str(ini))
    return _ask(Definition(ini.parent, config, RequestFilter()), url, out)


def _ask(definition: Definition, url: str, out: BinaryIO) -> bool:
    request = request_for(url)
    with (
        tempfile.TemporaryDirectory(prefix="iiswsgi-test-", ignore_cleanup_errors=True) as folder,
        tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as answer,
        opened(definition, Path(folder), patience=PATIENCE) as site,
    ):
        answered = show_answer(site, request, b"", cast(BinaryIO, answer)) and not _failed(site)
        answer.seek(0)
        log.info("answered: %s", answer.readline().decode("latin-1").strip())
        if not answered:
            answer.seek(0)
            shutil.copyfileobj(answer, out)
            out.flush()
            show_worker(site)
    return answered


def _failed(site: Site) -> bool:
    """Whether a worker's log tells of a failure; the workers are ended, so that it is all there."""
    site.close()
    return any(_FAILED.match(line) for pool in site.pools() for line in pool.log_lines())
