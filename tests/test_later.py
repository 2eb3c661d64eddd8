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
    with later.spared(NAME):
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
    with later.spared("threading"):
        assert sys.modules["threading"] is before
    assert sys.modules["threading"] is before


def test_nobody_sees_it_afterwards(slow):
    module = importlib.import_module(NAME)
    with later.spared(f"{NAME}_2"):
        assert f"{NAME}_2" in sys.modules
    assert f"{NAME}_2" not in sys.modules
    assert module.value == 1


def test_what_was_imported_in_the_block_stays_after_it(slow, tmp_path):
    (tmp_path / f"{NAME}_2.py").write_text("value = 2\n", encoding="utf-8")
    with later.spared(f"{NAME}_2"):
        kept = importlib.import_module(f"{NAME}_2")
        assert kept.value == 2
        real = importlib.import_module(f"{NAME}_2")
    assert sys.modules.pop(f"{NAME}_2") is real is not kept


PROGRAM = """
import sys
from iiswsgi import inifile, later, serving
new = {name for name in later.PASTE_DEPLOY_SPARES if name not in sys.modules}
inifile.server_options(sys.argv[1], {})
serving._load_ini(sys.argv[1], None, {})
assert not [name for name, module in sys.modules.items() if type(module).__name__ == "_Later"]
imported = sorted(new & sys.modules.keys())
from importlib import metadata
assert metadata.metadata("PasteDeploy")["Name"].lower() == "pastedeploy"
print(*imported)
"""


@pytest.mark.parametrize(
    ("use", "needed"),
    [
        ("paste.app_factory = iiswsgi.server:make_test_app", set()),
        # What finding a distribution takes differs between Pythons.
        ("use = egg:iiswsgi#test_app", set(later.PASTE_DEPLOY_SPARES)),
    ],
)
def test_a_start_does_without_what_paste_deploy_does_not_need(tmp_path, use, needed):
    ini = tmp_path / "app.ini"
    ini.write_text(f"[app:main]\n{use}\n", encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(ini)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) <= needed
