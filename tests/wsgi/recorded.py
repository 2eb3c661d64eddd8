"""Requests as web servers send them, and the environ that has to come out.

A row changes the usual IIS request (``IIS``) or begins from nothing (``server``); it states only
what it is about. ABSENT as a value says that the key must not be there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from iiswsgi.host.variables import FIXED_NAMES

ABSENT = None

IIS = {
    "HTTP_CONNECTION": "keep-alive",
    "HTTP_ACCEPT": "text/html",
    "HTTP_HOST": "www.example.com",
    "HTTP_USER_AGENT": "browser",
    **dict.fromkeys(FIXED_NAMES, ""),
    "APPL_MD_PATH": "/LM/W3SVC/1/ROOT",
    "APPL_PHYSICAL_PATH": "C:\\site\\",
    "CONTENT_LENGTH": "0",
    "DOCUMENT_ROOT": "C:\\site",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "HTTPS": "off",
    "INSTANCE_ID": "1",
    "INSTANCE_META_PATH": "/LM/W3SVC/1",
    "INSTANCE_NAME": "DEFAULT WEB SITE",
    "LOCAL_ADDR": "10.0.0.1",
    "REMOTE_ADDR": "10.0.0.7",
    "REMOTE_HOST": "10.0.0.7",
    "REMOTE_PORT": "50123",
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "www.example.com",
    "SERVER_PORT": "80",
    "SERVER_PORT_SECURE": "0",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_SOFTWARE": "Microsoft-IIS/10.0",
}


class Row(NamedTuple):
    name: str
    variables: dict[str, str]
    expected: dict[str, Any]
    script_name: str | None = None


def utf8(text: str) -> str:
    """The text as PEP 3333 has it."""
    return text.encode().decode("latin-1")


def ansi(text: str) -> str:
    """The text as IIS sends it where its code page has no such letters."""
    return text.encode("ascii", "replace").decode()


def iis(uri: str, path: str | None = None, *, mount: str = "", **more: str) -> dict[str, str]:
    """What IIS sends for a URL under a handler on ``*``: the whole path, twice.

    :param path: PATH_INFO, if it is not the URL without its query.
    """
    raw, _, query = uri.partition("?")
    path = raw if path is None else path
    changed = {
        "REQUEST_URI": uri,
        "QUERY_STRING": query,
        "SCRIPT_NAME": path,
        "PATH_INFO": path,
        "URL": path,
        "APPL_MD_PATH": "/LM/W3SVC/1/ROOT" + mount,
    }
    return {**IIS, **changed, **more}


def script(uri: str, name: str, info: str, *, mount: str = "", **more: str) -> dict[str, str]:
    """What IIS sends under a handler that stands on a file name."""
    return iis(uri, name, mount=mount, **{"PATH_INFO": info, **more})


def rewritten(original: str, path: str, *, mount: str = "", **more: str) -> dict[str, str]:
    """What IIS sends after a rule of its rewrite module has changed the URL."""
    changed = {
        "IIS_UrlRewriteModule": "7.1.1993.2336",
        "IIS_WasUrlRewritten": "1",
        "UNENCODED_URL": original,
        "HTTP_X_ORIGINAL_URL": original,
    }
    return iis(path, mount=mount, **{**changed, **more})


def server(**variables: str) -> dict[str, str]:
    """What another web server sends."""
    usual = {
        "REQUEST_METHOD": "GET",
        "SERVER_NAME": "www.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "QUERY_STRING": "",
    }
    return {**usual, **variables}


def paths(script_name: str, path_info: str, **more: Any) -> dict[str, Any]:
    return {"SCRIPT_NAME": script_name, "PATH_INFO": path_info, **more}


MOUNT_POINTS = [
    Row("site root", iis("/page?x=1"), paths("", "/page", QUERY_STRING="x=1")),
    Row("site root, no page", iis("/"), paths("", "/")),
    Row("application", iis("/app/page", mount="/app"), paths("/app", "/page")),
    Row("application itself", iis("/app", mount="/app"), paths("/app", "")),
    Row("application with a slash", iis("/app/", mount="/app"), paths("/app", "/")),
    Row("nested application", iis("/app/sub/p/q", mount="/app/sub"), paths("/app/sub", "/p/q")),
    Row(
        "virtual directory: no application, so a part of the path",
        iis("/files/page", mount=""),
        paths("", "/files/page"),
    ),
    Row("the client's spelling", iis("/APP/Sub/x", mount="/App/sub"), paths("/APP/Sub", "/x")),
    Row(
        "the client's spelling, not ASCII",
        iis("/CAF%C3%89/x", utf8("/CAFÉ/x"), mount=utf8("/café")),
        paths(utf8("/CAFÉ"), "/x"),
    ),
    Row(
        "the mount point percent-encoded",
        iis("/%61pp/x", "/app/x", mount="/app"),
        paths("/app", "/x"),
    ),
    Row(
        "the client writes the mount in the code page",
        iis("/CAF%C9/x", utf8("/CAFÉ/x"), mount=utf8("/café")),
        paths("/CAF\xc9", "/x"),
    ),
    Row(
        "a letter with two small forms",
        iis("/%CE%BF%CE%B4%CE%BF%CF%83/x", utf8("/οδοσ/x"), mount=utf8("/ΟΔΟΣ")),
        paths(utf8("/οδοσ"), "/x"),
    ),
    Row(
        "a letter that is two in capitals",
        iis("/strasse/x", "/strasse/x", mount=utf8("/straße")),
        paths("", "/strasse/x"),
    ),
    Row(
        "a mount point whose letters were lost",
        iis("/caf%C3%A9/x", "/caf?/x", mount="/caf?"),
        paths(utf8("/café"), "/x"),
    ),
    Row(
        "a mount point in the server's code page",
        iis("/caf%C3%A9/x", "/caf\xe9/x", mount="/caf\xe9"),
        paths(utf8("/café"), "/x"),
    ),
    Row(
        "no boundary: not the mount point",  # IIS does not send it; nothing may be cut in a word
        iis("/application/x", mount="/app"),
        paths("", "/application/x"),
    ),
    Row(
        "metabase path in another case",
        iis("/app/x", mount="/app", APPL_MD_PATH="/lm/w3svc/1/root/app"),
        paths("/app", "/x"),
    ),
    Row(
        "an application named ROOT",
        iis("/root/x", mount="/root", INSTANCE_META_PATH=""),
        paths("/root", "/x"),
    ),
    Row(
        "instance that is only the beginning of a number",
        iis("/app/x", APPL_MD_PATH="/LM/W3SVC/12/ROOT/app", INSTANCE_META_PATH="/LM/W3SVC/1"),
        paths("/app", "/x"),
    ),
    Row(
        "metabase path of no known form",
        iis("/app/x", APPL_MD_PATH="nonsense"),
        paths("", "/app/x"),
    ),
    Row(
        "no metabase path at all",
        {k: v for k, v in iis("/app/x").items() if k != "APPL_MD_PATH"},
        paths("", "/app/x"),
    ),
]

SETTING = [
    Row("setting, matching", iis("/app/x"), paths("/app", "/x"), "/app"),
    Row("setting, with a slash at its end", iis("/app/x"), paths("/app", "/x"), "/app/"),
    Row("setting, the client's spelling", iis("/APP/x"), paths("/APP", "/x"), "/app"),
    Row("setting: root", iis("/app/x", mount="/app"), paths("", "/app/x"), ""),
    Row("setting: root, as a slash", iis("/app/x", mount="/app"), paths("", "/app/x"), "/"),
    Row(
        "setting above the application's own mount point",
        iis("/app/run.wsgi", mount="/app"),
        paths("/app/run.wsgi", ""),
        "/app/run.wsgi",
    ),
    Row(
        "setting wins over the script that IIS names",
        script("/app/run.wsgi/x", "/app/run.wsgi", "/x", mount="/app"),
        paths("/app", "/run.wsgi/x"),
        "/app",
    ),
    Row(
        "setting, taken off by a proxy in front",
        iis("/x", mount="/elsewhere"),
        paths("/app", "/x"),
        "/app",
    ),
    Row(
        "setting, not ASCII",
        iis("/caf%C3%A9/x", "/caf?/x"),
        paths(utf8("/café"), "/x"),
        "/café",
    ),
    Row(
        "setting on another server",
        server(SCRIPT_NAME="", PATH_INFO="/app/x"),
        paths("/app", "/x"),
        "/app",
    ),
    Row(
        "setting on another server, taken off by a proxy",
        server(SCRIPT_NAME="", PATH_INFO="/x"),
        paths("/app", "/x"),
        "/app",
    ),
    Row(
        "setting on another server: root",
        server(SCRIPT_NAME="/app.fcgi", PATH_INFO="/x"),
        paths("", "/app.fcgi/x"),
        "",
    ),
]

HANDLERS = [
    Row(
        "handler on *, allowPathInfo on",
        script("/app/p/q", "/app/p/q", "", mount="/app"),
        paths("/app", "/p/q"),
    ),
    Row(
        "handler on *.wsgi, allowPathInfo off",
        script("/run.wsgi/x", "/run.wsgi", "/run.wsgi/x"),
        paths("/run.wsgi", "/x"),
    ),
    Row(
        "handler on *.wsgi, allowPathInfo on",
        script("/run.wsgi/x", "/run.wsgi", "/x"),
        paths("/run.wsgi", "/x"),
    ),
    Row(
        "handler on *.wsgi in an application, allowPathInfo off",
        script("/App/run.wsgi/caf%C3%A9", "/App/run.wsgi", "/App/run.wsgi/caf?", mount="/app"),
        paths("/App/run.wsgi", utf8("/café")),
    ),
    Row(
        "handler on *.wsgi in an application, allowPathInfo on",
        script("/App/run.wsgi/caf%C3%A9", "/App/run.wsgi", "/caf?", mount="/app"),
        paths("/App/run.wsgi", utf8("/café")),
    ),
    Row(
        "handler on *.wsgi, the script's name again as extra path",
        script("/run.wsgi/run.wsgi/x", "/run.wsgi", "/run.wsgi/x"),
        paths("/run.wsgi", "/run.wsgi/x"),
    ),
    Row(
        "handler on *.wsgi, nothing after it",  # IIS sends the same for a handler on *
        iis("/app/run.wsgi", mount="/app"),
        paths("/app", "/run.wsgi"),
    ),
    Row("handler on one path", iis("/app/one", mount="/app"), paths("/app", "/one")),
    Row(
        "handler on one path, something after it, allowPathInfo on",
        script("/app/one/x", "/app/one", "/x", mount="/app"),
        paths("/app/one", "/x"),
    ),
    Row(
        "handler on one path, something after it, allowPathInfo off",
        script("/app/one/x", "/app/one", "/app/one/x", mount="/app"),
        paths("/app/one", "/x"),
    ),
    Row(
        "the default document of a folder",
        iis("/app/", "/app/default.wsgi", mount="/app"),
        paths("/app", "/"),
    ),
]

ENCODINGS = [
    Row(
        "not ASCII, encoded",
        iis("/caf%C3%A9", "/caf?"),
        paths(
            "", utf8("/café"), **{"iiswsgi.raw_path": "/caf%C3%A9", "iiswsgi.path_info": "/caf?"}
        ),
    ),
    Row("not ASCII, as raw bytes", iis(utf8("/café"), "/caf?"), paths("", utf8("/café"))),
    Row("not UTF-8", iis("/caf%E9", "/caf?"), paths("", "/caf\xe9")),
    Row(
        "an encoded slash",
        iis("/a%2Fb", "/a/b"),
        paths("", "/a/b", **{"iiswsgi.raw_path": "/a%2Fb"}),
    ),
    Row("an encoded percent sign is decoded once", iis("/a%25b", "/a%b"), paths("", "/a%b")),
    Row("an escape in an escape", iis("/a%252Fb", "/a%2Fb"), paths("", "/a%2Fb")),
    Row("two slashes", iis("//a//b"), paths("", "//a//b")),
    Row("two slashes, which IIS made one", iis("/a//b", "/a/b"), paths("", "/a//b")),
    Row(
        "two slashes before the mount point: IIS's own path is taken",
        iis("//app/x", "/app/x", mount="/app"),
        paths("/app", "/x", **{"iiswsgi.raw_path": "//app/x"}),
    ),
    Row("dots are resolved", iis("/a/./b/../c", "/a/c"), paths("", "/a/c")),
    Row("dots at the end", iis("/a/b/..", "/a/"), paths("", "/a/")),
    Row("dots above the root", iis("/../../a", "/a"), paths("", "/a")),
    Row("encoded dots", iis("/admin/%2e%2E/public", "/public"), paths("", "/public")),
    Row(
        "encoded slashes beside dots", iis("/admin%2F..%2Fpublic", "/public"), paths("", "/public")
    ),
    Row("backslashes beside dots", iis("/admin\\..\\public", "/public"), paths("", "/public")),
    Row("encoded backslashes", iis("/admin/..%5Cpublic", "/public"), paths("", "/public")),
    Row("dots in the form %u002e", iis("/admin/%u002e./public", "/public"), paths("", "/public")),
    Row(
        "dots into the mount point", iis("/x/../app/p", "/app/p", mount="/app"), paths("/app", "/p")
    ),
    Row("a name that begins with a dot", iis("/.well-known/x%20y"), paths("", "/.well-known/x y")),
    Row(
        "a plus sign stays",
        iis("/a+b%2Bc?q=a+b", "/a+b+c"),
        paths("", "/a+b+c", QUERY_STRING="q=a+b"),
    ),
    Row("broken escapes stay", iis("/a%zz%4"), paths("", "/a%zz%4")),
    Row("the form %uXXXX", iis("/caf%u00e9", "/caf?"), paths("", utf8("/café"))),
    Row("a pair in the form %uXXXX", iis("/%uD83D%ude00", "/??"), paths("", utf8("/😀"))),
    Row("what IIS left as it was", iis("/a/../b\\c", "/a/../b\\c"), paths("", "/b/c")),
    Row("a lone surrogate", iis("/%ED%A0%80", "/???"), paths("", "/\xed\xa0\x80")),
    Row("a lone surrogate as %uXXXX", iis("/%uD800", "/?"), paths("", "/\xed\xa0\x80")),
    Row("a NUL", iis("/a%00b", "/a"), paths("", "/a\0b")),
    Row(
        "an absolute URL",
        iis("http://host:8080/a%20b?x", "/a b"),
        paths("", "/a b", **{"iiswsgi.raw_path": "/a%20b"}),
    ),
    Row("an absolute URL without a path", iis("http://host", "/"), paths("", "/")),
    Row(
        "the asterisk of OPTIONS",
        iis("*", REQUEST_METHOD="OPTIONS"),
        paths("", "", **{"iiswsgi.raw_path": ABSENT}),
    ),
    Row(
        "no REQUEST_URI: PATH_INFO is all there is",
        iis("", "/caf?/a b", mount="/caf?"),
        paths("/caf?", "/a b", **{"iiswsgi.raw_path": ABSENT}),
    ),
    Row(
        "PATH_INFO in UTF-8, SCRIPT_NAME not",
        script("/app/M%C3%BCller", "/app/M?ller", utf8("/app/Müller"), mount="/app"),
        paths("/app", utf8("/Müller")),
    ),
    Row(
        "SCRIPT_NAME in UTF-8, PATH_INFO not",
        script("/M%C3%BCller/a", utf8("/Müller/a"), "/M\xfcller/a"),
        paths("", utf8("/Müller/a")),
    ),
    Row(
        "PATH_INFO in UTF-8, SCRIPT_NAME not, a script with more after it",
        script("/M%C3%BC.wsgi/%C3%BC", "/M?.wsgi", utf8("/Mü.wsgi/ü")),
        paths(utf8("/Mü.wsgi"), utf8("/ü")),
    ),
    Row(
        "no REQUEST_URI, PATH_INFO in UTF-8, SCRIPT_NAME not",
        script("", "/app/M?ller", utf8("/app/Müller"), mount="/app"),
        paths("/app", utf8("/Müller")),
    ),
    Row(
        "no REQUEST_URI, SCRIPT_NAME in UTF-8, PATH_INFO not",
        script("", utf8("/app/Müller"), "/app/M?ller", mount="/app"),
        paths("/app", utf8("/Müller")),
    ),
    Row(
        "no REQUEST_URI, PATH_INFO in UTF-8, SCRIPT_NAME not, more after the script",
        script("", "/M?.wsgi", utf8("/Mü.wsgi/ü")),
        paths(utf8("/Mü.wsgi"), utf8("/ü")),
    ),
    Row(
        "a slash too many before the script's rest",
        script("/app//x", "/app/", "/x", mount="/app"),
        paths("/app", "//x"),
    ),
    Row("a slash too many at the root", script("//x", "/", "/x"), paths("", "//x")),
    Row(
        "no REQUEST_URI, allowPathInfo on",
        script("", "/app/run.wsgi", "/x", mount="/app"),
        paths("/app/run.wsgi", "/x"),
    ),
]

REWRITING = [
    Row(
        "rewritten: the URL that the client asked for",
        rewritten("/caf%C3%A9/1?x=1", "/handler.wsgi?x=1&more=2"),
        paths(
            "", utf8("/café/1"), QUERY_STRING="x=1&more=2", **{"iiswsgi.raw_path": "/caf%C3%A9/1"}
        ),
    ),
    Row(
        "rewritten within an application",
        rewritten("/app/pretty", "/app/handler", mount="/app"),
        paths("/app", "/pretty"),
    ),
    Row(
        "rewritten onto a script: the client has not asked for the script",
        rewritten("/pretty", "/run.wsgi/pretty", SCRIPT_NAME="/run.wsgi", PATH_INFO="/pretty"),
        paths("", "/pretty"),
    ),
    Row(
        "rewritten from elsewhere into an application: where it went to",
        rewritten(
            "/pretty",
            "/app/page%20one",
            mount="/app",
            PATH_INFO="/app/page one",
            SCRIPT_NAME="/app/page one",
        ),
        paths("/app", "/page one", **{"iiswsgi.raw_path": "/pretty"}),
    ),
    Row(
        "rewritten from elsewhere, REQUEST_URI the original too",
        rewritten("/pretty", "/app/page", mount="/app", REQUEST_URI="/pretty"),
        paths("/app", "/page", **{"iiswsgi.raw_path": "/pretty"}),
    ),
    Row(
        "rewritten, only the header names the original",
        rewritten("/pretty", "/handler", UNENCODED_URL=""),
        paths("", "/pretty"),
    ),
    Row(
        "X-Original-URL of a client is an ordinary header",
        iis("/page", HTTP_X_ORIGINAL_URL="/admin", HTTP_X_REWRITE_URL="/admin"),
        paths("", "/page", HTTP_X_ORIGINAL_URL="/admin"),
    ),
    Row(
        "the module is there but has changed nothing",
        iis("/page", IIS_UrlRewriteModule="7.1", HTTP_X_ORIGINAL_URL="/admin"),
        paths("", "/page"),
    ),
    Row(
        "IIS_WasUrlRewritten with another value",
        iis("/page", IIS_WasUrlRewritten="0", HTTP_X_ORIGINAL_URL="/admin", UNENCODED_URL="/admin"),
        paths("", "/page"),
    ),
]

SERVERS = [
    Row(
        "an absolute URL from another server",
        server(SCRIPT_NAME="", PATH_INFO="/a b", REQUEST_URI="http://host/a%20b?q"),
        paths("", "/a b", **{"iiswsgi.raw_path": "/a%20b"}),
    ),
    Row(
        "the asterisk of OPTIONS from another server",
        server(REQUEST_METHOD="OPTIONS", SCRIPT_NAME="", PATH_INFO="", REQUEST_URI="*"),
        paths("", "", **{"iiswsgi.raw_path": ABSENT}),
    ),
    Row(
        "nginx with PATH_INFO split",
        server(
            SERVER_SOFTWARE="nginx/1.22.1",
            SCRIPT_NAME="/app",
            PATH_INFO="/x",
            REQUEST_URI="/app/x?q",
        ),
        paths("/app", "/x", **{"iiswsgi.raw_path": "/app/x"}),
    ),
    Row(
        "nginx with its own fastcgi_params",
        server(SERVER_SOFTWARE="nginx/1.22.1", SCRIPT_NAME=utf8("/café"), REQUEST_URI="/caf%C3%A9"),
        paths("", utf8("/café")),
    ),
    Row(
        "nginx over TLS",
        server(
            SERVER_SOFTWARE="nginx/1.22.1",
            SCRIPT_NAME="",
            PATH_INFO="/",
            HTTPS="on",
            REQUEST_SCHEME="https",
        ),
        {"wsgi.url_scheme": "https", "HTTPS": "on"},
    ),
    Row(
        "lighttpd below a prefix",
        server(SERVER_SOFTWARE="lighttpd/1.4.69", SCRIPT_NAME="/app", PATH_INFO=utf8("/café/a b")),
        paths("/app", utf8("/café/a b")),
    ),
    Row(
        "lighttpd at the root, fixed",
        server(SERVER_SOFTWARE="lighttpd/1.4.69", SCRIPT_NAME="", PATH_INFO="/x"),
        paths("", "/x"),
    ),
    Row(
        "lighttpd at the root, not fixed",
        server(SERVER_SOFTWARE="lighttpd/1.4.69", SCRIPT_NAME="/", PATH_INFO="x"),
        paths("", "/x"),
    ),
    Row(
        "Apache mod_fcgid",
        server(SERVER_SOFTWARE="Apache/2.4.56", SCRIPT_NAME="/cgi-bin/app.fcgi", PATH_INFO="/x"),
        paths("/cgi-bin/app.fcgi", "/x"),
    ),
    Row(
        "Apache mod_fcgid, nothing after the script",
        server(SERVER_SOFTWARE="Apache/2.4.56", SCRIPT_NAME="/cgi-bin/app.fcgi"),
        paths("/cgi-bin/app.fcgi", ""),
    ),
    Row(
        "Apache over TLS, by its scheme",
        server(
            SERVER_SOFTWARE="Apache/2.4.56", SCRIPT_NAME="", PATH_INFO="/", REQUEST_SCHEME="https"
        ),
        {"wsgi.url_scheme": "https"},
    ),
    Row(
        "X-Original-URL and IIS_WasUrlRewritten elsewhere are not looked at",
        server(
            SCRIPT_NAME="", PATH_INFO="/x", HTTP_X_ORIGINAL_URL="/admin", IIS_WasUrlRewritten="1"
        ),
        paths("", "/x"),
    ),
    Row(
        "the asterisk of OPTIONS elsewhere",
        server(REQUEST_METHOD="OPTIONS", SCRIPT_NAME="", PATH_INFO="*", REQUEST_URI="*"),
        paths("", ""),
    ),
    Row("a path without its slash", server(SCRIPT_NAME="app", PATH_INFO="x"), paths("/app", "/x")),
    Row(
        "a server that sends nothing",
        {},
        paths(
            "",
            "",
            REQUEST_METHOD="GET",
            SERVER_NAME="localhost",
            SERVER_PORT="80",
            SERVER_PROTOCOL="HTTP/1.0",
            QUERY_STRING="",
            CONTENT_LENGTH=ABSENT,
            **{"wsgi.url_scheme": "http", "wsgi.version": (1, 0)},
        ),
    ),
    Row(
        "a server that sends nothing but TLS",
        {"HTTPS": "1"},
        {"SERVER_PORT": "443", "wsgi.url_scheme": "https"},
    ),
]

OTHERS = [
    Row("plain HTTP", iis("/"), {"HTTPS": ABSENT, "wsgi.url_scheme": "http"}),
    Row("TLS", iis("/", HTTPS="on"), {"HTTPS": "on", "wsgi.url_scheme": "https"}),
    Row("TLS, in capitals", iis("/", HTTPS="ON"), {"wsgi.url_scheme": "https"}),
    Row(
        "TLS by SERVER_PORT_SECURE alone",
        iis("/", HTTPS="", SERVER_PORT_SECURE="1"),
        {"HTTPS": ABSENT, "wsgi.url_scheme": "https"},
    ),
    Row(
        "TLS that a client claims",
        iis("/", HTTP_X_FORWARDED_PROTO="https", HTTP_HTTPS="on"),
        {"wsgi.url_scheme": "http"},
    ),
    Row(
        "TLS details",
        iis("/", HTTPS="on", HTTPS_KEYSIZE="256", HTTPS_SERVER_SUBJECT="CN=www"),
        {"HTTPS_KEYSIZE": "256", "HTTPS_SERVER_SUBJECT": "CN=www", "HTTPS_SERVER_ISSUER": ABSENT},
    ),
    Row(
        "empty strings say that there is none",
        iis("/", CONTENT_LENGTH=""),
        dict.fromkeys(
            [
                "REMOTE_USER",
                "AUTH_TYPE",
                "AUTH_USER",
                "LOGON_USER",
                "CONTENT_TYPE",
                "CONTENT_LENGTH",
                "CERT_SUBJECT",
                "CERT_FLAGS",
                "CERT_COOKIE",
                "CERT_ISSUER",
                "CERT_SERIALNUMBER",
            ],
            ABSENT,
        ),
    ),
    Row(
        "an empty header is a header",
        iis("/", HTTP_ACCEPT_ENCODING=""),
        {"HTTP_ACCEPT_ENCODING": ""},
    ),
    Row("an empty query stays", iis("/"), {"QUERY_STRING": ""}),
    Row("length of a GET", iis("/"), {"CONTENT_LENGTH": "0"}),
    Row(
        "length of a POST, from the header too",
        iis(
            "/",
            CONTENT_LENGTH="12",
            HTTP_CONTENT_LENGTH="12",
            CONTENT_TYPE="text/x",
            HTTP_CONTENT_TYPE="text/x",
        ),
        {
            "CONTENT_LENGTH": "12",
            "CONTENT_TYPE": "text/x",
            "HTTP_CONTENT_LENGTH": ABSENT,
            "HTTP_CONTENT_TYPE": ABSENT,
        },
    ),
    Row(
        "one length, written in two ways",
        iis("/", CONTENT_LENGTH="12", HTTP_CONTENT_LENGTH="0012"),
        {"CONTENT_LENGTH": "12", "HTTP_CONTENT_LENGTH": ABSENT},
    ),
    Row(
        "a body in chunks",
        iis("/", CONTENT_LENGTH="-1", HTTP_TRANSFER_ENCODING="chunked"),
        {"CONTENT_LENGTH": ABSENT, "HTTP_TRANSFER_ENCODING": ABSENT},
    ),
    Row(
        "a Content-Length beside chunks is not looked at",  # RFC 9112, section 6.3
        iis("/", CONTENT_LENGTH="-1", HTTP_TRANSFER_ENCODING="chunked", HTTP_CONTENT_LENGTH="5"),
        {"CONTENT_LENGTH": ABSENT, "HTTP_CONTENT_LENGTH": ABSENT},
    ),
    Row(
        "nor where the web server states no length of its own",
        iis("/", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked", HTTP_CONTENT_LENGTH="x"),
        {"CONTENT_LENGTH": ABSENT, "HTTP_CONTENT_LENGTH": ABSENT},
    ),
    Row("httpoxy", iis("/", HTTP_PROXY="http://evil"), {"HTTP_PROXY": ABSENT}),
    Row(
        "a header with underscores cannot be told from one with dashes",
        iis("/", HTTP_X_FORWARDED_FOR="1.2.3.4"),
        {"HTTP_X_FORWARDED_FOR": "1.2.3.4"},
    ),
    Row(
        "headers named like variables stay headers",
        iis("/", HTTP_REMOTE_USER="admin", HTTP_SCRIPT_NAME="/evil"),
        {"REMOTE_USER": ABSENT, "HTTP_REMOTE_USER": "admin", "SCRIPT_NAME": ""},
    ),
    Row(
        "Basic authentication",
        iis(
            "/",
            AUTH_TYPE="Basic",
            AUTH_USER="jo",
            AUTH_PASSWORD="secret",
            REMOTE_USER="jo",
            LOGON_USER="jo",
        ),
        {"AUTH_TYPE": "Basic", "AUTH_USER": "jo", "REMOTE_USER": "jo", "AUTH_PASSWORD": ABSENT},
    ),
    Row(
        "Windows authentication",
        iis(
            "/",
            AUTH_TYPE="Negotiate",
            AUTH_USER="DOM\\jo",
            REMOTE_USER="DOM\\jo",
            LOGON_USER="DOM\\jo",
        ),
        {"REMOTE_USER": "DOM\\jo", "LOGON_USER": "DOM\\jo", "AUTH_TYPE": "Negotiate"},
    ),
    Row(
        "LOGON_USER alone makes nobody a REMOTE_USER",
        iis("/", LOGON_USER="DOM\\anonymous"),
        {"REMOTE_USER": ABSENT, "LOGON_USER": "DOM\\anonymous"},
    ),
    Row(
        "a user's name that is not ASCII stays as it came",
        iis("/", REMOTE_USER=utf8("DOM\\Zoë")),
        {"REMOTE_USER": utf8("DOM\\Zoë")},
    ),
    Row(
        "a client certificate",
        iis(
            "/",
            HTTPS="on",
            CERT_FLAGS="1",
            CERT_SUBJECT="CN=jo",
            CERT_ISSUER="CN=ca",
            CERT_SERIALNUMBER="01-02",
        ),
        {"CERT_FLAGS": "1", "CERT_SUBJECT": "CN=jo", "CERT_ISSUER": "CN=ca", "CERT_COOKIE": ABSENT},
    ),
    Row("HTTP/2", iis("/", SERVER_PROTOCOL="HTTP/2.0"), {"SERVER_PROTOCOL": "HTTP/2.0"}),
    Row("HTTP/3", iis("/", SERVER_PROTOCOL="HTTP/3"), {"SERVER_PROTOCOL": "HTTP/3"}),
    Row("a method that nobody knows", iis("/", REQUEST_METHOD="frob"), {"REQUEST_METHOD": "frob"}),
    Row(
        "what IIS says about itself stays",
        iis("/app/x", mount="/app"),
        {
            "APPL_MD_PATH": "/LM/W3SVC/1/ROOT/app",
            "APPL_PHYSICAL_PATH": "C:\\site\\",
            "REQUEST_URI": "/app/x",
            "URL": "/app/x",
            "iiswsgi.script_name": "/app/x",
            "iiswsgi.path_info": "/app/x",
        },
    ),
]

ROWS = MOUNT_POINTS + SETTING + HANDLERS + ENCODINGS + REWRITING + SERVERS + OTHERS

REFUSED = {
    "two lengths": iis("/", CONTENT_LENGTH="5", HTTP_CONTENT_LENGTH="6"),
    "two lengths in one header": iis("/", CONTENT_LENGTH="5", HTTP_CONTENT_LENGTH="5, 6"),
    "two equal lengths in one header": iis("/", CONTENT_LENGTH="5, 5"),
    "a negative length": iis("/", CONTENT_LENGTH="-5"),
    "a signed length": iis("/", CONTENT_LENGTH="+5"),
    "a word": iis("/", CONTENT_LENGTH="five"),
    "digits of another kind": iis("/", CONTENT_LENGTH="\xb2"),
    "a number that no machine can hold": iis("/", CONTENT_LENGTH="9" * 5000),
}
