"""fcgisgi on a connected STDIN: its own protocol object, which its server would make for accept().

It needs an asyncio transport, and no asyncio loop takes a Windows pipe as a server does a socket,
so this peer is for POSIX only.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from application import application
from fcgisgi.asyncio_server import FastCGIWSGIProtocol, Server


class Protocol(FastCGIWSGIProtocol):
    """The same, and it says when the conversation is over."""

    over: asyncio.Future[None]

    def connection_lost(self, exc: Exception | None) -> None:
        """End the process: there will be no second connection."""
        super().connection_lost(exc)
        self.over.set_result(None)


async def serve() -> None:
    """Serve one conversation until its end."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(thread_name_prefix="wsgi-worker") as executor:
        protocol = Protocol(application, executor, Server(application, is_asgi=False))
        protocol.over = loop.create_future()
        await loop.connect_accepted_socket(lambda: protocol, socket.socket(fileno=0))
        await protocol.over


if __name__ == "__main__":
    asyncio.run(serve())
