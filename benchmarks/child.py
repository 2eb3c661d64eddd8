"""A child process at the far end of a duplex stream, whatever the platform calls that stream."""

from __future__ import annotations

import sys

__all__ = ["Child"]

if sys.platform == "win32":
    from child_windows import Child
else:
    from child_posix import Child
