"""Modules of others that a start can do without, imported when something of them is asked for."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["PASTE_DEPLOY_SPARES", "spared"]

PASTE_DEPLOY_SPARES = ("importlib.metadata._adapters", "inspect", "json", "zipfile")
"""What PasteDeploy imports, by way of importlib.metadata for the most part, and needs for no usual
INI file: the first, for instance, brings the email package, for the descriptions of distributions.
Together they are a tenth of a start."""


@contextlib.contextmanager
def spared(*names: str) -> Iterator[None]:
    """Within the block an ``import`` of these modules costs nothing, unless there has been one.

    What is imported in the block keeps a stand-in for them; nobody else gets to see it. (What
    importlib.util.LazyLoader makes is loaded by the import statement itself before Python 3.12.)
    """
    stand_ins = [_Later(name) for name in names if name not in sys.modules]
    sys.modules.update((each.__name__, each) for each in stand_ins)
    try:
        yield
    finally:
        for each in stand_ins:
            each.leave()


_leaving = threading.Lock()


class _Later(ModuleType):
    """Stands in for a module that nobody may ever use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module, by those who only look around
            raise AttributeError(f"module {self.__name__!r} has not been imported yet")
        self.leave()
        return getattr(import_module(self.__name__), name)

    def leave(self) -> None:
        """Make way for the module itself."""
        with _leaving:  # of several threads one does it, before any imports the module
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
