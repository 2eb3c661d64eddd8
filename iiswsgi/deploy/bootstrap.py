"""``iiswsgi_install``: what Web Deploy starts on the server once an application is unpacked."""

from __future__ import annotations

__all__ = ["main"]


def main() -> int:
    """Say that it is not there yet."""
    raise NotImplementedError("iiswsgi_install")
