"""A child process at the far end of a duplex stream, whatever the platform calls that stream."""

from __future__ import annotations

import sys

__all__ = ["Child", "one_core"]

if sys.platform == "win32":
    from child_windows import Child, one_core
else:
    from child_posix import Child, one_core
