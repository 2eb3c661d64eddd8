"""The workers of one pool: which are idle, which have a request, which only finish theirs."""

from __future__ import annotations

import time

from iiswsgi.host.enders import Enders
from iiswsgi.host.failure import exit_code_text
from iiswsgi.host.rapidfail import RapidFail
from iiswsgi.host.report import Report
from iiswsgi.host.worker import Worker

__all__ = ["Crew"]


class Crew:
    """To be used under the pool's lock, but for :meth:`join`.

    :param idle_timeout: seconds after which a worker without a request is ended.
    """

    def __init__(self, report: Report, rapid_fail: RapidFail, idle_timeout: float) -> None:
        self._report = report
        self._rapid_fail = rapid_fail
        self._idle_timeout = idle_timeout
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._leaving: set[Worker] = set()
        """Recycled in mid-request; no part of the pool any more."""
        self._enders = Enders()

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def take_idle(self) -> Worker | None:
        """Give a request to the worker that was used last, if one lives that has none."""
        while self._idle:
            worker = self._idle.pop()
            exit_code = worker.process.poll()
            if exit_code is None:
                self.occupy(worker)
                return worker
            self._bury(worker, exit_code)
        return None

    def occupy(self, worker: Worker) -> None:
        """Give the worker a request.

        From here on recycling must not make it leave before the request has been sent.
        """
        worker.begin()
        self._busy.add(worker)

    def rest(self, worker: Worker) -> None:
        """Let a worker wait for its next request."""
        self._idle.append(worker)

    def released(self, worker: Worker) -> None:
        """Note that a worker's request has ended; it must rest or end next."""
        self._busy.discard(worker)
        self._leaving.discard(worker)

    def end(self, worker: Worker, because: str, *, destroy: bool = False) -> None:
        """End a worker that nobody uses: as IIS does, or at once."""
        self._enders.end(worker, because, destroy=destroy)

    def recycle(self, because: str) -> list[Worker]:
        """End all; those that have a request are given back, to be told to leave after it."""
        idle, self._idle = self._idle, []
        busy, self._busy = self._busy, set()
        self._leaving |= busy
        self._report.tell(f"recycled {len(idle) + len(busy)} processes: {because}")
        for worker in idle:
            self.end(worker, f"recycled: {because}")
        for worker in busy:
            # Known before the lock is given back: a request that ends meanwhile must not put its
            # worker among the idle ones, to be asked to stop with the next request on it.
            worker.retired = True
        return list(busy)

    def leaving(self) -> list[Worker]:
        """Those that still finish a request since they were recycled."""
        return list(self._leaving)

    def everybody(self) -> list[Worker]:
        """All whose process may still run, also those that are being ended."""
        return [*self._idle, *self._busy, *self._leaving, *self._enders.workers()]

    def sweep(self) -> None:
        """Find those that died without a request, or have had none for too long."""
        now = time.monotonic()
        idle, self._idle = self._idle, []
        for worker in idle:
            exit_code = worker.process.poll()
            if exit_code is not None:
                self._bury(worker, exit_code)
            elif now - worker.last_used >= self._idle_timeout:
                self.end(worker, f"idle for idleTimeout ({self._idle_timeout:g} s)")
            else:
                self._idle.append(worker)

    def join(self) -> None:
        """Wait for those that are being ended."""
        self._enders.join()

    def _bury(self, worker: Worker, exit_code: int) -> None:
        self._rapid_fail.count()
        self._report.warn(
            "H14",
            f"process {worker.pid} ended while idle with exit code {exit_code_text(exit_code)}; "
            "nobody asked",
        )
        self.end(worker, "it was gone already", destroy=True)
