"""Who is on the server itself, and may be told more than others; one rule for every page of ours.

``docs/environ.rst`` explains it under "Local requests".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

__all__ = ["is_local"]


def is_local(variables: Mapping[str, Any]) -> bool:
    """Whether the request comes from somebody on the server itself.

    By its address: a loopback one, or the very one that the request came to. Behind a proxy on the
    same machine every request comes from there; so one that says it was passed on is not local.

    :param variables: as they came. Not the environ that an application had in its hands: middleware
        such as PasteDeploy's ``PrefixMiddleware`` makes REMOTE_ADDR of what any client can send.
    """
    if any(name in _PASSED_ON or name.startswith("HTTP_X_FORWARDED") for name in variables):
        return False
    remote = _address(variables, "REMOTE_ADDR")
    if remote is None:
        return False
    return remote.is_loopback or remote == _address(variables, "LOCAL_ADDR")


_PASSED_ON = {
    "HTTP_CF_CONNECTING_IP",
    "HTTP_CLIENT_IP",
    "HTTP_FORWARDED",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_VIA",
    "HTTP_X_ARR_LOG_ID",  # IIS's Application Request Routing
    "HTTP_X_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_X_ORIGINAL_FOR",
    "HTTP_X_REAL_IP",
}
"""Headers of proxies, beside all of ``X-Forwarded-...``; to be there is enough, even empty."""


def _address(variables: Mapping[str, Any], name: str) -> IPv4Address | IPv6Address | None:
    import ipaddress  # no cost for a start that needs no page

    value = variables.get(name)
    if not isinstance(value, str):
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
