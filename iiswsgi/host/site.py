"""A site as something to serve: a handler for each request, a pool for each application used.

Knows nothing of HTTP servers: a request comes in as a value, and what goes out is a worker's
reply, or a report of why there is none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from iiswsgi.errors import ConfigError
from iiswsgi.host import refusals
from iiswsgi.host.definition import Definition
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.launch import worker_log
from iiswsgi.host.modes import Modes
from iiswsgi.host.pages import Report, failure_report
from iiswsgi.host.pool import Pool
from iiswsgi.host.reply import Reply
from iiswsgi.host.variables import (
    HttpRequest,
    InvalidTarget,
    Place,
    decode_path,
    make_variables,
    split_target,
)
from iiswsgi.host.workerlog import Position
from iiswsgi.iis.config import (
    FastCgiApplication,
    Handler,
    find_application,
    match_handler,
)

__all__ = ["Answer", "Site"]

log = logging.getLogger(__name__)

MODULE = "FastCgiModule"

_SIGNAL_WAIT = 0.1
# Seconds: Windows lets a signal handler run only between two waits.


class Answer:
    """A worker's reply, its first chunk at hand; iterate it and close it.

    Iterating raises WorkerFailure when the worker breaks off.
    """

    def __init__(self, reply: Reply, pool: Pool, log_position: Position) -> None:
        self.status = reply.status
        self.reason = reply.reason
        self.headers = reply.headers
        self.pid = reply.pid
        self._reply = reply
        self._pool = pool
        self._log_position = log_position
        self._first: list[bytes] = []
        self.bodiless = reply.status in (204, 304) or reply.status < 200
        """Whether no body goes out, whatever Content-Length says."""

    def prefetch(self, *, head_only: bool) -> None:
        """Take the first chunk, while an error page can still be sent.

        A response that must have no body is taken whole, and what body it has is dropped.

        :raises WorkerFailure: the worker broke off.
        """
        self.bodiless = self.bodiless or head_only
        for chunk in self._reply.body:
            if chunk and not self.bodiless:
                self._first.append(chunk)
                return

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._first.pop() if self._first else next(self._reply.body)

    def close(self) -> None:
        """The client has everything, or has left."""
        self._reply.close()

    def log_lines(self) -> list[str]:
        """Return what the worker logged since the request came."""
        return self._pool.log.lines(self.pid, self._log_position)


class Site:
    """One site: finds the handler of a request and lets a worker answer it.

    Thread-safe. A pool is made when the first request for its application comes.
    """

    pool_class = Pool

    def __init__(
        self,
        definition: Definition,
        *,
        log_folder: Path,
        virtual_path: str = "",
        modes: Modes | None = None,
    ) -> None:
        self.definition = definition
        self.log_folder = log_folder
        self.modes = modes or Modes()
        self.place = Place(
            str(definition.folder), virtual_path, site_name=definition.folder.name or "site"
        )
        self._pools: dict[tuple[FastCgiApplication, int], Pool] = {}
        self._lock = threading.RLock()  # a signal handler may kill while close() holds it
        self._closed = False

    def handle(self, request: HttpRequest, body: Callable[[int], bytes] | None) -> Answer | Report:
        """Answer one request.

        :param body: reads at most so many bytes of the request's body; None: there is none.
        """
        try:
            refusal = self.definition.request_filter.refusal(request)
            path = decode_path(split_target(request.target)[0])
        except InvalidTarget as exc:
            return refusals.bad_request(str(exc))
        if refusal is not None:
            return refusals.not_found(refusal.substatus, refusal.sentence, refusal.cure)
        within = self._within(path)
        if within is None:
            return refusals.outside(path, self.place.virtual_path)
        handler = match_handler(self.definition.config, within, request.method)
        if handler is None:
            return refusals.no_handler(self.definition.config, within, request.method)
        return self._pass_on(handler, request, body)

    def pools(self) -> list[Pool]:
        """Return the pools in use."""
        with self._lock:
            return list(self._pools.values())

    def close(self) -> None:
        """End every worker; requests that come later are refused.

        Whoever breaks it off, as Ctrl-C does, does not want to wait: the workers are killed.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        # Side by side: each may wait signalBeforeTerminateSeconds for its workers.
        try:
            threads = [threading.Thread(target=pool.close) for pool in self.pools()]
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_SIGNAL_WAIT)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End every worker at once, also while :meth:`close` waits for them."""
        for pool in self.pools():
            pool.kill()

    def check(self) -> None:
        """Log what is wrong with the configuration, before any request comes."""
        config = self.definition.config
        fastcgi = [handler for handler in config.handlers if MODULE in _modules(handler)]
        if not fastcgi:
            log.warning(
                "IISWSGI-H34: %s has no handler with modules=%s; every request gets a 404",
                config.path,
                MODULE,
            )
        for handler in fastcgi:
            self._check(handler)

    def _check(self, handler: Handler) -> None:
        try:
            find_application(self.definition.config, handler)
        except ConfigError as exc:
            log.warning("%s", exc)

    def _within(self, path: str) -> str | None:
        """Return the part of `path` below the application, or None."""
        virtual_path = self.place.virtual_path
        if path.lower() == virtual_path.lower():
            return "/"
        if path.lower().startswith(virtual_path.lower() + "/") or not virtual_path:
            return path[len(virtual_path) :]
        return None

    def _pass_on(
        self, handler: Handler, request: HttpRequest, body: Callable[[int], bytes] | None
    ) -> Answer | Report:
        if MODULE not in _modules(handler):
            return refusals.other_module(handler, MODULE)
        try:
            application = find_application(self.definition.config, handler)
        except ConfigError as exc:
            return refusals.wrong_config(exc)
        variables = make_variables(
            request,
            self.place,
            handler_path=handler.path,
            allow_path_info=handler.allow_path_info,
        )
        pool: Pool | None = None
        try:
            pool = self._pool(application, handler.response_buffer_limit)
            return _ask(pool, variables, body, head_only=request.method == "HEAD")
        except WorkerFailure as failure:
            if failure.pid is None:  # the pool tells of its processes itself
                log.warning("%s", failure)
            return failure_report(
                failure,
                command_line=f"{application.full_path} {application.arguments}".rstrip(),
                log_file=", ".join(map(str, pool.log.paths if pool else [self.log_file])),
            )

    def _pool(self, application: FastCgiApplication, response_buffer_limit: int) -> Pool:
        # The limit is the handler's in IIS and the pool's here: two handlers of one application
        # that differ in it get a pool each.
        key = application, response_buffer_limit
        with self._lock:
            if self._closed:
                raise WorkerFailure("killed", "the stand-in stops; no process was asked")
            if key not in self._pools:
                self._pools[key] = self.pool_class(
                    application,
                    site_folder=self.definition.folder,
                    log_folder=self.log_folder,
                    modes=self.modes,
                    response_buffer_limit=response_buffer_limit,
                )
            return self._pools[key]

    @property
    def log_file(self) -> Path:
        """The file in which the workers begin their log; ``log_file`` may move it."""
        return worker_log(self.definition.folder, self.log_folder)


def _ask(
    pool: Pool,
    variables: Sequence[tuple[str, str]],
    body: Callable[[int], bytes] | None,
    *,
    head_only: bool,
) -> Answer:
    position = pool.log.position()
    answer = Answer(pool.exchange(variables, body), pool, position)
    try:
        answer.prefetch(head_only=head_only)
    except BaseException:
        answer.close()
        raise
    return answer


def _modules(handler: Handler) -> list[str]:
    return [name.strip() for name in handler.modules.split(",")]
