import os
import sys
import threading

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
