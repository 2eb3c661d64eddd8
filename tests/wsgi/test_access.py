import logging

import pytest

from iiswsgi.wsgi import access
from iiswsgi.wsgi.access import Meter
from tests.wsgi.helpers import LEFT, Recorder

VARIABLES = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": "/page"}


@pytest.fixture(autouse=True)
def info(caplog):
    caplog.set_level(logging.INFO, "iiswsgi.access")


def line(caplog):
    (record,) = caplog.records
    assert record.name == "iiswsgi.access"
    return record.getMessage(), record.iiswsgi_fields


def test_a_response_passes_and_is_counted(caplog):
    recorder = Recorder()
    meter = Meter(recorder, VARIABLES)
    meter.head("201 Created", [("X", "1")])
    meter.body(b"one")
    meter.flush()
    meter.check()
    meter.body(b"three")
    meter.report()
    assert recorder.events == [
        ("head", ("201 Created", [("X", "1")])),
        ("body", b"one"),
        ("flush", None),
        ("body", b"three"),
    ]
    text, fields = line(caplog)
    assert text.startswith("GET /app/page 201 8 bytes ")
    assert text == f"GET /app/page 201 8 bytes {fields['ms']:.1f} ms"
    assert fields["ms"] >= 0
    del fields["ms"]
    assert fields == {"method": "GET", "path": "/app/page", "status": 201, "bytes": 8}


def test_without_a_response_there_is_no_status(caplog):
    Meter(Recorder(), VARIABLES).report()
    text, fields = line(caplog)
    assert text.startswith("GET /app/page - 0 bytes ")
    assert fields["status"] is None


def test_a_client_that_has_left_is_passed_on():
    meter = Meter(Recorder(leaves_at=1), VARIABLES)
    meter.head("200 OK", [])
    for method, given in ((meter.body, [b"x"]), (meter.flush, []), (meter.check, [])):
        with pytest.raises(type(LEFT)):
            method(*given)


def test_the_path_is_the_client_s_own_and_without_its_query(caplog):
    meter = Meter(Recorder(), VARIABLES)
    meter.name({"REQUEST_METHOD": "GET", "iiswsgi.raw_path": "/caf%C3%A9", "QUERY_STRING": "a=1"})
    meter.report()
    text, fields = line(caplog)
    assert text.startswith("GET /caf%C3%A9 - ")
    assert fields["path"] == "/caf%C3%A9"


def test_nothing_that_comes_from_a_browser_forges_a_line(caplog):
    forged = "/x 200 1 bytes\n2026-01-01T00:00:00.000Z"
    Meter(Recorder(), {"REQUEST_METHOD": "GET", "PATH_INFO": forged}).report()
    assert "\n" not in line(caplog)[0]


def test_the_level_is_the_line_s_own():
    logger = logging.getLogger("iiswsgi.access")
    logger.setLevel(logging.NOTSET)
    logging.getLogger("iiswsgi").setLevel(logging.ERROR)
    try:
        access.enable()
        assert logger.isEnabledFor(logging.INFO)
        logger.setLevel(logging.CRITICAL)  # as somebody's [loggers] may say
        access.enable()
        assert not logger.isEnabledFor(logging.INFO)
    finally:
        logging.getLogger("iiswsgi").setLevel(logging.NOTSET)
        logger.setLevel(logging.NOTSET)
