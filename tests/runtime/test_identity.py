import os
import sys
import threading

import pytest

from iiswsgi.runtime import identity


def test_the_user():
    name = identity.user()
    assert name
    if sys.platform == "win32":
        assert name.count("\\") == 1


def test_a_folder_that_is_gone(monkeypatch):
    def getcwd():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "getcwd", getcwd)
    assert any("a folder that cannot be told" in fact for fact in identity.facts({}))


def test_variables_that_are_not_set_are_not_named():
    assert not any("APP_POOL_ID" in fact for fact in identity.facts({}))
    assert any(fact == "APP_POOL_ID=p" for fact in identity.facts({"APP_POOL_ID": "p", "X": "1"}))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["app.ini", "threads=3", "-n", "shop"], None),
        (["app.ini", "db_password=x y", "z"], ["app.ini", "db_password=***", "z"]),
        (["DbPasswd = x=y"], ["DbPasswd = ***"]),
        (["--secret-key", "x", "--token=x"], ["--secret-key", "***", "--token=***"]),
        (["Server=a;PWD=x;Database=b"], ["Server=a;PWD=***;Database=b"]),
        (["url=postgres://jo:x@y:z@host/db"], ["url=postgres://jo:***@host/db"]),
        (["redis://:x@host"], ["redis://:***@host"]),
        (["http://host:8080/a@b"], None),
        (["-p", "C:\\passwords.txt"], None),
        (["X-Api-Key=x&y=z", "tokens:app"], ["X-Api-Key=***&y=z", "tokens:app"]),
        (["--api_key"], None),
    ],
)
def test_secrets_of_a_command_line_are_not_shown(words, shown):
    assert identity.without_secrets(words) == (shown or words)


def test_the_command_line_is_shown_without_secrets(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "db_password=x1y2z3"])
    facts = "\n".join(identity.facts({}))
    assert "command line: ['python', 'db_password=***']" in facts
    assert "x1y2z3" not in facts


def test_the_main_thread_is_named_as_in_the_stacks_of_a_crash():
    facts = "\n".join(identity.facts({}))
    assert f", main thread 0x{threading.main_thread().ident:x}" in facts


if sys.platform != "win32":

    def test_a_user_without_a_name(monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
        assert identity.user() == "uid 4000000"
