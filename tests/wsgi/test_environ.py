"""make_environ against recorded requests, then against whatever a hostile peer may send."""

from __future__ import annotations

import random
from urllib.parse import quote
from wsgiref.validate import check_environ

import pytest

from iiswsgi.errors import BadRequest
from iiswsgi.host.variables import FIXED_NAMES, HttpRequest, Place, Rewrite, make_variables
from iiswsgi.wsgi.environ import make_environ
from iiswsgi.wsgi.paths import mount_point
from tests.wsgi.recorded import IIS, REFUSED, ROWS, iis, server, utf8


class Body:
    """What wsgiref's lint wants of the two streams."""

    def read(self, *args): ...
    def readline(self, *args): ...
    def readlines(self, *args): ...
    def __iter__(self): ...
    def flush(self): ...
    def write(self, text): ...
    def writelines(self, lines): ...


def lint(environ):
    streams = {
        "wsgi.input": Body(),
        "wsgi.errors": Body(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    check_environ({**environ, **streams})


def test_names_of_rows_differ():
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_recorded(row):
    environ = make_environ(row.variables, script_name=row.script_name)
    assert {name: environ.get(name) for name in row.expected} == row.expected
    lint(environ)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_argument_stays_as_it_was(row):
    before = dict(row.variables)
    make_environ(row.variables, script_name=row.script_name)
    assert row.variables == before


@pytest.mark.parametrize("variables", REFUSED.values(), ids=REFUSED)
def test_a_length_that_cannot_be_believed_is_refused(variables):
    with pytest.raises(BadRequest, match="IISWSGI-W10") as raised:
        make_environ(variables)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("mount", ["", "/app", "/app/sub"])
@pytest.mark.parametrize("below", ["", "/", "/page", "/caf%C3%A9", "/a%20b/c"])
def test_an_application_sees_the_same_wherever_it_is_mounted(mount, below):
    at_root = make_environ(iis(below or "/"))
    mounted = make_environ(iis(mount + below or "/", mount=mount))
    assert mounted["SCRIPT_NAME"] == mount
    assert mounted["PATH_INFO"].lstrip("/") == at_root["PATH_INFO"].lstrip("/")


IN_UTF8 = [
    (),
    FIXED_NAMES,
    *([name] for name in ("APPL_MD_PATH", "PATH_INFO", "REQUEST_URI", "SCRIPT_NAME")),
    ["REQUEST_URI", "PATH_INFO"],  # seen on Azure
]
"""What an administrator may have listed in ``FastCGIUtf8ServerVariables``."""


@pytest.mark.parametrize("mount", ["", "/app", "/app/sub", "/café", "/ÀB/c d"])
@pytest.mark.parametrize("in_utf8", IN_UTF8, ids=lambda names: "+".join(names[:2]) or "none")
@pytest.mark.parametrize("allow_path_info", [False, True])
@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("letters", ["Müller & Co", "Дом"])  # in the code page, and beyond it
def test_what_the_stand_in_sends_is_understood(mount, in_utf8, allow_path_info, rewritten, letters):
    """Two that were written by themselves: IIS's variables made here, and taken apart there."""
    wanted = quote(f"{mount}/{letters}/a+b") + "?x=1"
    request = HttpRequest("GET", quote(f"{mount}/handler") if rewritten else wanted)
    variables = make_variables(
        request,
        Place("C:\\site", virtual_path=mount, separator="\\"),
        allow_path_info=allow_path_info,
        utf8_names=in_utf8,
        rewrite=Rewrite(wanted) if rewritten else None,
    )
    environ = make_environ(dict(variables))
    assert environ["SCRIPT_NAME"] == utf8(mount)
    assert environ["PATH_INFO"] == utf8(f"/{letters}/a+b")
    assert environ["iiswsgi.raw_path"] == wanted.partition("?")[0]
    lint(environ)


def test_the_mount_point_without_an_instance():
    assert mount_point("/LM/W3SVC/1/ROOT/a/b/", "") == "/a/b"
    assert mount_point("/LM/W3SVC/1/ROOTED", "/LM/W3SVC/1") == ""
    assert mount_point("", "") == ""


PIECES = [
    *("/", "//", "..", ".", "%2e", "%2F", "%", "%u", "%u002e", "%uD800", "\\", "%5c", "?", "app"),
    *("APP", "caf\xc3\xa9", "\xe9", "%C3%A9", "\0", "\r\n", "http://", "*", " ", "+", ";", "#", ""),
]
NAMES = [
    "SCRIPT_NAME",
    "PATH_INFO",
    "REQUEST_URI",
    "UNENCODED_URL",
    "HTTP_X_ORIGINAL_URL",
    "APPL_MD_PATH",
    "INSTANCE_META_PATH",
    "SERVER_SOFTWARE",
    "IIS_WasUrlRewritten",
    "HTTPS",
    "SERVER_PORT",
    "REQUEST_METHOD",
]


def test_whatever_a_peer_sends_an_environ_comes_of_it():
    """Ten thousand requests of odd pieces; the same ones each time."""
    dice = random.Random(20)
    for _ in range(10_000):
        variables = dict(IIS) if dice.random() < 0.7 else server()
        for name in dice.sample(NAMES, dice.randint(1, 5)):
            variables[name] = "".join(dice.choices(PIECES, k=dice.randint(0, 5)))
            if dice.random() < 0.1:
                del variables[name]
        if dice.random() < 0.3:
            variables["IIS_WasUrlRewritten"] = "1"
        setting = dice.choice([None, None, "", "/", "/app", "/caf\xe9", "odd"])
        environ = make_environ(variables, script_name=setting)
        assert environ["SCRIPT_NAME"] != "/"
        for name in ("SCRIPT_NAME", "PATH_INFO"):
            assert environ[name][:1] in ("", "/"), variables
            environ[name].encode("latin-1")
        for name in ("REQUEST_METHOD", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"):
            assert environ[name]
