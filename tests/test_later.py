"""Modules that are imported when something of them is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading

import pytest

from iiswsgi import later

NAME = "a_slow_module"


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """The name of a module that says when it is imported, in a list."""
    (tmp_path / f"{NAME}.py").write_text(
        "import time\ntime.sleep(0.05)\nvalue = 1\nimport builtins\nbuiltins.imported.append(1)\n",
        encoding="utf-8",
    )
    imported = []
    monkeypatch.setattr("builtins.imported", imported, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    later.import_later(NAME)
    yield imported
    sys.modules.pop(NAME, None)


def test_the_import_statement_costs_nothing(slow):
    module = importlib.import_module(NAME)
    assert getattr(module, "__file__", None) is None, "as those ask who only look around"
    assert not slow


def test_it_is_there_when_something_is_asked_for(slow):
    module = importlib.import_module(NAME)
    assert module.value == 1
    assert module.value == 1
    assert slow == [1]
    assert sys.modules[NAME] is not module
    assert importlib.import_module(NAME).value == 1


def test_what_it_has_not_got_is_missing(slow):
    module = importlib.import_module(NAME)
    with pytest.raises(AttributeError, match="other"):
        _ = module.other


def test_many_threads_import_it_once(slow):
    module = importlib.import_module(NAME)
    found = []
    threads = [threading.Thread(target=lambda: found.append(module.value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, slow) == ([1] * 8, [1])


def test_what_is_imported_already_stays():
    before = sys.modules["threading"]
    later.import_later("threading")
    assert sys.modules["threading"] is before


PROGRAM = """
import sys
from iiswsgi import later
new = "importlib.metadata" not in sys.modules
later.import_later(later.METADATA_ADAPTERS)
from importlib import metadata
from paste.deploy import loadapp
loadapp("config:" + sys.argv[1])
if new:
    assert type(sys.modules[later.METADATA_ADAPTERS]).__name__ == "_Later"
assert metadata.metadata("PasteDeploy")["Name"].lower() == "pastedeploy"
assert type(sys.modules[later.METADATA_ADAPTERS]).__name__ == "module"
"""


def test_a_start_does_without_the_descriptions_of_distributions(tmp_path):
    ini = tmp_path / "app.ini"
    ini.write_text("[app:main]\nuse = egg:iiswsgi#test_app\n", encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(ini)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
