"""Connections that leave the application its files."""

import sys

import pytest

from iiswsgi.fastcgi.transport.descriptors import connections_within

if sys.platform == "win32":

    def test_windows_has_no_such_limit():
        assert connections_within(10_000, 1000) == 10_000

else:
    import resource

    @pytest.mark.parametrize(
        ("files", "limit", "threads", "held"),
        [
            (1024, 100, 8, 100),
            (1024, 5000, 8, 960),
            (1024, 5000, 200, 512),
            (64, 100, 8, 32),
            (1, 100, 8, 1),
            (resource.RLIM_INFINITY, 10_000, 8, 10_000),
        ],
    )
    def test_requests_keep_what_they_need(files, limit, threads, held, monkeypatch, caplog):
        monkeypatch.setattr(resource, "getrlimit", lambda which: (files, files))
        assert connections_within(limit, threads) == held
        assert ("IISWSGI-P17" in caplog.text) == (held < limit)
