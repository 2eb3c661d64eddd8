from __future__ import annotations

import sys

import pytest

from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.monitor import Monitor
from iiswsgi.host.pages import failure_report


def test_a_change_is_noticed_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("a", encoding="utf-8")
    monitor = Monitor(path)
    assert not monitor.changed()
    path.write_text("other", encoding="utf-8")
    assert monitor.changed()
    assert not monitor.changed()
    monitor.check()


def test_a_file_that_goes_and_comes(tmp_path):
    path = tmp_path / "file"
    monitor = Monitor(path)
    with pytest.raises(WorkerFailure, match="monitorChangesTo") as caught:
        monitor.check()
    assert caught.value.kind == "nothing_to_monitor"
    report = failure_report(caught.value)
    assert "fullPath, not to the site's" in " ".join(report.advice)
    assert "quotation marks" not in " ".join(report.advice)
    assert "MonitorChangesTo" not in report.sentence
    path.write_text("a", encoding="utf-8")
    assert monitor.changed()
    monitor.check()
    path.unlink()
    assert monitor.changed()
    with pytest.raises(WorkerFailure):
        monitor.check()


def test_a_relative_name_is_beside_the_executable(tmp_path):
    executable, site = tmp_path / "bin" / "python.exe", tmp_path / "site"
    monitor = Monitor.for_application("web.config", str(executable), site)
    assert monitor.path == tmp_path / "bin" / "web.config"
    absolute = Monitor.for_application(str(site / "app.wsgi"), str(executable), site)
    assert absolute.path == site / "app.wsgi"


if sys.platform != "win32":

    def test_a_windows_path_means_the_site(tmp_path):
        monitor = Monitor.for_application(r"C:\inetpub\x\web.config", "/usr/bin/python", tmp_path)
        assert monitor.path == tmp_path / "web.config"
