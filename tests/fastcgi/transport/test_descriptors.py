"""Connections that leave the application its files."""

import os

import pytest

from iiswsgi.fastcgi.transport.descriptors import connections_within


@pytest.mark.parametrize(
    ("files", "limit", "threads", "held"),
    [
        (1024, 100, 8, 100),
        (1024, 5000, 8, 960),
        (1024, 5000, 200, 512),
        (64, 100, 8, 32),
        (1, 100, 8, 1),
        (-1, 10_000, 8, 10_000),
    ],
)
def test_requests_keep_what_they_need(files, limit, threads, held, monkeypatch, caplog):
    monkeypatch.setattr(os, "sysconf", {"SC_OPEN_MAX": files}.get, raising=False)
    assert connections_within(limit, threads) == held
    assert ("IISWSGI-P17" in caplog.text) == (held < limit)


def test_where_there_is_no_such_limit(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)  # as on Windows
    assert connections_within(10_000, 1000) == 10_000
