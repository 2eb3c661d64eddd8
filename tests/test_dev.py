"""dev.py's own rules: what it counts, what it makes anew, what it says when it cannot go on."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def dev(tmp_path):
    """The module, afresh, with its folders in a temporary one."""
    path = Path(__file__).parent.parent / "dev.py"
    spec = importlib.util.spec_from_file_location("dev_under_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.CACHE = tmp_path / ".cache"
    yield module
    del sys.modules[spec.name]


def test_the_last_line_is_the_total(dev, capsys):
    results = [dev.Result("a", 3, 0, 1, 1.0), dev.Result("b", 4, 2, 0, 2.0)]
    assert dev.summary(results) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "7 passed, 2 failed, 1 skipped"
    assert dev.summary(results[:1]) == 0


REPORTED = """
import pytest

@pytest.fixture
def left_dirty():
    yield
    raise OSError

def test_passes():
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_passes_with(number):
    pass

def test_fails():
    raise OSError

def test_fails_and_leaves_dirt(left_dirty):
    raise OSError

def test_leaves_dirt(left_dirty):
    pass

@pytest.mark.skip
def test_skipped():
    pass
"""


def test_a_report_is_counted_by_test(dev, tmp_path):
    test, report = tmp_path / "test_it.py", tmp_path / "report.xml"
    test.write_text(REPORTED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", str(test)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert dev.count(report) == (3, 3, 1)


@pytest.mark.parametrize("content", [None, "", "<testsuites>"])
def test_a_suite_that_left_no_whole_report_counts_as_nothing(dev, tmp_path, content):
    report = tmp_path / "report.xml"
    if content is not None:
        report.write_text(content, encoding="utf-8")
    assert dev.count(report) == (0, 0, 0)


@pytest.mark.parametrize(("program", "failed"), [("import sys; sys.exit(3)", 1), ("", 0)])
def test_a_suite_without_a_report_fails_by_its_status(dev, monkeypatch, program, failed):
    monkeypatch.setattr(dev, "ROOT", dev.CACHE.parent)
    suite = dev.Suite("odd", [sys.executable, "-c", program], [])
    assert dev.run_suite(suite, time.monotonic() + 60)[1:4] == (0, failed, 0)


def test_a_suite_that_does_not_end_is_ended(dev, monkeypatch):
    monkeypatch.setattr(dev, "ROOT", dev.CACHE.parent)
    suite = dev.Suite("long", [sys.executable, "-c", "import time; time.sleep(60)"], [])
    assert dev.run_suite(suite, time.monotonic() + 0.5)[1:4] == (0, 1, 0)


UNSTEADY = """
from pathlib import Path

def test_steady():
    pass

def test_fails_at_first():
    there = Path("second").exists()
    Path("second").touch()
    assert there

def test_fails():
    assert {always}
"""


@pytest.mark.parametrize(("always", "passed", "failed", "unsteady"), [(1, 3, 0, 1), (0, 1, 2, 0)])
def test_what_failed_gets_a_second_chance(dev, monkeypatch, always, passed, failed, unsteady):
    folder = dev.CACHE.parent
    monkeypatch.setattr(dev, "ROOT", folder)
    (folder / "test_it.py").write_text(UNSTEADY.format(always=always), encoding="utf-8")
    [result] = dev.run_suites([[dev.Suite("some", [sys.executable], ["test_it.py"])]])
    assert (result.passed, result.failed, result.unsteady) == (passed, failed, unsteady)
    report = dev.CACHE / "reports" / "some-again.xml"
    assert dev.count(report) == ((1, 0, 0) if always else (1, 1, 0))  # not the steady one
    assert dev.summary([result]) == int(failed > 0)


BREAKS_OFF = """
import os
from pathlib import Path

def test_breaks_off():
    there = Path("second").exists()
    Path("second").touch()
    if not there:
        os._exit(1)

def test_other():
    assert {always}
"""


@pytest.mark.parametrize(("always", "passed", "failed", "unsteady"), [(1, 2, 0, 1), (0, 0, 1, 0)])
def test_a_suite_that_broke_off_is_run_again(dev, monkeypatch, always, passed, failed, unsteady):
    folder = dev.CACHE.parent
    monkeypatch.setattr(dev, "ROOT", folder)
    (folder / "test_it.py").write_text(BREAKS_OFF.format(always=always), encoding="utf-8")
    [result] = dev.run_suites([[dev.Suite("some", [sys.executable], ["test_it.py"])]])
    assert (result.passed, result.failed, result.unsteady) == (passed, failed, unsteady)


def test_a_suite_that_breaks_off_again_has_failed(dev, monkeypatch):
    monkeypatch.setattr(dev, "ROOT", dev.CACHE.parent)
    [result] = dev.run_suites([[dev.Suite("odd", [sys.executable, "-c", "exit(3)"], [])]])
    assert (result.passed, result.failed, result.unsteady) == (0, 1, 0)


@pytest.fixture
def preparing(dev, monkeypatch, tmp_path):
    """Runs ``ready_environment``; gives the extras that pip was asked for, None for no pip."""
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    for name in ("setup.cfg", "setup.py"):
        (tmp_path / name).write_text("one", encoding="utf-8")
    folder = tmp_path / "env"
    executable = folder / ("Scripts/python.exe" if dev.ON_WINDOWS else "bin/python")

    def make(folder, python):
        executable.parent.mkdir(parents=True)
        executable.touch()

    def prepare(*extras, fails=False):
        asked = []

        def run(command, environment=None):
            asked.append(command[-1].rpartition("[")[2].rstrip("]"))
            if fails:
                raise dev.SetupError("no network")

        monkeypatch.setattr(dev, "run", run)
        dev.ready_environment(folder, dev.Python("python", (3, 11)), extras)
        return asked[0] if asked else None

    monkeypatch.setattr(dev, "make_environment", make)
    prepare.folder = folder
    return prepare


def test_an_environment_is_prepared_once_and_extended(preparing):
    assert preparing("host") == "host"
    assert preparing("host") is None
    assert preparing("test") == "host,test"
    assert preparing("host", "test") is None


def test_it_is_made_anew_for_other_requirements(preparing, tmp_path):
    preparing("host")
    (preparing.folder / "left over").touch()
    (tmp_path / "setup.cfg").write_text("two", encoding="utf-8")
    assert preparing("host") == "host"
    assert not (preparing.folder / "left over").exists()


def test_it_is_made_anew_after_a_failure(dev, preparing):
    with pytest.raises(dev.SetupError):
        preparing("host", fails=True)
    (preparing.folder / "half installed").touch()
    assert preparing("host") == "host"
    assert not (preparing.folder / "half installed").exists()


def test_an_environment_of_the_users_own_is_not_deleted(dev, preparing):
    dev.make_environment(preparing.folder, None)
    (preparing.folder / "theirs").touch()
    assert preparing("host") == "host"
    assert (preparing.folder / "theirs").exists()
    assert json.loads((preparing.folder / "ready.json").read_text("utf-8"))["extras"] == ["host"]


def test_without_any_way_to_make_an_environment_it_says_what_to_install(dev, monkeypatch, tmp_path):
    def no_apt(packages):
        raise dev.SetupError("no apt-get")

    monkeypatch.setattr(dev, "imports", lambda python, module: False)
    monkeypatch.setattr(dev, "apt_install", no_apt)
    with pytest.raises(dev.SetupError, match=r"python3\.11-venv"):
        dev.make_environment(tmp_path / "env", dev.Python("python3", (3, 11)))


def test_one_python_for_each_version_and_this_one_first(dev, monkeypatch):
    found = {
        "/old": dev.Python("/old", (3, 9)),
        "/new": dev.Python("/new", (3, 99)),
        "/another": dev.Python("/another", (3, 99)),
        "/shim": None,
    }
    monkeypatch.setattr(dev, "python_commands", lambda: list(found))
    monkeypatch.setattr(dev, "ask_version", found.get)
    assert dev.find_pythons() == [dev.this_python(), found["/new"]]


def test_a_python_says_its_version(dev, tmp_path):
    assert dev.ask_version(sys.executable).version == sys.version_info[:2]
    assert dev.ask_version(str(tmp_path / "missing")) is None
