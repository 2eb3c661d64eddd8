"""What is taken of PasteScript's command line, in each form that PasteScript itself takes."""

import optparse
import sys
import types

import pytest

from iiswsgi import inifile


@pytest.fixture
def paster(monkeypatch):
    """Call with the arguments of ``paster serve``; what the gateway takes of them."""
    parser = optparse.OptionParser()
    parser.add_option("-s", dest="server")
    parser.add_option("-v", dest="verbose", action="count", default=0)
    parser.add_option("-q", dest="quiet", action="count", default=0)
    module = types.SimpleNamespace(ServeCommand=types.SimpleNamespace(parser=parser))
    monkeypatch.setitem(sys.modules, "paste.script.serve", module)

    def taken(*arguments):
        monkeypatch.setattr(sys, "argv", ["paster", "serve", *arguments])
        return inifile.paste_command_line()

    return taken


@pytest.mark.parametrize(
    ("served", "path"),
    [
        ("app.ini", "app.ini"),
        ("app.ini#second", "app.ini"),
        ("config:app.ini", "app.ini"),
        ("CONFIG:/where/app.ini#second", "/where/app.ini"),
        ("my%20site.ini", "my site.ini"),
        (r"C:\sites\app.ini", r"C:\sites\app.ini"),
        (r"config:C:\sites\app.ini#main", r"C:\sites\app.ini"),
        ("egg:iiswsgi#test_app", None),
        ("call:module:factory", None),
    ],
)
def test_the_ini_file_of_what_paster_serves(paster, served, path):
    assert paster("-s", "egg:iiswsgi#iis", served) == (path, 0)


def test_a_server_of_the_ini_file_needs_no_file(paster):
    assert paster("-v", "-v", "-q", "app.ini") == (None, 1)


def test_where_paster_does_not_run_nothing_is_known(monkeypatch):
    monkeypatch.delitem(sys.modules, "paste.script.serve", raising=False)
    assert inifile.paste_command_line() == (None, None)
