"""What ``iiswsgi serve`` makes of its first argument."""

from __future__ import annotations

import os
import sys
import textwrap

import pytest

from iiswsgi import target
from iiswsgi.errors import SettingError

PROGRAM = '''
import os

def application(environ, start_response):
    """The usual name."""

def create_app():
    return application

class Holder:
    wsgi = application
    number = 5

async def asgi(scope, receive, send):
    pass

class Framework:
    async def __call__(self, scope, receive, send):
        pass

framework = Framework()
where = os.getcwd()
'''


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """Leave the interpreter as it was: each test has a folder and a module of its own."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path, program=PROGRAM):
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    return path


def load(text):
    return target.parse(text).load()


@pytest.mark.parametrize(
    "text",
    [
        "app.ini",
        r"C:\inetpub\mysite\app.ini",
        "C:app.INI",
        "/srv/site/app.ini",
        "paste.conf",
        "/srv/with:colon/paste.conf",
        "mysite",
        "my-site:app",
        "mysite:",
        ":app",
        "mysite:create_app(1)",
        "mysite.:app",
        "mysite:app.",
        "",
    ],
)
def test_what_is_no_target(text):
    assert target.parse(text) is None


@pytest.mark.parametrize(
    ("text", "module", "attribute", "is_factory"),
    [
        ("mysite:app", "mysite", "app", False),
        ("mysite.wsgi:application", "mysite.wsgi", "application", False),
        ("mysite:create_app()", "mysite", "create_app", True),
        ("a.b.c:d.e.f()", "a.b.c", "d.e.f", True),
    ],
)
def test_a_module(text, module, attribute, is_factory):
    assert target.parse(text) == target.Target(text, module, "", attribute, is_factory)


@pytest.mark.parametrize(
    ("text", "file", "attribute", "is_factory"),
    [
        ("wsgihandler.py", "wsgihandler.py", "application", False),
        ("wsgihandler.PY:app", "wsgihandler.PY", "app", False),
        ("sub/mysite.wsgi", "sub/mysite.wsgi", "application", False),
        ("./mysite.wsgi:make()", "mysite.wsgi", "make", True),
        ("my-site.py:a.b", "my-site.py", "a.b", False),
    ],
)
def test_a_file(text, file, attribute, is_factory):
    path = os.path.abspath(file)
    assert target.parse(text) == target.Target(text, "", path, attribute, is_factory)


def test_a_drive_is_no_module():
    found = target.parse(r"C:\inetpub\mysite\wsgihandler.py")
    assert (found.module, found.attribute) == ("", "application")
    found = target.parse(r"C:\inetpub\mysite\wsgihandler.py:app")
    assert found.path.endswith("wsgihandler.py")
    assert (found.module, found.attribute) == ("", "app")


def test_a_callable_in_the_current_folder_is_found(tmp_path):
    write(tmp_path / "mysite_current.py")
    application = load("mysite_current:application")
    assert application.__doc__ == "The usual name."
    assert load("mysite_current:create_app()") is application
    assert load("mysite_current:Holder.wsgi") is application
    assert load("mysite_current:Holder")


def test_a_file_has_its_folder_first_and_current(tmp_path):
    write(tmp_path / "site" / "beside_it.py", "name = 'beside'")
    write(
        tmp_path / "site" / "handler_of_test.py",
        """
        import os
        import beside_it

        here = os.path.dirname(os.path.abspath(__file__))

        def application(environ, start_response):
            return beside_it.name, here, os.getcwd(), __name__
        """,
    )
    application = load(os.path.join("site", "handler_of_test.py"))
    folder = str(tmp_path / "site")
    assert application({}, None) == ("beside", folder, folder, "handler_of_test")
    assert sys.path[0] == folder
    assert sys.modules["handler_of_test"].application is application


def test_a_file_does_not_stand_in_for_a_module_of_the_same_name(tmp_path):
    before = sys.modules["os"]
    write(tmp_path / "os.wsgi", "def application(environ, start_response): return __name__")
    assert load(str(tmp_path / "os.wsgi"))({}, None) == "wsgi_file_os"
    assert sys.modules["os"] is before


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("no_such_module:app", "S18", ["no module 'no_such_module'", "PYTHONPATH"]),
        ("mysite_errors.sub:app", "S18", ["no module 'mysite_errors.sub'"]),
        ("mysite_errors:nothing", "S18", ["'nothing'"]),
        ("mysite_errors:Holder.nothing", "S18", ["'nothing'"]),
        ("no_such_file.py", "S18", ["no_such_file.py"]),
        ("mysite_errors:where", "S19", ["'str'", "cannot be called"]),
        ("mysite_errors:where()", "S19", ["'str'"]),
        ("mysite_errors:Holder.number", "S19", ["'int'"]),
        ("mysite_errors:dict()", "S18", ["'dict'"]),
        ("mysite_errors:asgi", "S19", ["ASGI", "a2wsgi"]),
        ("mysite_errors:framework", "S19", ["ASGI", "a2wsgi"]),
    ],
)
def test_what_cannot_be_served_is_named(tmp_path, text, code, words):
    write(tmp_path / "mysite_errors.py")
    with pytest.raises(SettingError) as raised:
        load(text)
    assert raised.value.code == f"IISWSGI-{code}"
    for word in [repr(text), *words]:
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_module_that_misses_another_one_is_not_missing_itself(tmp_path):
    write(tmp_path / "mysite_incomplete.py", "import no_such_requirement")
    with pytest.raises(ModuleNotFoundError, match="no_such_requirement"):
        load("mysite_incomplete:app")


def test_what_a_factory_raises_is_its_own(tmp_path):
    write(tmp_path / "mysite_failing.py", "def create(): return 1 / 0")
    with pytest.raises(ZeroDivisionError):
        load("mysite_failing:create()")


def test_a_secret_that_was_taken_for_an_application_is_not_told():
    with pytest.raises(SettingError) as caught:
        target.parse("password:hunter2").load()
    assert "'password:***' cannot be served" in str(caught.value)
    assert "hunter2" not in str(caught.value)
