from __future__ import annotations

import re

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.iis.config import (
    FastCgiApplication,
    Handler,
    SiteConfig,
    find_application,
    match_handler,
)
from iiswsgi.iis.mapping import match_path


@pytest.mark.parametrize(
    ("pattern", "path", "script"),
    [
        ("*", "/", "/"),
        ("*", "/a/b", "/a/b"),
        ("*.wsgi", "/app.wsgi", "/app.wsgi"),
        ("*.wsgi", "/site/app.WSGI/extra/more", "/site/app.WSGI"),
        ("*.wsgi", "/app.wsgi2", None),
        ("*.wsgi", "/", None),
        ("app.wsgi", "/app.wsgi", "/app.wsgi"),
        ("app.wsgi", "/sub/app.wsgi/x", "/sub/app.wsgi"),
        ("app.wsgi", "/myapp.wsgi", None),
        ("sub/app.wsgi", "/sub/app.wsgi", "/sub/app.wsgi"),
        ("sub/app.wsgi", "/other/sub/app.wsgi", None),
        ("a?c", "/abc", "/abc"),
        ("[x]", "/[x]", "/[x]"),
        ("[x]", "/x", None),
        ("*.wsgi", "/a\nb.wsgi", "/a\nb.wsgi"),
    ],
)
def test_match_path(pattern, path, script):
    assert match_path(pattern, path) == script


def site(*handlers, applications=()):
    return SiteConfig(tuple(applications), handlers, (), "web.config")


def test_the_first_handler_that_takes_path_and_verb_serves():
    config = site(
        Handler("posts", "*", "POST, PUT"),
        Handler("scripts", "*.wsgi", "*"),
        Handler("rest", "*", "GET"),
    )
    assert match_handler(config, "/x.wsgi", "PUT").name == "posts"
    assert match_handler(config, "/x.wsgi", "DELETE").name == "scripts"
    assert match_handler(config, "/x", "GET").name == "rest"
    assert match_handler(config, "/x", "get") is None


def application_for(script_processor, *applications):
    handler = Handler("n", "*", "*", "FastCgiModule", script_processor)
    return find_application(site(handler, applications=applications), handler)


def test_the_text_is_cut_at_the_first_bar():
    application = FastCgiApplication("p", "a|b")
    assert application_for("p|a|b", FastCgiApplication("p"), application) is application
    bare = FastCgiApplication("p")
    assert application_for("p", bare) is bare
    assert application_for("p|", bare) is bare


@pytest.mark.parametrize(
    ("script_processor", "difference"),
    [
        ("C:\\P\\python.exe|-m  iiswsgi", "blanks"),
        ("C:\\P\\python.exe|-m iiswsgi ", "blanks"),
        ("c:\\p\\python.exe|-m iiswsgi", "case"),
        ('"C:\\P\\python.exe"|-m iiswsgi', "quotation"),
        ("C:/P/python.exe|-m iiswsgi", "slashes"),
        ('"c:/p/python.exe"|-m iiswsgi', "or slashes"),
        ("C:\\P\\python.exe|-m other", "the arguments differ"),
        ("C:\\Q\\python.exe|-m iiswsgi", "the fullPath differs"),
        ("php.exe", "Registered: C:\\P\\python.exe|-m iiswsgi"),
        ("", "no scriptProcessor"),
    ],
)
def test_a_registration_that_differs_is_explained(script_processor, difference):
    with pytest.raises(ConfigError) as caught:
        application_for(script_processor, FastCgiApplication("C:\\P\\python.exe", "-m iiswsgi"))
    assert caught.value.code == "IISWSGI-C05"
    assert difference in caught.value.sentence


def test_nothing_is_registered():
    with pytest.raises(ConfigError, match="Registered: none"):
        application_for("p|a")


@pytest.mark.parametrize("registered", ["C:\\p.exe", "C:\\other.exe"])
def test_what_is_secret_in_a_command_line_is_not_shown(registered):
    application = FastCgiApplication(registered, "-m x password=x1y2 z")
    with pytest.raises(ConfigError) as caught:
        application_for("C:\\p.exe|-m x password=x3y4", application)
    assert not re.search("x1y2|x3y4", caught.value.sentence)
    assert caught.value.sentence.count("password=***") == 2
