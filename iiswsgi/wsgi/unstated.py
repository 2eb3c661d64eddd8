"""Bodies of which nobody has said how long they are: in chunks, or over HTTP/2.

PEP 3333 lets a request be without CONTENT_LENGTH, and with ``wsgi.input_terminated`` an application
can read to the end all the same. Many frameworks take such a request for one without a body.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from iiswsgi.wsgi.reply import request_name

__all__ = ["came_in_chunks", "takes_whole", "tell_unread"]

log = logging.getLogger(__name__)

_SEE_NO_BODY = (
    *("django", "bottle", "a2wsgi", "falcon", "cherrypy", "radicale"),
    *("paste.request", "paste.cascade"),
    "web.webapi",  # web.py
    "gluon",  # web2py
)
"""Modules of those that see no body without a length.

Found by asking each (Django 5.2, Bottle 0.13, a2wsgi 1.10, Falcon 4.4, CherryPy 18.10, Radicale
3.9, Paste 3.10, web.py 0.76; web2py by its source). Flask, Pyramid and what else is built on
Werkzeug or WebOb read to the end.
"""

_told = False


def came_in_chunks(variables: Mapping[str, str]) -> bool:
    """Whether the client is said to have sent a body in chunks; IIS says so by a length of -1."""
    length = variables.get("CONTENT_LENGTH")
    return length == "-1" or bool(not length and variables.get("HTTP_TRANSFER_ENCODING"))


def takes_whole(policy: str) -> bool:
    """Whether such a body has to be here, and its length known, before the application is called.

    :param policy: the ``chunked_bodies`` setting. ``auto``: whole for the frameworks that would
        see no body. They are looked for with each request: an application may import one late.
    """
    if policy == "auto":
        return any(name in sys.modules for name in _SEE_NO_BODY)
    return policy == "whole"


def tell_unread(environ: Mapping[str, Any]) -> None:
    """Say once that an application has read nothing of a body whose length it was not told."""
    global _told
    if not _told:
        _told = True
        log.warning(
            "IISWSGI-W14: %s: the body came without a length, and the application read nothing of "
            "it; if it takes a request without CONTENT_LENGTH for one without a body, set "
            "chunked_bodies = whole (said once)",
            request_name(environ),
        )
