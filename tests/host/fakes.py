"""A pool without processes, for what stands in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from iiswsgi.host.definition import load
from iiswsgi.host.failure import Kind, WorkerFailure
from iiswsgi.host.site import Site
from iiswsgi.iis.config import FastCgiApplication

CONFIG = """<?xml version="1.0"?>
<configuration><system.webServer>
<fastCgi>
  <application fullPath="/usr/bin/python3" arguments="one"/>
  <application fullPath="/usr/bin/python3" arguments="two"/>
</fastCgi>
<handlers>
  <add name="two" path="*.two" verb="*" modules="FastCgiModule" allowPathInfo="true"
       scriptProcessor="/usr/bin/python3|two"/>
  <add name="css" path="*.css" verb="*" modules="StaticFileModule"/>
  <add name="all" path="*" verb="GET,HEAD,POST" modules="FastCgiModule"
       scriptProcessor="/usr/bin/python3|one"/>
</handlers>
</system.webServer></configuration>
"""


def failure(kind: Kind, **particulars: Any) -> WorkerFailure:
    particulars.setdefault("pid", 7)
    return WorkerFailure(kind, "process 7 did something", **particulars)


def site_from(folder: Path, config: str, *, virtual_path: str = "") -> Site:
    """A site whose pools are fakes, and forget what earlier tests did."""
    (folder / "web.config").write_text(config, encoding="utf-8")
    FakePool.made.clear()
    FakePool.replies.clear()
    site = Site(load(folder, {}), log_folder=folder / "logs", virtual_path=virtual_path)
    site.pool_class = FakePool
    return site


class FakeLog:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.paths = [Path("first.log"), Path("own.log")]

    def position(self) -> int:
        return len(self.text)

    def lines(self, pid: int | None = None, since: int = 0) -> list[str]:
        return self.text[since:]


class FakeReply:
    def __init__(
        self,
        pool: FakePool,
        status: int,
        headers: list[tuple[str, str]],
        chunks: Iterable[bytes | Exception],
    ) -> None:
        self.status = status
        self.reason = "As Asked"
        self.headers = headers
        self.pid = 7
        self.body = self._chunks(chunks)
        self._pool = pool

    def _chunks(self, chunks: Iterable[bytes | Exception]) -> Iterator[bytes]:
        for chunk in chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self._pool.closed_replies += 1
        self._pool.on_close()


class FakePool:
    """Answers what :attr:`replies` says, or "hello"."""

    made: ClassVar[list[FakePool]] = []
    replies: ClassVar[list[dict[str, Any] | WorkerFailure]] = []

    def __init__(self, application: FastCgiApplication, **options: Any) -> None:
        self.application = application
        self.options = options
        self.seen: list[Sequence[tuple[str, str]]] = []
        self.bodies: list[bytes | None] = []
        self.closed = 0
        self.closed_replies = 0
        self.on_close: Callable[[], None] = lambda: None
        self.log = FakeLog()
        self.events = ["process 7 started"]
        self.made.append(self)

    @classmethod
    def answers(
        cls,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (),
        chunks: Iterable[bytes | Exception] = (),
    ) -> None:
        """Prepare one reply; an exception among the chunks is raised in their place."""
        cls.replies.append({"status": status, "headers": list(headers), "chunks": chunks})

    def exchange(
        self, variables: Sequence[tuple[str, str]], body: Callable[[int], bytes] | None
    ) -> FakeReply:
        self.seen.append(variables)
        self.bodies.append(None if body is None else b"".join(iter(lambda: body(4096), b"")))
        self.log.text.append(f"request {len(self.seen)} logged")
        if not self.replies:
            return FakeReply(self, 200, [("Content-Type", "text/plain")], [b"hello"])
        reply = self.replies.pop(0)
        if isinstance(reply, WorkerFailure):
            raise reply
        return FakeReply(self, **reply)

    def log_lines(self) -> list[str]:
        return self.log.lines()

    def close(self) -> None:
        self.closed += 1
