"""Slips in Parameters.xml that are no errors."""

from __future__ import annotations

import re

import pytest

from iiswsgi.deploy.misspelt import warn_of_slips
from iiswsgi.deploy.parameters import parse_parameters

APP = "<parameter name='Application Path' tags='iisApp'/>"


def said(attributes, caplog):
    text = f"<parameters>{APP}\n<parameter name='X' {attributes}/></parameters>"
    warn_of_slips(parse_parameters(text, "P"), "Parameters.xml")
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ("tags='iisApps,Hiden'", "the tag 'hiden', .*; did you mean Hidden"),
        ("tags='DbUserPasword'", "did you mean dbUserPassword"),
        ("defaultValue='{Nope}/x'", "{Nope} in its default, and no parameter is called 'Nope'"),
    ],
)
def test_a_slip_is_told_of_with_its_line(attributes, says, caplog):
    *_, last = said(attributes, caplog)
    assert last.startswith("IISWSGI-D54: Parameters.xml, line 2: the parameter 'X' has ")
    assert re.search(says, last)


@pytest.mark.parametrize(
    "attributes",
    [
        "tags='SQL, dbusername, PASSWORD, new'",
        "tags='our own word'",
        "defaultValue='{application path}/{X}'",
        "defaultValue='{}'",
        "",
    ],
)
def test_what_is_no_slip(attributes, caplog):
    assert not said(attributes, caplog)
