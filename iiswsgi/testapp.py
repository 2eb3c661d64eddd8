"""The test application: one page that shows the WSGI environ, to check an installation.

It reads nothing but its environ and the process it runs in. What is secret by its name, such as
passwords, cookies and credentials, is hidden: as a variable, in a query, and in what repeats all
headers; so are passwords in URLs. ``?format=text`` gives the same as plain text.
"""

from __future__ import annotations

import getpass
import html
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from iiswsgi import __version__
from iiswsgi.masking import is_secret, masked_words

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

__all__ = ["make_test_app"]

_ALL_HEADERS = ("ALL_HTTP", "ALL_RAW")
"""Variables of IIS that repeat the cookies, among other headers."""

_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    # The page holds text from the request; should escaping ever fail, nothing in it may run.
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
)

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>iiswsgi test application</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
         border-bottom: 1px solid #8886; overflow-wrap: anywhere; }}
th {{ font-weight: 600; width: 35%; }}
#environ {{ font: 14px/1.45 ui-monospace, monospace; }}
@media (max-width: 40rem) {{ th, td {{ display: block; width: auto; }} th {{ border: 0; }} }}
</style>
</head>
<body>
<h1>This page was served by Python</h1>
<p>The iiswsgi test application runs, so the web server, the gateway and Python fit together.
<a href="?format=text">The same as plain text.</a></p>
<table id="summary">
{summary}
</table>
<p>{trouble}</p>
<h2>WSGI environ</h2>
<table id="environ">
{environ}
</table>
</body>
</html>
"""


_TROUBLE = (
    "When an application fails instead, its page shows an error id. The cause is in the log, beside"
    " this id; on the server, python -m iiswsgi log finds the log and prints it."
)


def make_test_app(global_conf: dict[str, str], **local_conf: str) -> WSGIApplication:
    """Make the page, as ``egg:iiswsgi#test_app``.

    It has no settings. What its section holds is ignored, so that the ``use`` line of any
    application can be pointed here for a check and back again.
    """
    del global_conf, local_conf
    return _application


def _application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    query = parse_qs(environ.get("QUERY_STRING", ""))
    as_text = query.get("format") == ["text"]
    rows = [(_printable(name), _shown(name, environ[name])) for name in sorted(environ)]
    page = _text(_summary(environ), rows) if as_text else _html(_summary(environ), rows)
    body = page.encode("utf-8", "backslashreplace")
    content_type = "text/plain" if as_text else "text/html"
    start_response(
        "200 OK",
        [
            ("Content-Type", f"{content_type}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            *_HEADERS,
        ],
    )
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _summary(environ: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("Python", f"{sys.version.split()[0]}, {sys.executable}"),
        ("iiswsgi", __version__),
        ("Web server", str(environ.get("SERVER_SOFTWARE") or "unknown")),
        ("Process", str(os.getpid())),
        ("Identity", _identity()),
        ("Mount point", _readable(environ.get("SCRIPT_NAME", "")) or "/ (the root of the site)"),
        ("Path", _readable(environ.get("PATH_INFO", ""))),
    ]
    return [(name, _printable(value)) for name, value in rows]


def _identity() -> str:
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # no such variable, no such account
        user = "unknown"
    pool = os.environ.get("APP_POOL_ID")
    return f"{user}, application pool {pool}" if pool else user


def _readable(value: str) -> str:
    """Undo the latin-1 that PEP 3333 wraps the bytes of a path in."""
    return _masked(value.encode("latin-1", "replace").decode("utf-8", "backslashreplace"))


def _shown(name: str, value: object) -> str:
    if not isinstance(value, str):
        # Of anything larger only the kind: what middleware puts here may hold the application's
        # data, such as PasteDeploy's ``paste.config`` with the address of a database.
        return repr(value) if _is_plain(value) else f"({type(value).__name__})"
    if value and (name in _ALL_HEADERS or is_secret(name)):
        return "(hidden)"
    return _printable(_masked(value))


def _masked(value: str) -> str:
    """*value* without what is secret in it, be it a query or a URL."""
    for text in (unquote(value), value):  # escapes can hide a name, or what stands behind it
        [shown] = masked_words([text])
        if shown != text:
            return shown
    return value


def _is_plain(value: object) -> bool:
    """Whether it is a switch, a number, or a tuple of those as ``wsgi.version`` is."""
    kinds = (bool, int, float, type(None))
    return isinstance(value, kinds) or (type(value) is tuple and all(map(_is_plain, value)))


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _text(summary: list[tuple[str, str]], rows: list[tuple[str, str]]) -> str:
    lines = [f"{name}: {value}" for name, value in summary]
    lines += [_TROUBLE, "", *(f"{name} = {value}" for name, value in rows), ""]
    return "\n".join(lines)


def _html(summary: list[tuple[str, str]], rows: list[tuple[str, str]]) -> str:
    return _PAGE.format(
        summary=_table(summary), trouble=html.escape(_TROUBLE), environ=_table(rows)
    )


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
