"""Which requests IIS's request filtering refuses before any handler is asked.

Plays the five rules that people run into: length of the body, of the path and of the query,
double escaping, hidden segments. Limits are IIS's defaults or those of the web.config's
``<requestFiltering>``; file name extensions, verbs and filtering rules are not played.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from iiswsgi.errors import ConfigError
from iiswsgi.host.variables import HttpRequest, decode_path, split_target
from iiswsgi.iis import document

__all__ = ["Refusal", "RequestFilter", "read_filter"]

_SECTION = ("system.webServer", "security", "requestFiltering")
_LIMITS = {
    "maxAllowedContentLength": "max_content_length",
    "maxUrl": "max_url",
    "maxQueryString": "max_query_string",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused, and with what."""

    substatus: str
    """IIS's own number, ``404.13``."""
    sentence: str
    cure: str


@dataclass(frozen=True)
class RequestFilter:
    """The limits in force; the defaults are IIS's (MicrosoftDocs/iis-docs: requestFiltering)."""

    max_content_length: int = 30_000_000
    """Bytes of a request body."""
    max_url: int = 4096
    """Characters of the path as the client sent it, without the query."""
    max_query_string: int = 2048
    allow_double_escaping: bool = False
    hidden_segments: tuple[str, ...] = (
        "web.config",
        "bin",
        "App_code",
        "App_GlobalResources",
        "App_LocalResources",
        "App_WebReferences",
        "App_Data",
        "App_Browsers",
    )

    def refusal(self, request: HttpRequest) -> Refusal | None:
        """Return why IIS would refuse `request`, or None.

        :raises InvalidTarget: http.sys would refuse it even earlier.
        """
        raw_path, query = split_target(request.target)
        path = decode_path(raw_path)
        if request.content_length > self.max_content_length:
            return self.too_large(f"{request.content_length} bytes")
        if len(raw_path) > self.max_url:
            return _refusal("404.14", f"The path has {len(raw_path)} characters", "maxUrl")
        if len(query) > self.max_query_string:
            return _refusal("404.15", f"The query has {len(query)} characters", "maxQueryString")
        if not self.allow_double_escaping and ("+" in path or unquote(path) != path):
            return Refusal(
                "404.11",
                "The path would change if it were decoded twice, or holds a plus sign.",
                'Send a blank as %20, or set <requestFiltering allowDoubleEscaping="true">.',
            )
        hidden = {segment.lower() for segment in self.hidden_segments}
        for segment in path.split("/"):
            if segment.lower() in hidden:
                return Refusal(
                    "404.8",
                    f"The path has the segment {segment}, which IIS never serves.",
                    "Use another name, or take the segment out of <hiddenSegments>.",
                )
        return None

    def too_large(self, size: str) -> Refusal:
        """Return the refusal of a request body; `size` says how large it is."""
        return _refusal(
            "404.13",
            f"The request body has {size}, more than the {self.max_content_length} allowed",
            "maxAllowedContentLength",
        )


def read_filter(data: bytes, name: str) -> RequestFilter:
    """Return what the ``<requestFiltering>`` of a configuration file's content asks for.

    :param name: how messages call the file.
    :raises ConfigError: H39 a limit is no number; C01 as in :mod:`iiswsgi.iis.document`.
    """
    values: dict[str, Any] = {}
    segments = list(RequestFilter.hidden_segments)
    for section in document.parse(data, name).find_all(*_SECTION):
        if "allowDoubleEscaping" in section.attributes:
            text = section.attributes["allowDoubleEscaping"]
            values["allow_double_escaping"] = text.lower() == "true"
        for limits in section.find_all("requestLimits"):
            values.update(_limits(limits, name))
        for hidden in section.find_all("hiddenSegments"):
            segments = _segments(hidden, segments)
    return RequestFilter(**values, hidden_segments=tuple(segments))


def _limits(element: document.Element, name: str) -> dict[str, int]:
    values = {}
    for attribute, field in _LIMITS.items():
        text = element.attributes.get(attribute)
        if text is None:
            continue
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise ConfigError(
                "H39",
                f"{name}, line {element.line}, <requestLimits>: {attribute} must be a whole "
                "number of at most ten digits",
            )
        values[field] = int(text)
    return values


def _segments(element: document.Element, inherited: list[str]) -> list[str]:
    segments = list(inherited)
    for item in element.children:
        name = item.attributes.get("segment", "")
        if item.tag == "clear":
            segments.clear()
        elif item.tag == "remove":
            segments = [known for known in segments if known.lower() != name.lower()]
        elif item.tag == "add" and name:
            segments.append(name)
    return segments


def _refusal(substatus: str, sentence: str, attribute: str) -> Refusal:
    return Refusal(
        substatus,
        f"{sentence}.",
        f"Send less, or raise {attribute} of <requestLimits> in <requestFiltering>.",
    )
