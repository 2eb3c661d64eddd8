"""The files that a project's author writes by hand, read as text; complaints name the file."""

from __future__ import annotations

import re
from pathlib import Path

from iiswsgi.errors import DeployError
from iiswsgi.iis.document import MAX_BYTES

__all__ = ["line_of", "read_bytes", "read_text", "refuse_left_over", "write_text"]

_DECLARATION = re.compile(r"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']")
_VARIABLE = re.compile(r"%\((\w+)\)s")
_COMMENT_OR_VARIABLE = re.compile(r"<!--.*?-->|%\((\w+)\)s", re.DOTALL)
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, its ends of lines as they are.

    :raises DeployError: D06, it cannot be read, is too large or in another encoding.
    """
    data = read_bytes(path, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise DeployError("D06", f"{path} has more than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DeployError(
            "D06", f"{path}, line {line}, is not UTF-8: {error.reason}; save it as such"
        ) from error
    declared = _DECLARATION.match(text)
    if declared and declared[1].lower() not in _UTF8:
        raise DeployError(
            "D06",
            f"{path}, line 1, declares the encoding {declared[1]}; save it as UTF-8 and declare "
            "that",
        )
    return text


def read_bytes(path: Path, limit: int) -> bytes:
    """What is in a file; one byte more than *limit* if it is larger than that.

    :raises DeployError: D06, it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise DeployError("D06", f"{path} cannot be read: {error.strerror}") from error


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


def refuse_left_over(text: str, file: str, *, xml: bool = True) -> None:
    """Complain about a variable that a template's filling has left in *text*.

    ``%NAME%`` may be meant for another machine; ``%(NAME)s`` is nobody's but ours.

    :param xml: whether comments are to be passed over.
    :raises DeployError: D09, there is one.
    """
    for match in (_COMMENT_OR_VARIABLE if xml else _VARIABLE).finditer(text):
        if match[1]:
            raise DeployError(
                "D09",
                f"{file}, line {line_of(text, match.start())}: nothing is known of the variable "
                f"{match[1]}; name it in build_msdeploy's option variables, or write %{match[1]}% "
                "if it is the target machine's",
            )
