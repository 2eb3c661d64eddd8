"""One WSGI call by the rules of PEP 3333, whatever carries it.

The application is called, its answer is checked and handed to a :class:`Response` piece by piece,
its result is closed, and whatever it raises ends here, as a page or as a response broken off.
"""

from __future__ import annotations

import enum
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from iiswsgi import tracebacks
from iiswsgi.errors import BadRequest, ClientDisconnected, Error, RequestTooLarge
from iiswsgi.wsgi.errorpage import ErrorPage, Page, new_error_id
from iiswsgi.wsgi.headers import MAX_HEADER_BYTES
from iiswsgi.wsgi.reply import Reply, Response, request_name

__all__ = ["Outcome", "Response", "call", "refuse", "tell_departure"]

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


_forks = 0
"""How many forks led to this process since it imported this."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_count_fork)


class Outcome(enum.Enum):
    """How a call ended."""

    COMPLETE = "complete"
    """The response is whole."""
    SHORT = "short"
    """It has fewer bytes than its head promised, so that the client can tell; but he waits for the
    rest while his connection lives. The caller may break it off where that costs nothing else."""
    BROKEN = "broken"
    """It failed after its first byte and looks whole; the caller must break it off."""
    GONE = "gone"
    """The client left, or the request was aborted; the log says so."""


def call(
    application: Application,
    environ: Environ,
    response: Response,
    *,
    error_page: ErrorPage,
    variables: Mapping[str, Any] | None = None,
    max_header_bytes: int = MAX_HEADER_BYTES,
) -> Outcome:
    """Run one request through the application.

    A body in a list or a tuple is handed over without a flush: all of it is at hand, so that head,
    body and end can be one write. Of any other iterable each chunk is flushed before the next is
    asked for.

    :param variables: the server variables as they came, which say who is told how much by a page;
        the application may change the environ, but not these. None: the environ has to do.
    """
    reply = Reply(environ, response, max_header_bytes)
    forks = _forks
    try:
        result = None
        try:
            result = application(environ, reply.start_response)
            reply.send(result)
        finally:
            reply.finished = True
            if hasattr(result, "close"):
                _close(result, environ)
    # SystemExit and KeyboardInterrupt too: an application must not end the process it shares.
    except BaseException as error:
        if forks != _forks:
            raise  # in a child that the application has made: its own, to be ended by it
        return _failed(error, reply, environ, variables or environ, error_page)
    return Outcome.SHORT if reply.short else Outcome.COMPLETE


def refuse(
    error: Error,
    environ: Mapping[str, Any],
    response: Response,
    *,
    error_page: ErrorPage,
    status: str | None = None,
) -> Outcome:
    """Answer a request that is not passed on to the application.

    :param error: a BadRequest (400), a RequestTooLarge (413), or what ``status`` goes with.
    :param environ: the environ or the server variables, whichever there is.
    """
    if status is None:
        status = "400 Bad Request" if isinstance(error, BadRequest) else _TOO_LARGE
    page = _refusal(error, status, environ, error_page)
    is_head = environ.get("REQUEST_METHOD") == "HEAD"
    return _send_page(page, is_head, response, request_name(environ))


_TOO_LARGE = "413 Content Too Large"


def _refusal(
    error: BaseException, status: str, environ: Mapping[str, Any], error_page: ErrorPage
) -> Page:
    error_id = new_error_id()
    name = request_name(environ)
    _tell(logging.WARNING, "%s [%s; answered %s, error id %s]", error, name, status, error_id)
    return error_page.refused(environ, status, error_id)


def _tell(level: int, message: str, *arguments: object, **options: Any) -> None:
    """Log what a page refers to, whatever the level of the log."""
    log.log(max(level, log.getEffectiveLevel()), message, *arguments, **options)


def _failed(
    error: BaseException,
    reply: Reply,
    environ: Environ,
    variables: Mapping[str, Any],
    error_page: ErrorPage,
) -> Outcome:
    """End a call that raised.

    Before the head there is a page. After it the status cannot be taken back: with a Content-Length
    the client notices what is missing (and misses nothing after HEAD, 204 and 304), and the
    conversation can go on. Without one an orderly end would make half a page look whole; only the
    caller can prevent that, by breaking off the connection.
    """
    cause = _cause(error)
    name = request_name(environ)
    if isinstance(cause, ClientDisconnected) and _has_left(reply.response):
        tell_departure(name, cause)
        return Outcome.GONE
    if not reply.head_sent:
        if isinstance(cause, RequestTooLarge):
            page = _refusal(cause, _TOO_LARGE, variables, error_page)
        else:
            error_id = new_error_id()
            _tell(
                logging.ERROR,
                "IISWSGI-W01: %s: the application failed before its response began; answered "
                "with the 500 page, error id %s",
                name,
                error_id,
                exc_info=tracebacks.info(error),
            )
            page = error_page.failed(variables, error_id, error)
        return _send_page(page, reply.is_head, reply.response, name)
    if reply.looks_whole():
        outcome = Outcome.BROKEN
    else:
        outcome = Outcome.SHORT if reply.is_short() else Outcome.COMPLETE
    log.error(
        "IISWSGI-W02: %s: the application failed after %d bytes of its response; error id %s; %s",
        name,
        reply.sent,
        new_error_id(),
        "the response is broken off"
        if outcome is Outcome.BROKEN
        else "the client knows how long the response has to be",
        exc_info=tracebacks.info(error),
    )
    return outcome


def _has_left(response: Response) -> bool:
    """Whether it is this client that has left; applications may raise what they kept of another."""
    try:
        response.check()
    except ClientDisconnected:
        return True
    return False


def _cause(error: BaseException) -> ClientDisconnected | RequestTooLarge | None:
    """Give the error of ours, if an application or framework has passed it on or wrapped it."""
    inner: BaseException | None = error
    for _ in range(_CAUSES):
        if inner is None:
            break
        # Of one that is neither, isinstance would ask an attribute, which may raise.
        if issubclass(type(inner), _OURS) and isinstance(inner, _OURS):
            return inner
        below = tracebacks.cause(inner)
        inner = tracebacks.context(inner) if below is None else below
    return None


_OURS = (ClientDisconnected, RequestTooLarge)

_CAUSES = 16
"""How many wrappings are looked through; contexts may form a ring."""


def tell_departure(name: str, cause: ClientDisconnected) -> None:
    """Log that the client of the request *name* has left, unless that is told elsewhere."""
    if cause.code != _TOLD_ELSEWHERE:
        log.info("IISWSGI-W12: %s: the client left: %s", name, cause)


_TOLD_ELSEWHERE = "IISWSGI-P13"
"""It is the web server that broke the conversation, and the end of that has a line of its own."""


def _send_page(page: Page, is_head: bool, response: Response, name: str) -> Outcome:
    try:
        response.forget_body()
        response.head(page.status, page.headers)
        if not is_head:
            response.body(page.body)
    except ClientDisconnected as error:
        tell_departure(name, error)
        return Outcome.GONE
    except Exception as error:
        # Not the application's doing: no memory is left, for example.
        log.error(
            "IISWSGI-W13: the page %r could not be sent; the response is broken off: %s",
            page.status,
            error,
            exc_info=tracebacks.info(error),
        )
        return Outcome.BROKEN
    return Outcome.COMPLETE


def _close(result: Any, environ: Environ) -> None:
    """Close what the application returned; whatever it raises, the response stays as it is."""
    try:
        result.close()
    except BaseException as error:
        cause = _cause(error)
        if isinstance(cause, ClientDisconnected):
            tell_departure(request_name(environ), cause)
            return
        log.error(
            "IISWSGI-W03: %s: close() of the application's result failed; the response is not "
            "affected",
            request_name(environ),
            exc_info=tracebacks.info(error),
        )
