"""The processes of one FastCGI application: who serves the next request, who is replaced, who ends.

As in IIS, a process has one request at a time, requests wait when all are busy, and the process
that was used last is used next (assumed). A recycled process leaves the pool at once and finishes
what it has; its replacement does not wait for that.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from iiswsgi.host.crew import Crew
from iiswsgi.host.exchange import Exchange
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.launch import plan, worker_log
from iiswsgi.host.modes import Modes
from iiswsgi.host.monitor import Monitor
from iiswsgi.host.queue import Queue
from iiswsgi.host.rapidfail import RapidFail
from iiswsgi.host.reply import Reply
from iiswsgi.host.report import Counters, Report
from iiswsgi.host.worker import Worker
from iiswsgi.host.workerlog import WorkerLog
from iiswsgi.iis.config import FastCgiApplication

__all__ = ["Pool", "Reply"]

_UNEXPECTED = ("died_in_start", "died_in_request")


class Pool:
    """See the module. Requests come from any thread.

    :param site_folder: the site's physical path.
    :param log_folder: where the workers' log goes (their ``IIS_USER_HOME``).
    :param response_buffer_limit: the handler's ``responseBufferLimit``.
    """

    def __init__(
        self,
        application: FastCgiApplication,
        *,
        site_folder: Path,
        log_folder: Path,
        modes: Modes | None = None,
        response_buffer_limit: int = 4194304,
    ) -> None:
        self.application = application
        self._site_folder = site_folder
        self._log_folder = log_folder
        self._modes = modes or Modes()
        self._buffer_limit = response_buffer_limit
        self._report = Report()
        self.log = WorkerLog(
            worker_log(site_folder, log_folder),
            lambda path: self._report.tell(f"the workers' log goes on in {path}"),
        )
        # 0 lets IIS choose by CPUs and load. At least two, so that an application which wrongly
        # keeps state in one process's memory shows it on any machine.
        self.max_instances = application.max_instances or max(2, os.cpu_count() or 1)
        self._monitor = self._plan()
        self._lock = threading.RLock()
        self._rapid_fail = RapidFail(application.rapid_fails_per_minute)
        self._crew = Crew(self._report, self._rapid_fail, application.idle_timeout)
        self._starting = 0
        self._running: set[Exchange] = set()
        self._queue = Queue(application.queue_length)
        self._recycled = 0
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="iiswsgi-pool", daemon=True)
        self._keeper.start()

    def _plan(self) -> Monitor | None:
        try:
            launch = plan(
                self.application,
                site_folder=self._site_folder,
                log_folder=self._log_folder,
                modes=self._modes,
            )
        except WorkerFailure:
            return None  # each request will say so
        if launch.note:
            self._report.tell(launch.note)
        name = self.application.monitor_changes_to
        if not name:
            return None
        return Monitor.for_application(name, launch.executable, self._site_folder)

    @property
    def events(self) -> list[str]:
        """What happened, in short sentences, oldest first; the last few hundred."""
        return self._report.events

    @property
    def counters(self) -> Counters:
        """Requests and processes, counted since the pool was made."""
        return self._report.counters

    def log_lines(self) -> list[str]:
        """The workers' log, as far as it is not too long."""
        return self.log.lines()

    def exchange(
        self, variables: Sequence[tuple[str, str]], body: Callable[[int], bytes] | None
    ) -> Reply:
        """Send one request to a worker; back when the head and what IIS holds back has come.

        :param variables: names and values in IIS's order; text is latin-1.
        :param body: reads up to so many bytes of the request's body, b"" at its end; None: there
            is none. What it raises is taken for a client that has left, and raised again.
        :raises WorkerFailure: there is no response.
        """
        self._report.count("sent")
        try:
            worker = self._acquire()
        except WorkerFailure as failure:
            # No process is to blame, so whoever asked tells of it.
            self._report.count(failure.kind)
            raise
        exchange = Exchange(worker, self._buffer_limit)
        with self._lock:
            self._running.add(exchange)
        try:
            head = exchange.open(variables, body)
        except WorkerFailure as failure:
            self._done(exchange, failure)
            raise
        except BaseException:
            self._done(exchange, None)
            raise
        return Reply(exchange, head, self._done)

    # Who serves.

    def _acquire(self) -> Worker:
        with self._lock:
            self._refuse_if_useless()
            worker = None if self._queue else self._crew.take_idle()
            if worker is not None:
                return worker
            ticket = None
            if self._queue or self._alive() >= self.max_instances:
                ticket = self._queue.join()
            else:
                self._starting += 1
        if ticket is not None:
            ticket.turn.wait()
            if ticket.refused:
                raise _closed()
            if ticket.worker is not None:
                return ticket.worker
        return self._start()

    def _refuse_if_useless(self) -> None:
        if self._closed.is_set():
            raise _closed()
        self._watch_file()
        if self._monitor is not None:
            self._monitor.check()
        self._rapid_fail.check()

    def _alive(self) -> int:
        return len(self._crew) + self._starting

    def _start(self) -> Worker:
        recycled = self._recycled
        try:
            worker = Worker.start(
                self.application,
                site_folder=self._site_folder,
                log_folder=self._log_folder,
                modes=self._modes,
                report=self._report,
                log=self.log,
            )
        except BaseException:
            with self._lock:
                self._starting -= 1
                self._serve_queue()
            raise
        with self._lock:
            self._starting -= 1
            if self._closed.is_set():
                self._crew.end(worker, "the stand-in stops", destroy=True)
                raise _closed()
            if self._recycled != recycled:
                # It may have started with what was there before; this is its only request.
                worker.retired = True
            self._crew.occupy(worker)
        return worker

    def _serve_queue(self) -> None:
        """Give free workers, or room for new ones, to those who wait."""
        while self._queue:
            worker = self._crew.take_idle()
            if worker is None:
                if self._alive() >= self.max_instances:
                    return
                self._starting += 1
            self._queue.serve(worker)

    # What becomes of a worker after a request.

    def _done(self, exchange: Exchange, failure: WorkerFailure | None) -> None:
        with self._lock:
            if exchange not in self._running:
                return  # its time was up
            self._running.discard(exchange)
        worker = exchange.worker
        usable = exchange.ended
        if failure is not None:
            self._report.count(failure.kind)
            self._report.warn(failure.code.removeprefix("IISWSGI-"), failure.sentence)
            # Only FCGI_STDERR leaves a process that is in order, once it has ended the request.
            usable = usable and failure.kind == "stderr"
            usable = usable and self.application.stderr_mode != "TerminateProcess"
        elif exchange.ended:
            self._report.count("answered")
        else:
            self._report.count("client_gone")
            usable = exchange.leave(self._modes.client_gone)
        self._release(worker, usable, failure)

    def _release(self, worker: Worker, usable: bool, failure: WorkerFailure | None) -> None:
        worker.served += 1
        worker.last_used = time.monotonic()
        with self._lock:
            self._crew.released(worker)
            if not usable:
                if failure is not None and failure.kind in _UNEXPECTED:
                    self._rapid_fail.count()
                because = failure.kind if failure is not None else "its client left in mid-request"
                self._crew.end(worker, because, destroy=True)
            elif worker.retired or self._closed.is_set():
                self._crew.end(worker, "the pool was recycled")
            elif worker.served >= self.application.instance_max_requests:
                self._crew.end(worker, f"it has served instanceMaxRequests ({worker.served})")
            else:
                self._crew.rest(worker)
            self._serve_queue()

    # Recycling and the end.

    def recycle(self, because: str = "it was asked for") -> None:
        """Replace every process; running requests are finished within the grace period."""
        with self._lock:
            self._recycled += 1
            busy = self._crew.recycle(because)
            if not self._closed.is_set():
                self._serve_queue()
        for worker in busy:
            worker.retire()

    def close(self) -> None:
        """End all processes, with notice if that is configured; waiting requests fail."""
        self._closed.set()
        self.recycle("the stand-in stops")
        with self._lock:
            self._queue.refuse()
            leaving = self._crew.leaving()
        deadline = time.monotonic() + self.application.signal_before_terminate_seconds
        for worker in leaving:
            worker.process.wait(max(0.0, deadline - time.monotonic()))
            worker.kill("the stand-in stopped in mid-request")
        self._keeper.join()
        self._crew.join()

    def kill(self) -> None:
        """End all processes without notice; :meth:`close` has nothing to wait for then."""
        self._closed.set()
        with self._lock:
            everybody = self._crew.everybody()
        for worker in everybody:
            worker.kill("the stand-in stopped at once")

    def _keep(self) -> None:
        """Now and then: the monitored file, idle processes, dead ones, requests without end."""
        while not self._closed.wait(self._modes.tick):
            with self._lock:
                self._watch_file()
                self._crew.sweep()
            self._end_overdue()

    def _end_overdue(self) -> None:
        """A browser that stops reading must not keep a process for ever."""
        with self._lock:
            running = list(self._running)
        for exchange in running:
            failure = exchange.overdue()
            if failure is not None:
                self._done(exchange, failure)

    def _watch_file(self) -> None:
        if self._monitor is not None and self._monitor.changed():
            self.recycle(f"{self._monitor.path} changed")


def _closed() -> WorkerFailure:
    return WorkerFailure("killed", "the stand-in stops; the request was not sent to any process")
