"""Pools of hand-written workers, always closed."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from iiswsgi.host.modes import Modes
from iiswsgi.host.pool import Pool
from iiswsgi.iis.config import FastCgiApplication

ECHO = Path(__file__).with_name("children") / "echo.py"


class PoolUnderTest(Pool):
    """A pool whose requests are one call, and whose events can be waited for."""

    def ask(self, do="", body=None, **variables):
        """The reply to one request, its body as ``text``."""
        given = [("DO", do), *variables.items()]
        reply = self.exchange(given, None if body is None else io.BytesIO(body).read)
        try:
            reply.text = b"".join(reply.body)
        finally:
            reply.close()
        return reply

    def wait_for(self, part, seconds=20):
        deadline = time.monotonic() + seconds
        while not any(part in event for event in self.events):
            assert time.monotonic() < deadline, f"{part!r} not in {self.events}"
            time.sleep(0.02)


@pytest.fixture
def make_pool(tmp_path):
    """Make a pool of echo.py's; keywords are FastCgiApplication's, and arguments for echo.py."""
    pools = []
    site = tmp_path / "site"
    site.mkdir()

    def make(*arguments, modes=None, response_buffer_limit=4194304, **fields):
        fields.setdefault("full_path", sys.executable)
        fields.setdefault("arguments", " ".join([f'"{ECHO}"', *arguments]))
        pool = PoolUnderTest(
            FastCgiApplication(**fields),
            site_folder=site,
            log_folder=tmp_path / "home",
            modes=modes or Modes(tick=0.05),
            response_buffer_limit=response_buffer_limit,
        )
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()
