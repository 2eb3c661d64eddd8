"""What holds for every test: which folders this machine can run at all."""

from __future__ import annotations

import sys

# Not skipped but left out: what another operating system is for is nothing missing here.
# `python3 dev.py test` runs tests/windows on Wine.
collect_ignore = (
    ["interop", "browser"]
    if sys.platform == "win32"
    else ["windows", "fastcgi/transport/test_pipe.py", "runtime/test_shutdown_event.py"]
)
