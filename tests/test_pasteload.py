"""An application that exits while PasteDeploy loads it."""

import sys

import pytest
from paste.deploy import loadapp, loadwsgi

from iiswsgi.pasteload import ExitWhileLoading, tell_exit


def make_app(global_conf, status="0"):
    sys.exit(int(status))


@pytest.fixture
def uri(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "exiting_site", sys.modules[__name__])
    monkeypatch.setattr(loadwsgi, "loadobj", loadwsgi.loadobj)
    text = "[app:main]\npaste.app_factory = exiting_site:make_app\nstatus = 3\n"
    (tmp_path / "app.ini").write_text(text, encoding="utf-8")
    return f"config:{tmp_path}/app.ini"


def test_the_next_load_raises_and_only_that(uri):
    tell_exit(lambda: False)
    with pytest.raises(ExitWhileLoading, match=r"sys\.exit\(3\)") as raised:
        loadapp(uri)
    assert isinstance(raised.value.__cause__, SystemExit)
    with pytest.raises(SystemExit):
        loadapp(uri)


def test_what_loads_is_handed_on(uri):
    tell_exit(lambda: False)
    assert callable(loadapp("egg:iiswsgi#test_app"))


def test_without_pastedeploy_there_is_nothing_to_watch(uri, monkeypatch):
    load = loadwsgi.loadobj
    monkeypatch.delitem(sys.modules, "paste.deploy.loadwsgi")
    tell_exit(lambda: False)
    assert loadwsgi.loadobj is load
    assert "paste.deploy.loadwsgi" not in sys.modules
