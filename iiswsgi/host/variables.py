"""An HTTP request as the server variables that IIS sends to a FastCGI process.

Pure functions: nothing is read but the arguments. Names, their order and their values follow
what users of IIS 8 to 10 have posted: every request header, what modules added, then a fixed
list in which a variable without a value is sent as an empty string, not left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from iiswsgi.iis.mapping import match_path

__all__ = [
    "FIXED_NAMES",
    "HttpRequest",
    "InvalidTarget",
    "Place",
    "Rewrite",
    "decode_path",
    "make_variables",
    "split_target",
]

SERVER_SOFTWARE = "Microsoft-IIS/10.0"
REWRITE_MODULE_VERSION = "7.1.1993.2351"

_LIST = """
APPL_MD_PATH APPL_PHYSICAL_PATH AUTH_TYPE AUTH_PASSWORD AUTH_USER CERT_COOKIE CERT_FLAGS
CERT_ISSUER CERT_SERIALNUMBER CERT_SUBJECT CONTENT_LENGTH CONTENT_TYPE DOCUMENT_ROOT
GATEWAY_INTERFACE HTTPS HTTPS_KEYSIZE HTTPS_SECRETKEYSIZE HTTPS_SERVER_ISSUER
HTTPS_SERVER_SUBJECT INSTANCE_ID INSTANCE_NAME INSTANCE_META_PATH LOCAL_ADDR LOGON_USER
PATH_INFO PATH_TRANSLATED QUERY_STRING REMOTE_ADDR REMOTE_HOST REMOTE_PORT REMOTE_USER
REQUEST_METHOD REQUEST_URI SCRIPT_FILENAME SCRIPT_NAME SERVER_NAME SERVER_PORT
SERVER_PORT_SECURE SERVER_PROTOCOL SERVER_SOFTWARE URL
"""

FIXED_NAMES = tuple(_LIST.split())
"""The names that end every list of variables, in IIS's order."""


class InvalidTarget(ValueError):
    """A request target which http.sys refuses before IIS sees it; the text says why."""


@dataclass(frozen=True)
class HttpRequest:
    """One request as it came over HTTP; each byte of the wire is one latin-1 character."""

    method: str
    target: str
    """What follows the method on the request line: ``/caf%C3%A9?x=1``."""
    headers: Sequence[tuple[str, str]] = ()
    """In the order of the wire, names spelled as the client did; also Content-Length."""
    content_length: int = 0
    """Bytes of the body; 0 when there is none, -1 when it came in chunks."""
    protocol: str = "HTTP/1.1"
    remote_addr: str = "127.0.0.1"
    remote_port: int = 49152
    local_addr: str = "127.0.0.1"
    server_port: int = 80


@dataclass(frozen=True)
class Place:
    """Where the application stands: in IIS's tree of sites, and on disk."""

    folder: str
    """The application's folder, without a separator at its end."""
    virtual_path: str = ""
    """``""`` for the site's root, else ``/app`` or ``/app/sub``."""
    site_name: str = "Default Web Site"
    site_id: int = 1
    separator: str = os.sep
    """A backslash on Windows."""


@dataclass(frozen=True)
class Rewrite:
    """What the URL Rewrite module adds.

    The module's version comes with every request, the rest only with one whose URL it changed.
    """

    original: str | None = None
    """The target before the rewrite, raw and with the query; None: not rewritten."""


def make_variables(
    request: HttpRequest,
    place: Place,
    *,
    handler_path: str = "*",
    allow_path_info: bool = False,
    utf8_names: Collection[str] = (),
    rewrite: Rewrite | None = None,
) -> list[tuple[str, str]]:
    """Return IIS's server variables for `request`, in IIS's order.

    Values are latin-1 text, one character a byte, as they go over the wire.

    :param handler_path: the handler's ``path``; the script's name ends with what it covers.
    :param allow_path_info: the handler's ``allowPathInfo``: PATH_INFO is then only what follows
        the script's name. Without it both are the whole path when the handler stands on ``*``.
    :param utf8_names: the variables in the registry value ``FastCGIUtf8ServerVariables``; a
        character outside ASCII goes out as UTF-8 in these, and as ``?`` in every other.
    :param rewrite: given when the URL Rewrite module is to be played.
    :raises InvalidTarget: http.sys would answer 400 itself.
    """
    raw_path, query = split_target(request.target)
    path = decode_path(raw_path)
    within = len(place.virtual_path)
    script = path[:within] + (match_path(handler_path, path[within:]) or path[within:])
    path_info = path[len(script) :] if allow_path_info else path
    values = {
        **_constants(place),
        **_connection(request),
        "CONTENT_TYPE": _header(request, "content-type"),
        "CONTENT_LENGTH": str(request.content_length),
        "PATH_INFO": path_info,
        "PATH_TRANSLATED": _physical(path_info, place),
        "QUERY_STRING": query,
        "REQUEST_URI": raw_path + ("?" + query if query else ""),
        "SCRIPT_FILENAME": _physical(script, place),
        "SCRIPT_NAME": script,
        "URL": script,
    }
    fixed = [(n, _encode(values.get(n, ""), utf8=n in utf8_names)) for n in FIXED_NAMES]
    return _header_variables(request, rewrite) + _rewrite_variables(rewrite) + fixed


def split_target(target: str) -> tuple[str, str]:
    """Cut a request target into its raw path and its query, an absolute URL's host taken off."""
    target = target.partition("#")[0]
    absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*", target)
    if absolute:
        target = target[absolute.end() :]
    path, _, query = target.partition("?")
    return path or "/", query


def decode_path(raw_path: str) -> str:
    """Return the path as http.sys hands it on: decoded from UTF-8, dot segments resolved.

    Bytes that are no UTF-8 are read as Windows-1252, http.sys's second try in western setups.

    :raises InvalidTarget: a broken escape, a control character, or a way out of the root.
    """
    broken = re.search(r"%(?![0-9A-Fa-f]{2})", raw_path)
    if broken:
        raise InvalidTarget(f"the path has a broken escape at position {broken.start()}")
    octets = unquote_to_bytes(raw_path.encode("latin-1"))
    try:
        path = octets.decode("utf-8")
    except UnicodeDecodeError:
        path = octets.decode("cp1252", "replace")
    if re.search(r"[\x00-\x1f\x7f]", path):
        raise InvalidTarget("the path has a control character")
    return _without_dots(path)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) < 2:
                raise InvalidTarget("the path leads out of the root")
            kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _constants(place: Place) -> dict[str, str]:
    meta = f"/LM/W3SVC/{place.site_id}"
    return {
        "APPL_MD_PATH": f"{meta}/ROOT{place.virtual_path}",
        "APPL_PHYSICAL_PATH": place.folder + place.separator,
        "DOCUMENT_ROOT": place.folder,
        "GATEWAY_INTERFACE": "CGI/1.1",
        "HTTPS": "off",
        "INSTANCE_ID": str(place.site_id),
        "INSTANCE_META_PATH": meta,
        "INSTANCE_NAME": place.site_name,
        "SERVER_PORT_SECURE": "0",
        "SERVER_SOFTWARE": SERVER_SOFTWARE,
    }


def _connection(request: HttpRequest) -> dict[str, str]:
    host = re.sub(r":\d*$", "", _header(request, "host"))
    return {
        "LOCAL_ADDR": request.local_addr,
        "REMOTE_ADDR": request.remote_addr,
        "REMOTE_HOST": request.remote_addr,
        "REMOTE_PORT": str(request.remote_port),
        "REQUEST_METHOD": request.method,
        "SERVER_NAME": host or request.local_addr,
        "SERVER_PORT": str(request.server_port),
        "SERVER_PROTOCOL": request.protocol,
    }


def _header(request: HttpRequest, name: str) -> str:
    return next((value for key, value in request.headers if key.lower() == name), "")


def _header_variables(request: HttpRequest, rewrite: Rewrite | None) -> list[tuple[str, str]]:
    """Every header as ``HTTP_*``; one that came several times is one variable."""
    joined: dict[str, str] = {}
    for key, value in request.headers:
        name = "HTTP_" + key.upper().replace("-", "_")
        mark = "; " if name == "HTTP_COOKIE" else ", "
        joined[name] = joined[name] + mark + value if name in joined else value
    if rewrite is not None and rewrite.original is not None:
        # The module sets the header anew, whatever the client sent under its name.
        joined["HTTP_X_ORIGINAL_URL"] = rewrite.original
    return list(joined.items())


def _rewrite_variables(rewrite: Rewrite | None) -> list[tuple[str, str]]:
    if rewrite is None:
        return []
    module = [("IIS_UrlRewriteModule", REWRITE_MODULE_VERSION)]
    if rewrite.original is None:
        return module
    return [*module, ("IIS_WasUrlRewritten", "1"), ("UNENCODED_URL", rewrite.original)]


def _physical(path: str, place: Place) -> str:
    """Return the file that IIS takes `path` for; it need not exist."""
    if path.lower().startswith(place.virtual_path.lower()):
        path = path[len(place.virtual_path) :]
    return place.folder + path.replace("/", place.separator)


def _encode(value: str, *, utf8: bool) -> str:
    if utf8:
        return value.encode("utf-8", "replace").decode("latin-1")
    return value.encode("ascii", "replace").decode("ascii")
