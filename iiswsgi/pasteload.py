"""An application that exits while Paste loads it: an exception like any other, not the end.

Before Python ends over a ``SystemExit`` it asks no hook. Without this the web server would get no
answer, and the process would look as if all were well: ``sys.exit()`` is exit status 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["ExitWhileLoading", "tell_exit"]


class ExitWhileLoading(Exception):
    """The application called ``sys.exit`` while it was loaded; the SystemExit is its cause."""


def tell_exit(is_ours: Callable[[], bool]) -> None:
    """Let the next object that PasteDeploy loads, the application, raise instead of exit.

    :param is_ours: asked at a SystemExit: whether a signal's handler raised it, so that it is the
        end of the process after all.

    ``paster serve`` and ``pserve`` both load it so, once they have the server. PasteDeploy is
    never imported for this: without it nobody loads anything through it.
    """
    module: Any = sys.modules.get("paste.deploy.loadwsgi")
    if module is None:
        return
    load = module.loadobj

    def load_next(*args: Any, **kwargs: Any) -> Any:
        module.loadobj = load
        try:
            return load(*args, **kwargs)
        except SystemExit as error:
            if is_ours():
                raise
            raise ExitWhileLoading(f"sys.exit({error.code!r}) was called") from error

    module.loadobj = load_next
