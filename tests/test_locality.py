"""Who is told more than others."""

from __future__ import annotations

import pytest

from iiswsgi.locality import is_local


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.8.9.1"},
        {"REMOTE_ADDR": "::1"},
        {"REMOTE_ADDR": "::FFFF:127.0.0.1"},
        {"REMOTE_ADDR": "10.0.0.1", "LOCAL_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": "FE80::0:1%4", "LOCAL_ADDR": "fe80::1%4"},
        {"REMOTE_ADDR": "10.0.0.1", "LOCAL_ADDR": "::ffff:10.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDING": "is another word"},
    ],
    ids=str,
)
def test_local(environ):
    assert is_local(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": None},
        {"REMOTE_ADDR": 5},
        {"REMOTE_ADDR": "", "LOCAL_ADDR": ""},
        {"REMOTE_ADDR": "10.0.0.7", "LOCAL_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": "1270.0.0.1"},
        {"REMOTE_ADDR": "127.evil.example"},
        {"REMOTE_ADDR": "127.0.0.1, 10.0.0.7"},
        {"REMOTE_ADDR": "fe80::1%4", "LOCAL_ADDR": "fe80::1%5"},
        {"REMOTE_ADDR": "localhost", "LOCAL_ADDR": "localhost"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=1.2.3.4"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_ARR_LOG_ID": "5"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "::1"},
        {"REMOTE_ADDR": "::1", "HTTP_VIA": "1.1 proxy"},
    ],
    ids=str,
)
def test_not_local(environ):
    assert not is_local(environ)
