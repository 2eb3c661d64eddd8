"""What a browser sees when a request cannot be answered by the application.

Plain pages without any of the application's data: what happened, the error id that is also in the
log, and where to look. Where the log lies is told only to somebody on the server itself; a
traceback only to the same, and only when the setting ``expose_tracebacks`` asks for it. Who that
is, ``docs/environ.rst`` explains under "Local requests".
"""

from __future__ import annotations

import logging
import os
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from iiswsgi import tracebacks
from iiswsgi.locality import is_local

__all__ = ["ErrorPage", "Page", "new_error_id"]

log = logging.getLogger(__name__)


class Page(NamedTuple):
    """A whole response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


_TEXTS = {
    "400 Bad Request": "The request does not say rightly how long it is, so it was not passed on.",
    "413 Content Too Large": "The request is larger than this site accepts.",
    "431 Request Header Fields Too Large": "The request's headers are too large for this site. "
    "In a browser, deleting the site's cookies may help.",
    "500 Internal Server Error": "The application failed, and could not answer this request.",
}
_NOT_LOADED = (
    "The application could not be loaded, so no request can be answered until the cause is removed."
)

_HTML = string.Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { font: 1.05rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 42rem; padding: 1.5rem }
h1 { font-size: 1.4rem }
p { overflow-wrap: anywhere }
pre { border: 1px solid; overflow-x: auto; padding: .75rem }
code, pre { font: .9em/1.45 ui-monospace, Consolas, monospace }
@media (max-width: 40rem) { pre { white-space: pre-wrap; overflow-wrap: anywhere } }
</style>
</head>
<body>
<h1>$title</h1>
$content
</body>
</html>
"""
)


def new_error_id() -> str:
    """Give a name for one failure, short enough to be read out on the telephone."""
    return os.urandom(4).hex()


def _text(variables: Mapping[str, Any], name: str) -> str:
    """Give a variable, or nothing if something else has been put in its place."""
    value = variables.get(name)
    return value if isinstance(value, str) else ""


class ErrorPage(NamedTuple):
    """Makes the pages; one for the life of the process."""

    log: str | None = None
    """Where the log is; None when nobody can tell."""
    expose_tracebacks: bool = False
    """Show the traceback, to local requests only."""

    def failed(
        self, variables: Mapping[str, Any], error_id: str, error: BaseException | None = None
    ) -> Page:
        """Give the 500 page for an application that raised.

        :param variables: as :func:`iiswsgi.locality.is_local` wants them.
        """
        trace = ""
        if error is not None and self._shows(variables):
            trace = tracebacks.as_text(error)
        status = "500 Internal Server Error"
        return self._page(variables, status, _TEXTS[status], error_id, trace)

    def refused(self, variables: Mapping[str, Any], status: str, error_id: str) -> Page:
        """Give the page for a request that was not served.

        :param status: ``400 Bad Request``, ``413 Content Too Large`` or ``431 Request Header Fields
            Too Large``.
        """
        return self._page(variables, status, _TEXTS[status], error_id, "")

    def not_loaded(
        self, error_id: str, error: BaseException | None = None
    ) -> Callable[..., Iterable[bytes]]:
        """Give a WSGI application that stands in for one that could not be loaded.

        :param error_id: the id in the log line that has the traceback.
        :param error: what loading it raised.
        """
        trace = "" if error is None else tracebacks.as_text(error)

        def stand_in(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
            shown = trace if self._shows(environ) else ""
            page = self._page(environ, "500 Internal Server Error", _NOT_LOADED, error_id, shown)
            start_response(page.status, page.headers)
            return [page.body]

        return stand_in

    def _shows(self, variables: Mapping[str, Any]) -> bool:
        return self.expose_tracebacks and is_local(variables)

    def _page(
        self, variables: Mapping[str, Any], status: str, text: str, error_id: str, trace: str
    ) -> Page:
        try:
            return self._dressed(variables, status, text, error_id, trace)
        except Exception as error:  # a file ipaddress.py of the application's is enough
            log.error("IISWSGI-W13: a page could not be made, and is a plain one: %r", error)
            return _whole("text/plain", status, _as_text(status, [(text, ""), _id(error_id)], ""))

    def _dressed(
        self, variables: Mapping[str, Any], status: str, text: str, error_id: str, trace: str
    ) -> Page:
        parts = [(text, ""), _id(error_id)]
        if self.log and is_local(variables):
            parts.append(("The cause is in the log on this server, beside this id:", self.log))
        else:
            parts.append(("The cause is in the server's log, beside this id.", ""))
        if "text/html" in _text(variables, "HTTP_ACCEPT"):
            return _whole("text/html", status, _as_html(status, parts, trace))
        return _whole("text/plain", status, _as_text(status, parts, trace))


def _id(error_id: str) -> tuple[str, str]:
    return "Error id:", error_id


def _whole(kind: str, status: str, body: str) -> Page:
    data = body.encode("utf-8", "backslashreplace")
    headers = [
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(data))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ]
    return Page(status, headers, data)


def _as_html(title: str, parts: list[tuple[str, str]], trace: str) -> str:
    lines = [
        f"<p>{_escape(words)} <code>{_escape(value)}</code></p>"
        if value
        else f"<p>{_escape(words)}</p>"
        for words, value in parts
    ]
    if trace:
        lines.append(f"<pre>{_escape(trace)}</pre>")
    return _HTML.substitute(title=_escape(title), content="\n".join(lines))


def _escape(text: str) -> str:
    """Do what ``html.escape`` does; that module may be one of the application's by now."""
    return text.translate(_ENTITIES)


_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def _as_text(title: str, parts: list[tuple[str, str]], trace: str) -> str:
    paragraphs = [title, *(f"{words} {value}".rstrip() for words, value in parts)]
    return "\n\n".join([*paragraphs, *filter(None, [trace])]) + "\n"
