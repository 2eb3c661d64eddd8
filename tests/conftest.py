"""What holds for every test: which folders this machine can run at all, what is about packages."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent

# Not skipped but left out: what another operating system is for is nothing missing here.
# `python3 dev.py test` runs tests/windows on Wine.
collect_ignore = (
    ["interop", "browser"]
    if sys.platform == "win32"
    else ["windows", "fastcgi/transport/test_pipe.py", "runtime/test_shutdown_event.py"]
)


def pytest_itemcollected(item):
    path = item.path.relative_to(TESTS)
    if path.parts[0] == "deploy" or path.stem.endswith(("_msdeploy", "_webpi")):
        item.add_marker("packages")
