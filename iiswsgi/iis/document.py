"""XML of IIS's tools as plain elements that know their line, and back; nothing of its meaning.

Built on expat directly, because ElementTree keeps no line numbers and every complaint about a
web.config should name one. A file is hostile input: no DOCTYPE (and so no entities, no external
files), bounded size and depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from iiswsgi.errors import ConfigError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Element", "parse", "to_xml"]

MAX_BYTES = 8 << 20
"""Bytes of one file. IIS refuses a web.config over 250 KB; an applicationHost.config with
thousands of sites has a few megabytes."""

MAX_DEPTH = 64
"""Nested elements. The deepest section of IIS's own schema has fewer than ten."""


@dataclass
class Element:
    """One element: its name, attributes, children, text and the line where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""
    """The characters directly inside it, those before, between and after its children joined."""

    def find_all(self, *tags: str) -> Iterator[Element]:
        """The elements at the end of a path of tags, in order of the document."""
        if not tags:
            yield self
            return
        for child in self.children:
            if child.tag == tags[0]:
                yield from child.find_all(*tags[1:])


class _Builder:
    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        # expat hands an undefined entity to this handler when there is one; without a DOCTYPE
        # there is none to define it, and it is an error.
        self._root = Element("", {}, 0)
        self._open = [self._root]
        self._texts: list[list[str]] = [[]]

    def parse(self, data: bytes) -> Element:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            raise ConfigError(
                "C01",
                f"{self._name}, line {error.lineno}: {expat.ErrorString(error.code)}; "
                "the file is no well-formed XML",
            ) from error
        except (LookupError, ValueError) as error:
            raise ConfigError(
                "C01",
                f"{self._name}: {error}; save the file as UTF-8 and declare no other encoding",
            ) from error
        return self._root.children[0]

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise ConfigError(
                "C01", f"{self._name}, line {self._line}: more than {MAX_DEPTH} nested elements"
            )
        element = Element(tag, attributes, self._line)
        self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)

    def _end(self, _tag: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def _refuse_doctype(self, *_args: Any) -> None:
        raise ConfigError(
            "C01",
            f"{self._name}, line {self._line}: a DOCTYPE has no place in IIS's configuration; "
            "remove it",
        )

    @property
    def _line(self) -> int:
        return int(self._parser.CurrentLineNumber)


def parse(data: bytes, name: str) -> Element:
    """The root element of a file's content; byte order marks and declared encodings are obeyed.

    :param name: how messages call the file.
    :raises ConfigError: C01, it is too large, not well-formed, or has a DOCTYPE.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(
            "C01", f"{name}: {len(data)} bytes; a configuration file has at most {MAX_BYTES}"
        )
    return _Builder(name).parse(data)


def to_xml(root: Element) -> str:
    """The file that *root* is the outermost element of: declared UTF-8, indented by two.

    An element's text stands before its children. What XML cannot hold at all, control characters,
    is the caller's to refuse.
    """
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    _write(root, "", lines)
    return "\n".join(lines) + "\n"


def _write(element: Element, indent: str, lines: list[str]) -> None:
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attributes.items())
    start, text = (
        f"{indent}<{element.tag}{attributes}",
        escape(element.text.strip(), {"\r": "&#13;"}),
    )
    if not element.children:
        lines.append(f"{start}>{text}</{element.tag}>" if text else f"{start}/>")
        return
    lines.append(f"{start}>{text}")
    for child in element.children:
        _write(child, indent + "  ", lines)
    lines.append(f"{indent}</{element.tag}>")
