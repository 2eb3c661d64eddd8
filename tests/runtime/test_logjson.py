import json
import os

from iiswsgi.runtime import logjson
from iiswsgi.runtime.logentry import Entry


def render(*values):
    line = logjson.render(Entry(*values))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    return json.loads(line)


def test_an_entry():
    assert render("INFO", "iiswsgi.x", "caf\u00e9 \u2028.", "", 1795012424.9536, 17) == {
        "time": "2026-11-18T14:33:44.953Z",
        "pid": os.getpid(),
        "request": 17,
        "level": "INFO",
        "logger": "iiswsgi.x",
        "message": "caf\u00e9 \u2028.",
    }


def test_between_requests_the_request_is_null():
    assert render("INFO", "n", "text", "", 0.0, None)["request"] is None


def test_further_lines_are_one_text():
    found = render("ERROR", "n", "failed\n", "Traceback:\n  x\n\ny\n", 0.0, None)
    assert found["message"] == "failed"
    assert found["details"] == "Traceback:\n  x\n\ny"


def test_fields_stand_beside_the_rest_and_never_in_its_place():
    found = render("INFO", "n", "text", "", 0.0, 1, {"status": 200, "ms": 1.5, "pid": 0})
    assert (found["status"], found["ms"], found["pid"]) == (200, 1.5, os.getpid())


def test_what_is_no_text_is_written_all_the_same():
    assert render("INFO", "n", "\udce9", "", 0.0, None)["message"] == "\\udce9"


def test_nobody_forges_a_line():
    forged = 'x"}\n{"time": "2026-01-01T00:00:00.000Z", "pid": 1}'
    assert render("INFO", forged, forged, forged, 0.0, None)["message"] == forged
