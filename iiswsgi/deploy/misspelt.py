"""What is legal in Parameters.xml and yet looks like a slip: tags, and names in defaults."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterator, Sequence

from iiswsgi.deploy.parameters import Parameter
from iiswsgi.deploy.vocabulary import TAGS

__all__ = ["warn_of_slips"]

log = logging.getLogger(__name__)

_REFERENCE = re.compile(r"\{([^{}]+)\}")


def warn_of_slips(parameters: Sequence[Parameter], file: str) -> None:
    """Log a line for each; *file* is how it calls Parameters.xml."""
    names = {parameter.name.lower() for parameter in parameters}
    for parameter in parameters:
        for says in (*_tags(parameter), *_references(parameter, names)):
            log.warning(
                "IISWSGI-D54: %s, line %d: the parameter %r has %s",
                file,
                parameter.line,
                parameter.name,
                says,
            )


def _tags(parameter: Parameter) -> Iterator[str]:
    tags = {tag.lower(): tag for tag in TAGS}
    for tag in parameter.tags:
        close = difflib.get_close_matches(tag, tags, 1, 0.75)
        if close and tag not in tags:
            yield f"the tag {tag!r}, which Web Deploy does not know; did you mean {tags[close[0]]}?"


def _references(parameter: Parameter, names: set[str]) -> Iterator[str]:
    for name in _REFERENCE.findall(parameter.default or ""):
        if name.lower() not in names:
            yield f"{{{name}}} in its default, and no parameter is called {name!r}"
