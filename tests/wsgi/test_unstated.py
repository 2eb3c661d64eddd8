"""Bodies whose length nobody stated: how they are known, and for whom they are taken whole."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from iiswsgi.wsgi import unstated
from iiswsgi.wsgi.unstated import came_in_chunks, takes_whole


@pytest.mark.parametrize(
    ("variables", "chunks"),
    [
        ({"CONTENT_LENGTH": "-1"}, True),
        ({"CONTENT_LENGTH": "-1", "HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ({"CONTENT_LENGTH": "5", "HTTP_TRANSFER_ENCODING": "chunked"}, False),
        ({"CONTENT_LENGTH": "0"}, False),
        ({"CONTENT_LENGTH": ""}, False),
        ({}, False),
    ],
)
def test_chunks_are_known_by_what_the_web_server_says(variables, chunks):
    assert came_in_chunks(variables) is chunks


def test_the_policy_decides():
    assert takes_whole("whole")
    assert not takes_whole("streamed")


@pytest.mark.parametrize("framework", unstated._SEE_NO_BODY)
def test_a_framework_that_would_see_no_body_decides_where_nobody_else_does(framework, monkeypatch):
    for name in unstated._SEE_NO_BODY:  # other tests import some of them
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert not takes_whole("auto")
    monkeypatch.setitem(sys.modules, framework, ModuleType(framework))
    assert takes_whole("auto")
    assert not takes_whole("streamed")
