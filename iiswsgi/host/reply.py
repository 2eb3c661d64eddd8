"""A worker's response as the HTTP front takes it: a head, and a body that is pulled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from iiswsgi.host.exchange import Exchange
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.head import Head

__all__ = ["Reply"]

Done = Callable[[Exchange, "WorkerFailure | None"], None]
"""Called once when the worker is free again, or has failed, or its client has left."""


class Reply:
    """One response; it must be closed, whether it was read to its end or not."""

    def __init__(self, exchange: Exchange, head: Head, done: Done) -> None:
        self.status = head.status
        self.reason = head.reason
        self.headers: list[tuple[str, str]] = list(head.headers)
        self.pid = exchange.worker.pid
        self._exchange = exchange
        self._done: Done | None = done
        self.body: Iterator[bytes] = self._chunks()
        if exchange.ended:
            # Most responses are whole by now; the worker need not wait for the browser.
            self._finish(None)

    def _chunks(self) -> Iterator[bytes]:
        """The body's bytes.

        :raises WorkerFailure: the worker broke off; the response must not look whole.
        """
        try:
            while chunk := self._exchange.next_chunk():
                if self._exchange.ended:
                    self._finish(None)
                yield chunk
        except WorkerFailure as failure:
            self._finish(failure)
            raise
        self._finish(None)

    def _finish(self, failure: WorkerFailure | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self._exchange, failure)

    def close(self) -> None:
        """The client has left, or has everything."""
        self._finish(None)
