"""What FCGI_STDERR does to a response, by ``stderrMode``; frames for tracing are taken out."""

from __future__ import annotations

import re

from iiswsgi.iis.config import StderrMode

__all__ = ["MAX_STDERR", "StderrText"]

MAX_STDERR = 1 << 20
"""Bytes of FCGI_STDERR kept; more is dropped."""

_EXCERPT = 500
_BEGIN = b"IIS_TRACE_"
_TRACE = re.compile(rb"IIS_TRACE_(INFO|WARNING|ERROR):(.*?):IIS_TRACE_END\s*", re.DOTALL)


class StderrText:
    """The FCGI_STDERR of one request."""

    def __init__(self, mode: StderrMode) -> None:
        self.mode: StderrMode = mode
        self._text = b""

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """Add what has come; level and text of each trace frame that is complete.

        Such text becomes an event of Failed Request Tracing in IIS 7.5 and later, and no error.
        """
        self._text = (self._text + data)[:MAX_STDERR]
        frames = _TRACE.findall(self._text)
        self._text = _TRACE.sub(b"", self._text)
        return [(level.decode().lower(), text.decode("utf-8", "replace")) for level, text in frames]

    @property
    def offends(self) -> bool:
        """Whether it makes an error of the response."""
        text = self._text.strip()
        # A frame may still get its end, at the latest with the next record.
        frame = text.startswith(_BEGIN) or _BEGIN.startswith(text)
        return bool(text) and not frame and self.mode != "IgnoreAndReturn200"

    @property
    def shown(self) -> bytes:
        """What the error page may show of it."""
        return self._text if self.mode == "ReturnStdErrIn500" else b""

    @property
    def excerpt(self) -> str:
        """The beginning, for the stand-in's own log."""
        return self._text.decode("utf-8", "replace").strip()[:_EXCERPT]
