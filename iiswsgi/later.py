"""Modules of others that a start can do without, imported when something of them is asked for."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["METADATA_ADAPTERS", "import_later"]

METADATA_ADAPTERS = "importlib.metadata._adapters"
"""For a distribution's description, which few ask for, it imports the email package: a tenth of a
start. Those who look up entry points, as PasteDeploy does, never need it."""


def import_later(name: str) -> None:
    """Let the next ``import`` of *name* cost nothing, unless it has been imported already.

    What importlib.util.LazyLoader makes is loaded by the import statement itself before Python
    3.12 or so.
    """
    if name not in sys.modules:
        sys.modules[name] = module = _Later(name)
        module.__dict__["_stands_in"] = True


_leaving = threading.Lock()


class _Later(ModuleType):
    """Stands in for a module that nobody may ever use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module, by those who only look around
            raise AttributeError(f"module {self.__name__!r} has not been imported yet")
        with _leaving:  # of several threads one takes it away, before any imports the real one
            if self.__dict__.pop("_stands_in", False):
                del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)
