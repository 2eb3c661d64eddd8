"""What is settable in the stand-in: everything about IIS that is assumed, and the hostile modes.

The defaults are the faithful ones, as far as IIS's behaviour is known. A second run of a test
with other values is the proof that a worker does not depend on an assumption.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from iiswsgi.fastcgi import protocol

__all__ = ["ClientGone", "Modes", "Noise", "Wire"]

Noise = Literal["second_begin", "data", "unknown", "get_values"]
"""Records that IIS does not send: a BEGIN_REQUEST within a request, DATA, an unknown management
record, GET_VALUES."""

ClientGone = Literal["kill", "close", "abort"]


@dataclass(frozen=True)
class Wire:
    """How requests are cut into records and writes."""

    first_id: int = 1
    last_id: int = 255
    """After this id the ids begin again."""
    flags: int = protocol.KEEP_CONN
    role: int = protocol.Role.RESPONDER
    begin_alone: bool = True
    """BEGIN_REQUEST in a write of its own."""
    join_without_body: bool = True
    """Without a body: PARAMS, empty PARAMS and empty STDIN in one write."""
    params_limit: int = 65528
    """Bytes in one PARAMS record; PHP, IIS's main client, refuses more."""
    split_pairs: bool = False
    """Cut PARAMS at any byte rather than between pairs."""
    stdin_size: int = 9216
    """Bytes in one STDIN record; about 10 KB were seen on a real IIS."""
    padding: int = 0
    """Random padding up to this many bytes after each record."""
    cut: int = 0
    """Cut each write at random into pieces of at most this many bytes; 0: not at all; 1: every
    byte alone."""
    noise: frozenset[Noise] = frozenset()
    seed: int = 0
    """Of the random cuts, so that a failure can be repeated."""

    @classmethod
    def hostile(cls, seed: int) -> Wire:
        """Legal FastCGI as no sane server would send it; the same for the same *seed*."""
        choose = random.Random(seed)  # noqa: S311 - repeatable, and no secret
        return cls(
            first_id=choose.choice((1, 256, 40000, 65535)),
            last_id=65535,
            begin_alone=choose.random() < 0.5,
            join_without_body=choose.random() < 0.5,
            params_limit=choose.choice((1, 7, 100, 65535)),
            split_pairs=True,
            stdin_size=choose.choice((1, 13, 9216, 65535)),
            padding=choose.choice((0, 7, 255)),
            cut=choose.choice((0, 1, 17, 5000)),
            noise=frozenset({"second_begin", "data"}),
            seed=seed,
        )


@dataclass(frozen=True)
class Modes:
    """How the stand-in treats its workers where IIS's own way is assumed, or is to be varied."""

    wire: Wire = field(default_factory=Wire)
    synchronous_handle: bool = False
    """Windows: the worker's end of the pipe without the overlapped flag."""
    late_connect: float = 0
    """Windows: open the host's end so many seconds after the worker was started, as mod_fcgid
    does; 0: before, as IIS does."""
    end_order: Literal["close_first", "signal_first"] = "close_first"
    """Orderly end of an idle worker: which of the two it sees first."""
    kill_without_notice: bool = False
    """End workers at once, in mid-request too, as IIS may with signalBeforeTerminateSeconds 0."""
    client_gone: ClientGone = "kill"
    """When the client leaves in mid-request: close and terminate, close only, or send
    ABORT_REQUEST and wait for the END_REQUEST."""
    environment: tuple[tuple[str, str], ...] = ()
    """Added to the fake worker process's environment."""
    current_directory: Path | None = None
    """Of the workers. IIS's is not established, so by default one that is not the site's: a
    worker that relies on it fails here rather than on the server."""
    tick: float = 0.25
    """Seconds between looks at idle workers and the monitored file."""
