"""Server variables become a PEP 3333 environ; a pure function.

What each variable turns into, and why, is a table in ``docs/environ.rst``. Paths are the business
of :mod:`iiswsgi.wsgi.paths`; the streams and the process (``wsgi.input`` and so on) are added by
the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iiswsgi.errors import BadRequest
from iiswsgi.wsgi.paths import cgi_paths, iis_paths, raw_path_of

__all__ = ["make_environ"]

_MAX_LENGTH_DIGITS = 18
"""Digits in a Content-Length: an exabyte less one. Python refuses to convert numbers of thousands
of digits with an error of its own, and no signed 64-bit integer overflows below this."""

_NEVER_PASSED_ON = (
    "AUTH_PASSWORD",  # the clear-text password under Basic authentication
    "HTTP_PROXY",  # a client's Proxy header, which libraries take for their own setting (httpoxy)
    "HTTP_CONTENT_LENGTH",  # these two are not names of CGI; the twins without HTTP_ are
    "HTTP_CONTENT_TYPE",
    "HTTP_TRANSFER_ENCODING",  # the web server has taken the chunks apart (RFC 3875, 4.1.18)
)

_EMPTY_MEANS_ABSENT = (
    "HTTPS",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REMOTE_USER",
    "REMOTE_HOST",
    "AUTH_TYPE",
    "AUTH_USER",
    "LOGON_USER",
    "CERT_COOKIE",
    "CERT_FLAGS",
    "CERT_ISSUER",
    "CERT_SERIALNUMBER",
    "CERT_SUBJECT",
    "HTTPS_KEYSIZE",
    "HTTPS_SECRETKEYSIZE",
    "HTTPS_SERVER_ISSUER",
    "HTTPS_SERVER_SUBJECT",
)
"""IIS sends its whole list with each request; an empty string among these says "there is none"."""

_REQUIRED = (
    ("REQUEST_METHOD", "GET"),
    ("SERVER_NAME", "localhost"),
    ("SERVER_PROTOCOL", "HTTP/1.0"),
)
"""What PEP 3333 wants to be there and not empty, for web servers that leave it out."""


def make_environ(variables: Mapping[str, str], *, script_name: str | None = None) -> dict[str, Any]:
    """Give the CGI part of the environ, ``wsgi.version`` and ``wsgi.url_scheme``.

    :param variables: the server variables as they came, each byte one latin-1 character.
    :param script_name: the mount point when the administrator states it: ``/app/sub``, or an empty
        string for the root; None to find it out.
    :raises BadRequest: when the length of the body is no number, or is stated twice differently.
    """
    environ: dict[str, Any] = dict(variables)
    _set_length(environ)
    get, pop = environ.get, environ.pop  # asked some thirty times a request
    for name in _NEVER_PASSED_ON:
        pop(name, None)
    for name in _EMPTY_MEANS_ABSENT:
        if get(name) == "":
            del environ[name]
    for name, default in _REQUIRED:
        if not environ.get(name):
            environ[name] = default
    if "QUERY_STRING" not in environ:
        environ["QUERY_STRING"] = ""
    _set_scheme(environ)
    _set_paths(environ, script_name)
    environ["wsgi.version"] = (1, 0)
    return environ


def _set_length(environ: dict[str, Any]) -> None:
    """Leave a CONTENT_LENGTH that is a number, or empty, or none."""
    length = environ.get("CONTENT_LENGTH")
    if length == "-1":  # IIS, of a body that came in chunks: only its end tells the length
        del environ["CONTENT_LENGTH"]
        return
    header = environ.get("HTTP_CONTENT_LENGTH")
    if not length and "HTTP_TRANSFER_ENCODING" in environ:
        header = None  # beside chunks it says nothing (RFC 9112, section 6.3)
    for value in (length, header):
        if value and not (value.isdecimal() and len(value) <= _MAX_LENGTH_DIGITS):
            # Not the value: what is no number may be anything.
            raise BadRequest(
                "W10", f"the Content-Length of the request, {len(value)} characters, is no number"
            )
    if length and header and int(length) != int(header):
        raise BadRequest(
            "W10",
            f"the request states two lengths of its body, {length} and {header}: a proxy in front "
            "may have believed the other one; look for what adds the second",
        )


def _set_scheme(environ: dict[str, Any]) -> None:
    """Set ``wsgi.url_scheme``; leave HTTPS only where it says yes."""
    https = environ.get("HTTPS")
    if https:
        secure = https.lower() in ("on", "1", "yes", "true")
    else:
        secure = (
            environ.get("SERVER_PORT_SECURE") == "1" or environ.get("REQUEST_SCHEME") == "https"
        )
    if https and not secure:
        # "off" is a true value in Python, and ``if environ.get("HTTPS")`` a common mistake.
        del environ["HTTPS"]
    environ["wsgi.url_scheme"] = "https" if secure else "http"
    if not environ.get("SERVER_PORT"):
        environ["SERVER_PORT"] = "443" if secure else "80"


def _set_paths(environ: dict[str, Any], script_name: str | None) -> None:
    """Set SCRIPT_NAME and PATH_INFO; what the server said stays under keys of our own."""
    sent_script = environ.get("SCRIPT_NAME", "")
    sent_info = environ.get("PATH_INFO", "")
    if "APPL_MD_PATH" in environ or environ.get("SERVER_SOFTWARE", "").startswith("Microsoft-IIS"):
        script, info, raw_path = iis_paths(environ, script_name)
    else:
        script, info = cgi_paths(environ, script_name)
        uri = environ.get("REQUEST_URI")
        raw_path = raw_path_of(uri) if uri else None
    environ["SCRIPT_NAME"] = script
    environ["PATH_INFO"] = info
    environ["iiswsgi.script_name"] = sent_script
    environ["iiswsgi.path_info"] = sent_info
    if raw_path is not None:
        environ["iiswsgi.raw_path"] = raw_path
