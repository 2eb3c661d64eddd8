"""Where an application is mounted and which path it was asked for; pure functions.

All lore about IIS's paths stands here. A path is a PEP 3333 string: percent-decoded, one latin-1
character a byte. ``docs/environ.rst`` explains the rules with examples.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from urllib.parse import unquote

__all__ = ["cgi_paths", "iis_paths", "mount_point", "raw_path_of"]


def cgi_paths(variables: Mapping[str, str], setting: str | None) -> tuple[str, str]:
    """Give SCRIPT_NAME and PATH_INFO of a web server that means by them what CGI does.

    :param setting: the ``script_name`` setting; None to believe the server.
    """
    script = variables.get("SCRIPT_NAME", "")
    info = variables.get("PATH_INFO")
    if info is None:
        info = ""
        if variables.get("SERVER_SOFTWARE", "").startswith("nginx"):
            # nginx's own fastcgi_params have the whole path in SCRIPT_NAME and no PATH_INFO.
            # Elsewhere (RFC 3875, section 4.1.5) a missing PATH_INFO says that nothing follows.
            script, info = "", script
    if script.endswith("/"):  # mounted at "/app/" or "/": "/" and "page" mean "" and "/page"
        script = script.rstrip("/")
        info = "/" + info.removeprefix("/")
    script, info = _rooted(script), _rooted(info)
    if setting is None:
        return script, info
    return _cut_at_setting(script + info, _as_prefix(setting))


def iis_paths(variables: Mapping[str, str], setting: str | None) -> tuple[str, str, str | None]:
    """Give SCRIPT_NAME, PATH_INFO and the percent-encoded path of a request that IIS sent.

    IIS's own SCRIPT_NAME and PATH_INFO both carry the whole path under a handler on ``*``, and have
    lost what is not in the code page; so the path is taken from the least damaged source that lies
    within the application.
    """
    sent_script = variables.get("SCRIPT_NAME", "")
    sent_info = variables.get("PATH_INFO", "")
    if setting is None:
        mount = mount_point(
            variables.get("APPL_MD_PATH", ""), variables.get("INSTANCE_META_PATH", "")
        )
    else:
        mount = _as_prefix(setting)
    path, raw_path, end = _choose(variables, mount, sent_script, sent_info)
    if setting is not None:
        return (path[:end], path[end:], raw_path) if end is not None else (mount, path, raw_path)
    end = end or 0
    if sent_info and sent_info != sent_script:
        # A handler on a file name, and something after the file: IIS says where the script ends,
        # whether allowPathInfo is on (PATH_INFO is the rest) or off (PATH_INFO is the whole).
        script_end = _prefix_end(path, sent_script.rstrip("/")) or 0
        if script_end < len(path) or _is_unmistakable(sent_script):
            end = max(end, script_end)
        # Else nothing comes after the script: both are the whole path, one of them in UTF-8.
    return path[:end], path[end:], raw_path


def raw_path_of(uri: str) -> str | None:
    """Give the path of a REQUEST_URI as it is, without query, scheme and host.

    None if it has no path: ``*`` (OPTIONS), or nothing that is known.
    """
    raw_path = uri.partition("?")[0]
    if not raw_path.startswith("/"):
        raw_path = _SCHEME_AND_HOST.sub("", raw_path, count=1) or "/"
        if not raw_path.startswith("/"):
            return None
    return raw_path


@functools.lru_cache(maxsize=64)
def mount_point(metabase_path: str, instance: str) -> str:
    """Give the path of the IIS application, ``/app/sub``, or an empty string for the site's root.

    :param metabase_path: APPL_MD_PATH, such as ``/LM/W3SVC/1/ROOT/app/sub``.
    :param instance: INSTANCE_META_PATH, such as ``/LM/W3SVC/1``.
    """
    if not metabase_path.lower().startswith(instance.lower() + "/"):
        instance = ""
    match = _ROOT_AND_MOUNT.fullmatch(metabase_path, len(instance)) if instance else None
    match = match or _METABASE_PATH.fullmatch(metabase_path)
    return (match["mount"] or "").rstrip("/") if match else ""


_ROOT_AND_MOUNT = re.compile(r"/ROOT(?P<mount>/.*)?", re.IGNORECASE | re.DOTALL)
_METABASE_PATH = re.compile(r"/LM/W3SVC/[^/]+/ROOT(?P<mount>/.*)?", re.IGNORECASE | re.DOTALL)


def _choose(
    variables: Mapping[str, str], mount: str, sent_script: str, sent_info: str
) -> tuple[str, str | None, int | None]:
    """Give the path, its percent-encoded form, and where the mount point ends in it (or None)."""
    first: tuple[str, str] | None = None
    for uri in (_rewritten(variables), variables.get("REQUEST_URI")):
        if not uri:
            continue
        raw_path = raw_path_of(uri)
        if raw_path is None:
            continue
        path = raw_path
        # A path is nearly always free of what stands for something else.
        if "%" in raw_path or "\\" in raw_path or "/." in raw_path:
            path = _decode(raw_path)
        first = first or (path, raw_path)
        end = _prefix_end(path, mount)
        if end is not None:
            return path, first[1], end
    path = _rooted(_sent_path(sent_script, sent_info))
    end = _prefix_end(path, mount)
    if first is None:
        return path, None, end
    # With the client's path outside the mount point and IIS's own inside it, a rule has rewritten
    # the request from elsewhere into this application, or IIS has tidied up more than we can.
    return (path if end is not None else first[0]), first[1], end


def _sent_path(script: str, info: str) -> str:
    """Give the path by IIS's SCRIPT_NAME and PATH_INFO, only one of which may be in UTF-8."""
    if _prefix_end(info, script) is not None:
        return info  # the whole, with the script in front
    if _prefix_end(script, info) == len(script):
        return script
    return script + info


def _is_unmistakable(path: str) -> bool:
    """Whether the path reads the same in UTF-8 and in the server's code page."""
    return path.isascii() and "?" not in path


def _rewritten(variables: Mapping[str, str]) -> str | None:
    """Give the URL as the client sent it, where IIS has rewritten it: the least damaged form.

    X-Original-URL is the rewrite module's only on a rewritten request; on any other it is what a
    client pleases to send.
    """
    if variables.get("IIS_WasUrlRewritten") != "1":
        return None
    return variables.get("UNENCODED_URL") or variables.get("HTTP_X_ORIGINAL_URL")


def _decode(raw_path: str) -> str:
    """Read a path as http.sys does, so that the application sees what IIS gave access to.

    Percent-escapes are decoded once (a broken one stays as it is), ``%uXXXX`` too, a backslash is a
    slash, and dot segments are resolved: IIS checks its rules on ``/public`` when the client sends
    ``/admin/..%5Cpublic``, so an application must not take that for something below ``/admin``.
    """
    path = unquote(_PERCENT_U.sub(_utf8_escapes, raw_path), "latin-1").replace("\\", "/")
    return _without_dots(path) if "/." in path else path


_SCHEME_AND_HOST = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*")
_PERCENT_U = re.compile(r"(?:%u[0-9A-Fa-f]{4})+")


def _utf8_escapes(match: re.Match[str]) -> str:
    # Beyond the first 65,536 characters it takes two escapes to make one.
    text = bytes.fromhex(match[0].replace("%u", "")).decode("utf-16-be", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _without_dots(path: str) -> str:
    """Resolve ``.`` and ``..`` (RFC 3986, section 5.2.4); never above the root."""
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _prefix_end(path: str, prefix: str) -> int | None:
    """Give the length of what the client wrote for the prefix; None if the path lies elsewhere.

    Whole segments are compared, as IIS does without regard to case; the client's spelling may be
    longer in bytes than the metabase's.
    """
    end = len(prefix)
    if path.startswith(prefix) and path[end : end + 1] in ("", "/"):
        return end
    wanted = prefix.split("/")
    given = path.split("/", len(wanted))[: len(wanted)]
    if len(given) == len(wanted) and all(map(_same_segment, given, wanted)):
        return len("/".join(given))
    return None


def _same_segment(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    try:
        name = wanted.encode("latin-1").decode()
    except UnicodeError:
        name = "?"  # the server's code page, not UTF-8
    if "?" in name:
        # No path holds a question mark: letters were lost on the way. IIS has already found that
        # the request is for this application, so any segment that can lose letters will be it.
        return not given.isascii()
    written = given.encode("latin-1", "replace")
    try:
        text = written.decode()
    except UnicodeError:
        text = written.decode("cp1252", "replace")  # as http.sys reads what is no UTF-8
    return _upper(text) == _upper(name)


def _upper(text: str) -> str:
    """Give *text* in upper case as Windows compares names: letter by letter, and ``ß`` is one."""
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in text)


def _cut_at_setting(path: str, mount: str) -> tuple[str, str]:
    """Cut the path at the mount point that the administrator states.

    Where the path does not begin with it, a proxy in front has taken it off.
    """
    end = _prefix_end(path, mount)
    return (mount, path) if end is None else (path[:end], path[end:])


@functools.lru_cache(maxsize=8)
def _as_prefix(setting: str) -> str:
    """Give the ``script_name`` setting, which a person wrote, as a PEP 3333 string."""
    return _rooted(setting.rstrip("/").encode("utf-8", "surrogateescape").decode("latin-1"))


def _rooted(path: str) -> str:
    """Give the path with the slash that PEP 3333 wants in front; ``*`` (OPTIONS) is no path."""
    if path[:1] in ("", "/"):
        return path
    return "" if path == "*" else "/" + path
