"""Plain flup on a connected STDIN: its own Connection, as its server makes one after accept()."""

from __future__ import annotations

import socket

from application import application
from flup.server.fcgi_base import Connection
from flup.server.fcgi_single import WSGIServer


def main() -> None:
    """Serve one conversation until its end."""
    # flup's own single-process server carries the settings; only its accept loop is left out.
    server = WSGIServer(application)
    Connection(socket.socket(fileno=0), ("", 0), server, None).run()


if __name__ == "__main__":
    main()
