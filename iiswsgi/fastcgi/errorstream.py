"""``wsgi.errors`` for the rare setting that wants the application's messages on FCGI_STDERR too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ErrorStream"]


class ErrorStream:
    """``wsgi.errors`` that goes to the log and, because a setting asks for it, to FCGI_STDERR.

    IIS turns any STDERR text into a 500 by default (``stderrMode``).
    """

    def __init__(self, log: TextIO, send: Callable[[bytes], None]) -> None:
        self._log = log
        self._send = send

    def write(self, text: str) -> int:
        """Write to both."""
        written = self._log.write(text)
        self._send(text.encode("utf-8", "backslashreplace"))
        return written

    def writelines(self, lines: list[str]) -> None:
        """Write each line to both."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the log; the record leaves with the response."""
        self._log.flush()
