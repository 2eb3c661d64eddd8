"""The gateway around a case, and one case from its seed to its verdict."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import math
import random
import tempfile
import threading
import traceback
from collections import Counter
from unittest import mock

from iiswsgi.fastcgi import request
from iiswsgi.fastcgi.transport.slots import SlottedTransport
from iiswsgi.runtime import logentry
from iiswsgi.runtime.settings import Settings
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.server import IISWSGIServer
from iiswsgi.wsgi import call

from . import conversation, harm, hostile, site
from .wire import Observer, WatchingTransport


class Spool(io.BytesIO):
    """Stands in for the temporary files, which a million cases would wear a disk out with."""

    opened: list[Spool] = []  # noqa: RUF012  emptied for each case
    room: int | None = None
    """Bytes after which the disk is full."""

    def __init__(self, prefix, buffering):
        assert (prefix, buffering) == ("iiswsgi-body-", 0)
        self._check(0)
        super().__init__()
        self.opened.append(self)

    def write(self, data):
        self._check(len(data))
        return super().write(data[: self.room])

    def _check(self, size):
        if self.room is not None and size >= self.room:
            raise OSError(errno.ENOSPC, "no room (the fuzzer's)")


class LogCheck(logging.Handler):
    """Every line can be formatted, is one line, and has a code if it is serious."""

    problems: list[str] = []  # noqa: RUF012  replaced for each case

    def emit(self, record):
        message = logentry.of_record(record).text
        if "\n" in message or "\r" in message:
            self.problems.append(f"a log line of two lines: {message!r}")
        if record.levelno >= logging.WARNING and not message.startswith("IISWSGI-"):
            self.problems.append(f"a log line without a code: {message!r}")


class Only(list):
    """Handlers to which nobody adds: pytest's own fails at exceptions that cannot be shown."""

    def append(self, item):
        """Take nothing."""


def _no_id():
    return "0" * 8


@contextlib.contextmanager
def watched():
    """Within the block the gateway's log is checked, spools are counted, and nothing is random.

    An error id is, and the look for an abort comes by the clock; two runs of one case must give
    the same bytes.
    """
    root, handler = logging.getLogger("iiswsgi"), LogCheck()
    with (
        mock.patch.object(root, "propagate", False),
        mock.patch.object(root, "handlers", Only([handler])),
        mock.patch.object(tempfile, "TemporaryFile", Spool),
        mock.patch.object(call, "new_error_id", _no_id),
        mock.patch.object(request, "LOOK_INTERVAL", math.inf),
    ):
        before = root.level
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.setLevel(before)


class Errors(io.StringIO):
    """``wsgi.errors``, which keeps nothing."""

    def write(self, text):
        return len(text)


def make_server(profile, application=site.application, **settings):
    """The real server with the limits of *profile*."""
    values = Settings(
        spool_limit=profile.spool_limit,
        max_request_body=profile.max_request_body,
        max_params=profile.max_params,
        max_params_bytes=profile.max_params_bytes,
        chunked_bodies=profile.chunked_bodies,
        stderr_records=profile.stderr_records,
        **settings,
    )
    server = IISWSGIServer(application, values, shutdown=Shutdown(), errors=Errors())
    if profile.management:
        # As serve_listener does it, without the threads.
        server._slots = SLOTS
    return server


SLOTS = threading.Semaphore(1)


class World:
    """Runs cases; what they came to is counted."""

    def __init__(self):
        self.servers = {profile: make_server(profile) for profile in conversation.PROFILES}
        self.outcomes = Counter()

    def run(self, seed):
        """One case; a sentence for each rule that was broken."""
        rng = random.Random(seed)
        problems = LogCheck.problems = []
        Spool.opened.clear()
        Spool.room = None
        try:
            if rng.random() < 0.15:
                self._hostile(rng, problems)
            else:
                self._wire(rng, problems)
        except (Exception, SystemExit):
            problems.append(f"an exception escaped:\n{traceback.format_exc()}")
        return problems

    def _converse(self, server, profile, data, pieces, problems, leaves_at=None, actor=None):
        """One conversation with the gateway; its events, its transport and its failure."""
        transport = WatchingTransport(
            pieces, problems, answers_management=profile.management, leaves_at=leaves_at
        )
        if actor:
            actor.transport = transport
        slotted = SlottedTransport(transport, SLOTS) if profile.management else transport
        failure = server.serve_connection(slotted)
        if not SLOTS.acquire(blocking=False):
            problems.append("a slot was kept")
        SLOTS.release()
        if not transport.closed:
            problems.append("the transport was left open")
        if not all(spool.closed for spool in Spool.opened):
            problems.append("a spool was left open")
        observer = Observer(
            transport, data, management=profile.management, stderr=profile.stderr_records
        )
        return observer.observe(), transport, failure

    def _hostile(self, rng, problems):
        """An application that breaks rules, and a well-behaved one after it."""
        profile = rng.choice(conversation.PROFILES)
        actor = hostile.Actor(rng, problems)
        server = make_server(
            profile,
            actor,
            max_header_bytes=rng.choice((1024, 65536)),
            expose_tracebacks=rng.random() < 0.3,
        )
        requests = [hostile.request(rng, 1), hostile.request(rng, 2, "/honest")]
        data = b"".join(requests)
        leaves_at = rng.randrange(4) if rng.random() < 0.05 else None
        pieces = harm.cut(rng, data)
        actor.limit = profile.max_request_body
        events, transport, failure = self._converse(
            server, profile, data, pieces, problems, leaves_at, actor
        )
        verdict = "the peer left" if transport.lost else actor.judge(events, failure)
        self.outcomes["response", actor.kind, verdict] += 1

    def _wire(self, rng, problems):
        profile = rng.choice(conversation.PROFILES)
        server = self.servers[profile]
        talk = conversation.make(rng, profile)
        harmed = rng.random() < 0.92
        if harmed:
            data, first = harm.harm(rng, talk.records)
        else:
            data, first = b"".join(talk.records), talk.size
        if rng.random() < 0.03:
            Spool.room, first, harmed = rng.choice((0, 100, 1000)), 0, True
        leaves_at = rng.randrange(4) if rng.random() < 0.05 else None
        pieces = harm.cut(rng, data)
        events, transport, failure = self._converse(
            server, profile, data, pieces, problems, leaves_at
        )
        due = [due.event for due in talk.due if due.end <= first]
        _compare(events, due, problems, whole=not harmed, lost=transport.lost)
        self.outcomes["wire", "harmed" if harmed else "whole", _verdict(transport, failure)] += 1
        if leaves_at is None and not talk.cut_matters and Spool.room is None and rng.random() < 0.3:
            other = self._converse(server, profile, data, harm.cut(rng, data), problems)[1]
            if other.output != transport.output:
                problems.append("the same bytes in other pieces gave other output")


def _verdict(transport, failure):
    if transport.lost:
        return "the peer left"
    return "ended in order" if failure is None else failure.code


def _compare(events, due, problems, *, whole, lost):
    """The events that are due, in their order; those after a harm are anybody's guess."""
    for number, (event, wanted) in enumerate(zip(events, due, strict=False)):
        if not _fits(event, *wanted):
            problems.append(f"event {number} is {event}, due was {wanted}")
            return
    if not lost and (len(events) < len(due) or (whole and len(events) > len(due))):
        problems.append(f"{len(events)} events instead of {len(due)}: {events} {due}")


def _fits(event, kind, key, *more):
    if kind == "any":
        return event.kind in ("answer", "broken") and event.key == key
    if (event.kind, event.key) != (kind, key):
        return False
    if kind == "end":
        return (event.status, event.protocol_status) == more
    if kind == "answer":
        status, body = more
        return event.status == status and body in (None, event.body)
    return True
