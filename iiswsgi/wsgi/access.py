"""The access log: one line for each request, with what its response was and how long it took.

The line is written before the last bytes of the response leave: IIS may end the process as soon as
it has them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from iiswsgi.wsgi.reply import Response, request_name

__all__ = ["Meter", "enable"]

log = logging.getLogger("iiswsgi.access")


def enable() -> None:
    """Let the lines through whatever the level of the log: who sets both wants them."""
    if not log.level:
        log.setLevel(logging.INFO)


class Meter:
    """A :class:`Response` whose head and bytes are noted on their way through.

    :param variables: the server variables, until there is an environ.
    """

    def __init__(self, response: Response, variables: Mapping[str, Any]) -> None:
        self._response = response
        self._began = time.perf_counter()
        self._status: int | None = None
        self._bytes = 0
        self._variables = variables
        self._name = ""

    def name(self, environ: Mapping[str, Any]) -> None:
        """Take method and path from *environ*, before the application changes it."""
        self._name = request_name(environ)

    def head(self, status: str, headers: list[tuple[str, str]]) -> None:
        """See :class:`iiswsgi.wsgi.reply.Response`."""
        self._status = int(status[:3])
        self._response.head(status, headers)

    def body(self, chunk: bytes) -> None:
        """See :class:`iiswsgi.wsgi.reply.Response`."""
        self._bytes += len(chunk)
        self._response.body(chunk)

    def flush(self) -> None:
        """See :class:`iiswsgi.wsgi.reply.Response`."""
        self._response.flush()

    def forget_body(self) -> None:
        """See :class:`iiswsgi.wsgi.reply.Response`."""
        self._response.forget_body()

    def check(self) -> None:
        """See :class:`iiswsgi.wsgi.reply.Response`."""
        self._response.check()

    def report(self) -> None:
        """Write the line."""
        name = self._name or request_name(self._variables)
        method, _, path = name.partition(" ")
        fields = {
            "method": method,
            "path": path,
            "status": self._status,
            "bytes": self._bytes,
            "ms": round((time.perf_counter() - self._began) * 1000, 1),
        }
        status = "-" if self._status is None else self._status
        log.info(
            "%s %s %d bytes %.1f ms",
            name,
            status,
            self._bytes,
            fields["ms"],
            extra={"iiswsgi_fields": fields},
        )
