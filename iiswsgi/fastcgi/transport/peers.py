"""Who may connect: FCGI_WEB_SERVER_ADDRS of the FastCGI specification, section 3.2."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from iiswsgi.errors import SettingError

__all__ = ["VARIABLE", "allowed_peers", "may_connect"]

log = logging.getLogger(__name__)

VARIABLE = "FCGI_WEB_SERVER_ADDRS"
"""The environment variable: IP addresses of web servers, with commas between."""


def allowed_peers(environ: Mapping[str, str]) -> frozenset[str] | None:
    """The addresses that may connect, as :mod:`socket` writes them; None for any.

    :raises SettingError: what the variable names is no IP address.
    """
    named = environ.get(VARIABLE)
    if named is None:
        return None
    import ipaddress  # hardly anybody sets it, and the import takes its time

    allowed = set()
    for word in filter(None, map(str.strip, named.split(","))):
        try:
            address = ipaddress.ip_address(word)
        except ValueError as error:
            raise SettingError(
                "S23",
                f"The environment variable {VARIABLE} names {word!r}, which is no IP address; it "
                "takes the addresses of web servers, with commas between",
            ) from error
        allowed.add(str(address))
        if address.version == 4:  # as a socket for both kinds of addresses has it
            allowed.add(f"::ffff:{address}")
    return frozenset(allowed)


def may_connect(address: Any, allowed: frozenset[str] | None) -> bool:
    """Whether the peer at *address*, which accept() gave, is one of *allowed*; tells if not.

    A peer on a Unix socket has no IP address, and is on this machine; the file's rights hold there.
    """
    if allowed is None or not isinstance(address, tuple) or address[0] in allowed:
        return True
    log.warning(
        "IISWSGI-P16: a connection from %s is closed: %s does not name it", address[0], VARIABLE
    )
    return False
