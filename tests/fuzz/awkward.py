"""Exceptions that cannot be shown, or looked at, as others can."""


def _angry(*names):
    """A class of exceptions whose methods *names* raise."""

    def fail(*_):
        raise RuntimeError("not to be looked at")

    return type("Angry", (Exception,), dict.fromkeys(names, fail))


def _interrupting():
    """A class of exceptions that end what asks for their cause."""

    def fail(*_):
        raise KeyboardInterrupt

    return type("Interrupting", (Exception,), {"__cause__": property(fail)})


def _caused_by(cause):
    error = ValueError("the last")
    error.__cause__ = cause
    return error


def _in_the_context_of(context):
    error = ValueError("the last")
    error.__context__ = context
    return error


AWKWARD = {
    "a template's bytes": lambda: SyntaxError("template", ("page.pt", 1, 1, b"<a")),
    "a line that is an object": lambda: SyntaxError("template", ("page.pt", 1, 1, object())),
    "no truth": lambda: _angry("__bool__")(),
    "no length": lambda: _angry("__len__")(),
    "no text": lambda: _angry("__str__", "__repr__")(),
    "no comparison": lambda: _angry("__eq__", "__hash__")(),
    "no attributes": lambda: _angry("__getattribute__")(),
    "a cause that interrupts": lambda: _interrupting()(),
    "a cause without truth": lambda: _caused_by(_angry("__bool__")()),
    "a context without truth": lambda: _in_the_context_of(_angry("__bool__")()),
    "a context without attributes": lambda: _in_the_context_of(_angry("__getattribute__")()),
}
"""By name: makes one."""
