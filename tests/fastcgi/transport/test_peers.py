"""FCGI_WEB_SERVER_ADDRS: which peers may connect."""

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.fastcgi.transport.peers import VARIABLE, allowed_peers, may_connect


def test_without_the_variable_anybody_may():
    assert allowed_peers({}) is None
    assert may_connect(("192.0.2.1", 4711), None)


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        (("192.0.2.1", 4711), True),
        (("192.0.2.2", 4711), False),
        (("::ffff:192.0.2.1", 4711, 0, 0), True),
        (("2001:db8::1", 4711, 0, 0), True),
        (("2001:db8::2", 4711, 0, 0), False),
        ("", True),
        (b"", True),
    ],
)
def test_only_those_that_are_named_may(peer, may, caplog):
    allowed = allowed_peers({VARIABLE: "192.0.2.1, 2001:DB8:0::1,"})
    assert may_connect(peer, allowed) is may
    assert ("IISWSGI-P16" in caplog.text) is not may


def test_an_empty_list_names_nobody():
    assert not may_connect(("127.0.0.1", 1), allowed_peers({VARIABLE: ""}))


def test_what_is_no_address_is_said():
    with pytest.raises(SettingError, match=f"S23: .*{VARIABLE} names 'localhost'"):
        allowed_peers({VARIABLE: "127.0.0.1,localhost"})
