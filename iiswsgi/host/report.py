"""What happened in a pool: counted, and told in short sentences."""

from __future__ import annotations

import collections
import logging
import threading
from dataclasses import dataclass, field

from iiswsgi.host.failure import KINDS, Kind

__all__ = ["Counters", "Report"]

log = logging.getLogger(__name__)

MAX_EVENTS = 500
"""Sentences kept; a person reads the last few."""


@dataclass(frozen=True)
class Counters:
    """Figures that only grow; requests sent are those answered, failed, or still running."""

    sent: int = 0
    answered: int = 0
    """Requests whose END_REQUEST came, and nothing was wrong with the reply."""
    client_gone: int = 0
    """Requests whose client left before the end."""
    failed: dict[Kind, int] = field(default_factory=dict)
    started: int = 0
    """Processes."""
    ended: int = 0


class Report:
    """Counters and events of one pool; every method may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        self._events: collections.deque[str] = collections.deque(maxlen=MAX_EVENTS)

    def count(self, *names: str) -> None:
        """Add one to each of *names*: a field of :class:`Counters`, or a kind of failure."""
        with self._lock:
            self._counts.update(names)

    def tell(self, sentence: str) -> None:
        """Something a person may want to know."""
        log.info("%s", sentence)
        self._keep(sentence)

    def warn(self, code: str, sentence: str) -> None:
        """Something that should not have happened."""
        log.warning("IISWSGI-%s: %s", code, sentence)
        self._keep(f"IISWSGI-{code}: {sentence}")

    def _keep(self, sentence: str) -> None:
        with self._lock:
            self._events.append(sentence)

    @property
    def events(self) -> list[str]:
        """The last sentences, oldest first."""
        with self._lock:
            return list(self._events)

    @property
    def counters(self) -> Counters:
        """The figures as they stand."""
        with self._lock:
            counts = self._counts
            return Counters(
                sent=counts["sent"],
                answered=counts["answered"],
                client_gone=counts["client_gone"],
                failed={kind: counts[kind] for kind in KINDS if counts[kind]},
                started=counts["started"],
                ended=counts["ended"],
            )
