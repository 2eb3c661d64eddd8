"""The XML files that a project's author writes by hand, read as text; complaints name the file."""

from __future__ import annotations

import re
from pathlib import Path

from iiswsgi.errors import DeployError
from iiswsgi.iis.document import MAX_BYTES

__all__ = ["line_of", "read_text", "write_text"]

_DECLARATION = re.compile(r"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']")
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, its ends of lines as they are.

    :raises DeployError: D06, it cannot be read, is too large or in another encoding.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DeployError("D06", f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise DeployError("D06", f"{path} has more than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeployError("D06", f"{path} is not UTF-8: {error}; save it as such") from error
    declared = _DECLARATION.match(text)
    if declared and declared[1].lower() not in _UTF8:
        raise DeployError(
            "D06", f"{path} declares the encoding {declared[1]}; save it as UTF-8 and declare that"
        )
    return text


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, the ends of lines as they are in *text*.

    :raises DeployError: D06, it cannot be written.
    """
    try:
        path.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise DeployError("D06", f"{path} cannot be written: {error.strerror}") from error


def line_of(text: str, position: int) -> int:
    """The number of the line with the character at *position*; the first is 1."""
    return text.count("\n", 0, position) + 1
