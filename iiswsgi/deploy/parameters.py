"""Parameters.xml: what the person who installs a package is asked, and where the answers go.

Only the file itself is looked at here; matches.py holds the entries against manifest and content.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from iiswsgi.deploy.expressions import TooSlow, compiled, matching
from iiswsgi.deploy.source import read_text
from iiswsgi.deploy.vocabulary import refuse_unknown
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import Element, parse

__all__ = ["Entry", "Parameter", "parse_parameters", "read_parameters"]

KINDS = (
    "ProviderPath", "TextFile", "XmlFile", "TextFilePosition", "DeploymentObjectAttribute",
    "DestinationBinding", "DestinationVirtualDirectory", "DestinationPhysicalPath",
    "SqlCommandVariable",
)  # fmt: skip
"""What Web Deploy can do with a value."""
EXPRESSIONS = ("ProviderPath", "TextFile")
"""The kinds whose match is a regular expression; that of an XmlFile is an XPath."""
NEED_MATCH = ("TextFile", "TextFilePosition", "XmlFile")
"""Without a match these would change nothing, or what nobody meant."""
VALIDATIONS = ("AllowEmpty", "Boolean", "Enumeration", "RegularExpression")
APPLICATION_TAG = "iisapp"


class Entry(NamedTuple):
    """One place that a parameter's value goes to."""

    kind: str
    scope: str
    """A regular expression on the names of providers or on the paths of files."""
    match: str
    """What is replaced there: a regular expression, or an XPath."""
    line: int


class Parameter(NamedTuple):
    """One question."""

    name: str
    description: str
    default: str | None
    """None: it must be answered. ``{Other Name}`` in it stands for another parameter's value."""
    tags: tuple[str, ...]
    """In lower case: ``iisapp``, ``hidden`` and so on."""
    entries: tuple[Entry, ...]
    line: int
    validations: tuple[str, ...] = ()
    """As Web Deploy writes them: ``Enumeration``, ``AllowEmpty`` and so on."""
    validation: str = ""
    """The values of an Enumeration, or the regular expression."""


def read_parameters(path: Path) -> tuple[Parameter, ...]:
    """The parameters of a Parameters.xml.

    :raises DeployError: D06, D13, D14, the file cannot be used as it stands.
    :raises ConfigError: C01, it is no well-formed XML.
    """
    return parse_parameters(read_text(path), str(path))


def parse_parameters(text: str, file: str) -> tuple[Parameter, ...]:
    """The same for a text that came from *file*."""
    root = parse(text.encode("utf-8"), file)
    if root.tag.lower() != "parameters":
        raise _wrong(file, root.line, f"the outermost element is <{root.tag}>, not <parameters>")
    refuse_unknown(root, file)
    parameters = tuple(_parameter(element, file) for element in root.children)
    _refuse_doubles(parameters, file)
    apps = [parameter for parameter in parameters if APPLICATION_TAG in parameter.tags]
    if len(apps) != 1:
        raise _wrong(
            file,
            apps[1].line if apps else root.line,
            f"one parameter must have the tag iisApp, to ask for the site; {len(apps)} have it",
        )
    return parameters


def _refuse_doubles(parameters: Sequence[Parameter], file: str) -> None:
    lines: dict[str, int] = {}
    for parameter in parameters:
        name = parameter.name.lower()  # case makes no difference in -setParam
        if name in lines:
            says = f"the parameter {parameter.name!r} is in line {lines[name]} already"
            raise _wrong(file, parameter.line, says)
        lines[name] = parameter.line


def _parameter(element: Element, file: str) -> Parameter:
    name = element.attributes.get("name", "")
    if not name.strip():
        raise _wrong(file, element.line, "a parameter has no name")
    tags = _split(element.attributes.get("tags", ""))
    # Tools for .NET Core write `value`.
    default = element.attributes.get("defaultValue", element.attributes.get("value"))
    if "hidden" in tags and default is None:
        text = f"the parameter {name!r} is hidden, so nobody can answer it; give a defaultValue"
        raise _wrong(file, element.line, text)
    entries = tuple(_entry(child, file) for child in _children(element, "parameterEntry"))
    validations, validation = _validation(element, file)
    if default and "{" not in default:  # else another parameter's value is to be put in
        _check_default(element, default, validations, validation, file)
    return Parameter(
        name=name,
        description=_description(element),
        default=default,
        tags=tags,
        entries=entries,
        line=element.line,
        validations=validations,
        validation=validation,
    )


def _description(element: Element) -> str:
    given = element.attributes.get("description", "")
    return given or next((child.text for child in _children(element, "description")), "")


def _entry(element: Element, file: str) -> Entry:
    attributes = element.attributes
    given = attributes.get("kind", attributes.get("type", ""))  # both are in use
    kind = _known(given, KINDS)
    if kind is None:
        text = f"a parameterEntry's kind is {given!r}; it can be {', '.join(KINDS)}"
        raise _wrong(file, element.line, text)
    entry = Entry(kind, attributes.get("scope", ""), attributes.get("match", ""), element.line)
    if kind in NEED_MATCH and not entry.match:
        raise _wrong(file, element.line, f"a {kind} entry has no match, so nothing to replace")
    compiled(entry.scope, file, element.line)
    if kind in EXPRESSIONS:
        compiled(entry.match, file, element.line)
    return entry


def _validation(element: Element, file: str) -> tuple[tuple[str, ...], str]:
    found = next(_children(element, "parameterValidation"), None)
    if found is None:
        return (), ""
    kinds = []
    for given in _split(found.attributes.get("type", found.attributes.get("kind", ""))):
        kind = _known(given, VALIDATIONS)
        if kind is None:
            text = f"a parameterValidation's type is {given!r}; it can be {', '.join(VALIDATIONS)}"
            raise _wrong(file, found.line, text)
        kinds.append(kind)
    text = found.attributes.get("validationString", "")
    for kind in kinds:
        if kind in ("Enumeration", "RegularExpression") and not text:
            says = f"a parameterValidation of the type {kind} has no validationString"
            raise _wrong(file, found.line, says)
    if "RegularExpression" in kinds:
        compiled(text, file, found.line)
    return tuple(kinds), text


def _check_default(
    element: Element, default: str, kinds: Sequence[str], validation: str, file: str
) -> None:
    allowed = {"Boolean": ("true", "false"), "Enumeration": tuple(_split(validation))}
    wrong = any(kind in allowed and default.strip().lower() not in allowed[kind] for kind in kinds)
    if "RegularExpression" in kinds:
        pattern = compiled(validation, file, element.line)
        # What takes too long to find out is not held against it.
        with contextlib.suppress(TooSlow):
            wrong |= pattern is not None and not matching(pattern, [default])
    if wrong:
        says = f"the default {default!r} is not what its parameterValidation allows"
        raise _wrong(file, element.line, says)


def _children(element: Element, tag: str) -> Iterator[Element]:
    """Those of that name in any case, as Web Deploy takes them."""
    return (child for child in element.children if child.tag.lower() == tag.lower())


def _known(given: str, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name.lower() == given.strip().lower()), None)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _wrong(file: str, line: int, says: str) -> DeployError:
    return DeployError("D13", f"{file}, line {line}: {says}")
