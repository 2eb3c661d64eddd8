"""The log of a real worker behind the stand-in: every way to say something, and every option."""

from __future__ import annotations

import json
import logging
import re

import pytest

from functional.sites import make_site, serving
from iiswsgi import cli

SAID = {
    "stdout": "{} print",
    "stderr": "{} wsgi.errors",
    "fixtureapps": "{} logging",
    "py.warnings": "UserWarning: {} warning",
}
"""What the route /print says under which name."""


def test_whatever_is_said_has_time_process_and_request(tmp_path):
    with serving(make_site(tmp_path / "site")) as client:
        pid = client.get("/pid").text
        client.get("/print/one")
        client.get("/print/two")
        client.get("/raise")
        client.get("/print-wrapped/text")
    for number, mark in (("2", "one"), ("3", "two")):
        for name, text in SAID.items():
            line = rf"(?m)^\d{{4}}-\S+Z {pid} {number} [A-Z]+ {name}: {text.format(mark)}"
            assert len(re.findall(line, client.log)) == 1, client.log
    assert re.search(rf" {pid} 4 ERROR iiswsgi\.wsgi\.call: IISWSGI-W01: GET /raise", client.log)
    assert re.search(rf" {pid} 5 INFO stdout: wrapped text\n", client.log)
    assert re.search(rf" {pid} - INFO iiswsgi\.server: the end", client.log)


def test_a_crash_has_process_request_and_time(tmp_path):
    """The stacks come from faulthandler, the rest from the next process."""
    with serving(make_site(tmp_path / "site")) as client:
        pid = client.get("/pid").text
        assert client.get("/crash/here?password=secret").status == 500
        assert client.get("/").status == 200
        log = client.log
    [thread] = re.findall(r"(?m)^Current thread 0x0*([0-9a-f]+) .*:\n.* in crash", log)
    for stream in ("stdout", "stderr"):
        said = rf"(?m)^\S+Z {pid} 2 INFO {stream}: about to crash here$"
        assert len(re.findall(said, log)) == 1, log
    line = rf" ERROR iiswsgi\.runtime\.lastwords: IISWSGI-L14: process {pid} ended without a word"
    line += rf" while it served request 2, GET /crash/here, since \S+Z in thread 0x{thread}\n"
    assert len(re.findall(line, log)) == 1, log
    assert log.count("IISWSGI-L14") == 1
    assert "secret" not in log


def test_json_lines_and_a_line_for_each_request(tmp_path, capsys):
    options = "log_file = %(here)s/site.log\nlog_format = json\naccess_log = true"
    site = make_site(tmp_path / "site", options=options)
    with serving(site) as client:
        client.get("/print/one")
        client.get("/status/404")
        client.get("/raise?password=secret")
    # Only now: a request's line is written when its answer is out, so that nobody waits for it.
    assert cli.main(["log", str(site)]) == 0
    captured = capsys.readouterr()
    assert re.search(r"==> .*site\.log <==\n$", captured.err)
    entries = [json.loads(line) for line in captured.out.splitlines() if line.startswith("{")]
    said = {entry["logger"]: entry["message"] for entry in entries if entry["request"] == 1}
    for name, text in SAID.items():
        assert said[name].startswith(text.format("one"))
    access = [entry for entry in entries if entry["logger"] == "iiswsgi.access"]
    assert [(entry["request"], entry["status"], entry["path"]) for entry in access] == [
        (1, 200, "/print/one"),
        (2, 404, "/status/404"),
        (3, 500, "/raise"),
    ]
    assert len({entry["pid"] for entry in entries}) == 1
    (failure,) = [entry for entry in entries if entry["level"] == "ERROR"]
    assert failure["message"].startswith("IISWSGI-W01: GET /raise: ")
    assert failure["details"].startswith("Traceback (most recent call last):\n")
    assert "secret" not in failure["message"]


@pytest.mark.parametrize("mode", ["ReturnStdErrIn500", "TerminateProcess"])
def test_events_for_failed_request_tracing_are_no_errors(tmp_path, caplog, mode):
    caplog.set_level(logging.INFO, "iiswsgi.host")
    with serving(make_site(tmp_path, options="trace_records = on", stderrMode=mode)) as client:
        pid = client.get("/pid").text
        answer = client.get("/print/one")
        assert (answer.status, answer.text) == (200, "child read '' from its stdin\n")
        assert client.get("/raise").status == 500
        assert client.get("/print-half/Mark").status == 200
        assert client.get("/pid").text == pid
    traced = [r.getMessage() for r in caplog.records if " traced " in r.getMessage()]
    assert f"process {pid} traced info: stdout: one print" in traced
    assert f"process {pid} traced warning: fixtureapps: one logging" in traced
    assert f"process {pid} traced info: stderr: one wsgi.errors" in traced
    assert f"process {pid} traced info: stdout: half Mark without its newline" in traced
    (failure,) = [text for text in traced if " traced error: " in text]
    assert failure.endswith("RuntimeError: raised on request: secret-detail")
