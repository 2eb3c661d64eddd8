"""What ``iiswsgi serve`` was told to serve, when that is no INI file: a callable in a module.

The module is named or given by the path of its file. INI files are PasteDeploy's business; what
says that the text is one is that it has no form of ours.
"""

from __future__ import annotations

import importlib
import operator
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from iiswsgi.errors import SettingError
from iiswsgi.masking import masked_words

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Target", "parse"]

DEFAULT_ATTRIBUTE = "application"
"""What web servers that are given a file look for in it."""

_COROUTINE = 0x80
"""CO_COROUTINE of :mod:`inspect`, which is slow to import."""


class Target(NamedTuple):
    """A WSGI application by its place; exactly one of *module* and *path* is not empty."""

    text: str
    """As it was given, for the sentences; masked."""
    module: str
    """A dotted name."""
    path: str
    """Of a file with Python in it, absolute."""
    attribute: str
    """A dotted name in the module."""
    is_factory: bool
    """Whether the attribute is to be called, without arguments, for the application."""

    def load(self) -> Any:
        """Import the module, and give the application.

        :raises SettingError: S18 there is no such thing, S19 it is no WSGI application.
        """
        module = self._import_file() if self.path else self._import_module()
        try:
            found = operator.attrgetter(self.attribute)(module)
        except AttributeError as error:
            raise SettingError("S18", f"{self.text!r} cannot be served: {error}") from error
        if self.is_factory:
            self._check_callable(found)
            found = found()
        self._check_callable(found)
        self._check_synchronous(found)
        return found

    def _import_module(self) -> ModuleType:
        # As Python itself does for "python -m iiswsgi", unless told not to; not for the command.
        if not getattr(sys.flags, "safe_path", False):
            _put_first(os.getcwd())
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            if not f"{self.module}.".startswith(f"{error.name}."):
                raise  # the module is there; something that it wants is not
            raise SettingError(
                "S18",
                f"{self.text!r} cannot be served: there is no module {error.name!r} in any of "
                f"{os.pathsep.join(sys.path)}; install it for {sys.executable}, or put its folder "
                "into PYTHONPATH (<environmentVariables> of the FastCGI application)",
            ) from error

    def _import_file(self) -> ModuleType:
        from importlib import machinery, util  # modules that are named do without

        if not os.path.isfile(self.path):
            raise SettingError("S18", f"{self.text!r} cannot be served: there is no {self.path}")
        folder, file = os.path.split(self.path)
        # Such files take it that what lies beside them can be imported and opened by its name.
        _put_first(folder)
        os.chdir(folder)
        name = os.path.splitext(file)[0]
        if name in sys.modules:  # site.wsgi, say, must not stand in for Python's own module
            name = f"wsgi_file_{name}"
        loader = machinery.SourceFileLoader(name, self.path)
        module = util.module_from_spec(machinery.ModuleSpec(name, loader, origin=self.path))
        module.__file__ = self.path
        sys.modules[name] = module
        loader.exec_module(module)
        return module

    def _check_callable(self, found: object) -> None:
        if not callable(found):
            raise SettingError(
                "S19",
                f"{self.text!r} cannot be served: it comes to an object of type "
                f"{type(found).__name__!r}, which cannot be called",
            )

    def _check_synchronous(self, found: Any) -> None:
        """Say what is wrong with an ASGI application, which would only fail at each request."""
        for each in (found, type(found).__call__):
            if getattr(getattr(each, "__code__", None), "co_flags", 0) & _COROUTINE:
                raise SettingError(
                    "S19",
                    f"{self.text!r} cannot be served: it is an ASGI application, not a WSGI one; "
                    "wrap it in a2wsgi.ASGIMiddleware (docs/frameworks/fastapi.rst)",
                )


def parse(text: str) -> Target | None:
    r"""Read ``module:callable``, ``module:factory()`` or the path of a file; None: it is none.

    The form alone decides. A file's name ends with ``.py`` or ``.wsgi``, and what is to be served
    may follow a colon.

    >>> parse("mysite.wsgi:application").module
    'mysite.wsgi'
    >>> parse("mysite:create_app()").is_factory
    True
    >>> parse(r"C:\site\app.ini") is None
    True
    """
    if text.lower().endswith(".ini"):
        return None
    place, colon, attribute = text.removesuffix("()").rpartition(":")
    is_factory = text.endswith("()")
    if not colon or not _is_dotted_name(attribute):
        place, attribute, is_factory = text, DEFAULT_ATTRIBUTE, False
    extension = os.path.splitext(place)[1].lower()
    is_name = _is_dotted_name(place)
    shown = masked_words([text])[0]
    # mysite.wsgi:application is how Django's projects name theirs.
    if extension == ".py" or (extension == ".wsgi" and not (is_name and place != text)):
        return Target(shown, "", os.path.abspath(place), attribute, is_factory)
    if is_name and place != text:
        return Target(shown, place, "", attribute, is_factory)
    return None


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _put_first(folder: str) -> None:
    sys.path[:] = [folder, *(each for each in sys.path if each != folder)]
