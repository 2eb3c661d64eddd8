"""The attributes of IIS's FastCGI elements: their names, what a value must be, where it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["APPLICATION", "HANDLER", "REQUIRED", "Converter", "Refused"]

Converter = Callable[[str], Any]


class Refused(ValueError):
    """The sentence about what a value must be."""


def _number(low: int, high: int = 0xFFFFFFFF) -> Converter:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
            raise Refused(f"must be a whole number from {low} to {high}")
        return int(text)

    return convert


def _one_of(*names: str) -> Converter:
    numbered = {str(number): name for number, name in enumerate(names)}

    def convert(text: str) -> str:
        name = numbered.get(text, text)
        if name not in names:
            raise Refused(f"must be one of {', '.join(names)}, spelt so")
        return name

    return convert


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Refused("must be true or false")
    return text.lower() == "true"


def _text(text: str) -> str:
    return text


def _needed(text: str) -> str:
    if not text:
        raise Refused("must not be empty")
    return text


# Attribute -> (field, converter). rapidFailsPerMinute is in the schema but not on the reference
# page, so no range is known for it.
APPLICATION: Mapping[str, tuple[str, Converter]] = {
    "fullPath": ("full_path", _needed),
    "arguments": ("arguments", _text),
    "maxInstances": ("max_instances", _number(0, 10000)),
    "idleTimeout": ("idle_timeout", _number(10, 604800)),
    "activityTimeout": ("activity_timeout", _number(10, 3600)),
    "requestTimeout": ("request_timeout", _number(10, 604800)),
    "instanceMaxRequests": ("instance_max_requests", _number(1, 10000000)),
    "queueLength": ("queue_length", _number(1, 10000000)),
    "monitorChangesTo": ("monitor_changes_to", _text),
    "signalBeforeTerminateSeconds": ("signal_before_terminate_seconds", _number(0)),
    "stderrMode": (
        "stderr_mode",
        _one_of("ReturnStdErrIn500", "ReturnGeneric500", "IgnoreAndReturn200", "TerminateProcess"),
    ),
    "protocol": ("protocol", _one_of("NamedPipe", "Tcp")),
    "flushNamedPipe": ("flush_named_pipe", _boolean),
    "rapidFailsPerMinute": ("rapid_fails_per_minute", _number(0)),
}

HANDLER: Mapping[str, tuple[str, Converter]] = {
    "name": ("name", _needed),
    "path": ("path", _needed),
    "verb": ("verb", _needed),
    "modules": ("modules", _text),
    "scriptProcessor": ("script_processor", _text),
    "resourceType": (
        "resource_type",
        _one_of("File", "Directory", "Either", "Unspecified"),
    ),
    "requireAccess": (
        "require_access",
        _one_of("None", "Read", "Write", "Script", "Execute"),
    ),
    "allowPathInfo": ("allow_path_info", _boolean),
    "responseBufferLimit": ("response_buffer_limit", _number(0)),
    "preCondition": ("pre_condition", _text),
    # For ISAPI and managed handlers; read so that it is no unknown name, and of no use here.
    "type": ("", _text),
}

REQUIRED = {"application": ("fullPath",), "add": ("name", "path", "verb")}
