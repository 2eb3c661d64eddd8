"""What settings ask for beyond the answer to a request; most processes never import it.

A line of the access log (``access_log``), the application's messages for the web server
(``stderr_records``), and events for IIS's Failed Request Tracing (``trace_records``).
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, TextIO

from iiswsgi.fastcgi.errorstream import ErrorStream
from iiswsgi.runtime import running
from iiswsgi.runtime.tracing import Tracing
from iiswsgi.wsgi import access

if TYPE_CHECKING:
    from iiswsgi.fastcgi.request import GatewayRequest
    from iiswsgi.runtime.logentry import Entry
    from iiswsgi.runtime.settings import Settings
    from iiswsgi.wsgi.reply import Response

__all__ = ["Extras"]


class Extras:
    """Stands beside every request of a server.

    :param errors: text stream for ``wsgi.errors``.
    """

    def __init__(self, settings: Settings, errors: TextIO) -> None:
        self._errors = errors if settings.stderr_records else None
        self._tracing = Tracing() if settings.trace_records else None
        self._counts = settings.access_log
        if self._counts:
            access.enable()

    def hear(self, entry: Entry) -> None:
        """An entry of the log."""
        if self._tracing is not None:
            self._tracing.add(entry)

    def begin(self, req: GatewayRequest) -> Response:
        """A request begins; what its response is to be written to."""
        if self._tracing is not None:
            self._tracing.begin()
        if not self._counts:
            return req.stdout
        meter = access.Meter(req.stdout, req.params)
        running.at_end(meter.report)
        return meter

    def dress(self, environ: dict[str, Any], response: Response, req: GatewayRequest) -> None:
        """The application is about to be called with *environ*."""
        if isinstance(response, access.Meter):
            response.name(environ)
        if self._errors is not None:
            environ["wsgi.errors"] = ErrorStream(self._errors, req.stderr.write)

    def finish(self, req: GatewayRequest) -> None:
        """The response is whole."""
        if self._tracing is not None:
            for stream in (sys.stdout, sys.stderr):  # a line may not have its newline yet
                with contextlib.suppress(Exception):  # of a stream of the application's own
                    stream.flush()
            req.send_stderr(self._tracing.take())
