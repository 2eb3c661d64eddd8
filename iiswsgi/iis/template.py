"""A template such as ``web.config.in`` or ``Manifest.xml.in`` filled in; only named variables are.

The variable NAME is written ``%(NAME)s`` as in an INI file, or ``%NAME%`` as Windows does and
as the templates of older iiswsgi projects do; its case does not matter. ``%%`` is one percent
sign, so that ``%%SystemDrive%%`` reaches IIS as ``%SystemDrive%``. A name that nobody knows
stays as it is. On POSIX the backslashes that continue a path become slashes. Nothing is ever
written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from iiswsgi.errors import ConfigError

__all__ = ["Filled", "fill"]

_NAME = re.compile(
    r"(?:%\((?P<python>[A-Za-z_][A-Za-z0-9_]*)\)s|%(?P<windows>[A-Za-z_][A-Za-z0-9_()]*)%)"
    r"(?P<rest>(?:\\[^\\\"'<>&|;%]*)*)|%%"
)
"""A variable, with the Windows path that continues it; or an escaped percent sign."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMENT = re.compile(r"(<!--.*?-->)", re.DOTALL)


@dataclass(frozen=True)
class Filled:
    """The outcome of filling one template."""

    text: str
    used: Mapping[str, str]
    """The variables that occur in the template, with what was put there."""
    unknown: tuple[str, ...]
    """Names that occur and are not known; they were left as they stood, for IIS to expand."""

    def encoded(self, file: str) -> bytes:
        """The text in UTF-8.

        :param file: how the message calls the template.
        :raises ConfigError: C06, a value cannot be text: on POSIX a variable may have any bytes, on
            Windows half a pair of surrogates.
        """
        try:
            return self.text.encode()
        except UnicodeEncodeError as error:
            wrong = [name for name, value in self.used.items() if _SURROGATE.search(value)]
            raise ConfigError(
                "C06",
                f"{file}: the value of the variable {' or '.join(wrong)} is not UTF-8, as the file "
                "that it is put into must be; give it another value",
            ) from error


def fill(template: str, variables: Mapping[str, str], *, xml: bool = True) -> Filled:
    """Return `template` with each name replaced.

    :param xml: whether the template is XML. Values are escaped then, and comments are left alone:
        what they mention is prose, and a value with ``--`` would end them.
    """
    known = {name.upper(): value for name, value in variables.items()}
    used: dict[str, str] = {}
    unknown: dict[str, None] = {}

    def replacement(match: re.Match[str]) -> str:
        name = match["python"] or match["windows"]
        if name is None:
            return "%"
        if name.upper() not in known:
            unknown[name] = None
            return match[0]
        value = used[name] = known[name.upper()]
        # Only a POSIX path begins so; on Windows nothing is changed.
        rest = match["rest"].replace("\\", "/") if value.startswith("/") else match["rest"]
        return (escape(value, {'"': "&quot;", "'": "&apos;"}) if xml else value) + rest

    parts = _COMMENT.split(template) if xml else [template]
    parts[::2] = [_NAME.sub(replacement, part) for part in parts[::2]]
    return Filled("".join(parts), used, tuple(unknown))
