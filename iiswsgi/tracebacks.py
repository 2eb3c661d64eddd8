"""What led to an exception, and its traceback as text, whatever the exception itself does.

The standard library's formatter raises for some, a SyntaxError of a template engine's whose source
is bytes for one; and an application may define attributes that raise. Neither may keep a failure
from being logged and answered.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

__all__ = ["as_text", "cause", "context", "info"]

_TRACEBACK: Any = BaseException.__dict__["__traceback__"]
_CAUSE: Any = BaseException.__dict__["__cause__"]
_CONTEXT: Any = BaseException.__dict__["__context__"]
_NAME: Any = type.__dict__["__name__"]


def info(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """*error* as :func:`sys.exc_info` gives it, and :mod:`logging` takes it."""
    return type(error), error, _TRACEBACK.__get__(error)


def cause(error: BaseException) -> BaseException | None:
    """What *error* was raised from."""
    found: BaseException | None = _CAUSE.__get__(error)
    return found


def context(error: BaseException) -> BaseException | None:
    """What was being handled when *error* was raised."""
    found: BaseException | None = _CONTEXT.__get__(error)
    return found


def as_text(error: BaseException) -> str:
    """The traceback as Python prints it; where that fails, the stack and the exception's name."""
    kind, _, trace = info(error)
    try:
        return "".join(traceback.format_exception(kind, error, trace))
    except BaseException as fault:  # an application may raise anything
        stack = "".join(traceback.format_tb(trace))
        why = _NAME.__get__(type(fault))
        return (
            f"Traceback (most recent call last):\n{stack}"
            f"{_NAME.__get__(kind)}: (Python's own formatter fails for it with {why})\n"
        )
