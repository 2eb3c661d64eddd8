"""One worker process: its start, what may be done to it while it serves, and its end."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from iiswsgi.errors import ExitStatus
from iiswsgi.host.channel import Channel, Process
from iiswsgi.host.failure import Kind, WorkerFailure, exit_code_text, win32_hresult
from iiswsgi.host.fastcgi import request_ids
from iiswsgi.host.launch import Launch, plan
from iiswsgi.host.modes import Modes
from iiswsgi.host.report import Report
from iiswsgi.host.workerlog import Position, WorkerLog
from iiswsgi.iis.config import FastCgiApplication

if sys.platform == "win32":
    from iiswsgi.host.windows import start as start_process
else:
    from iiswsgi.host.posix import start as start_process

__all__ = ["Worker"]

# errno -> Win32 error, where IIS's message is a usual one.
_WIN32_ERRORS = {2: 2, 20: 3, 13: 5, 8: 193}

_KILL_WAIT = 5.0
# Seconds in which a killed process must be gone.


class Worker:
    """A process that serves one request at a time over one connection.

    Connection and requests belong to the thread that the pool gave the worker to;
    :meth:`retire` alone may be called by any other.
    """

    def __init__(
        self,
        process: Process,
        channel: Channel,
        launch: Launch,
        *,
        application: FastCgiApplication,
        modes: Modes,
        report: Report,
        log: WorkerLog,
        log_position: Position,
    ) -> None:
        self.process = process
        self.channel = channel
        self.pid = process.pid
        self.shown_command = launch.shown
        self.application = application
        self.modes = modes
        self.report = report
        self.request_ids = request_ids(modes.wire)
        self.served = 0
        """Requests answered to their end."""
        self.last_used = time.monotonic()
        self.retired = False
        """Gets no further request."""
        self.killed_because = ""
        """Why the host ended it by force in a request; "" if it did not."""
        self.stop_asked = 0.0
        """When the shutdown event was set; 0 if it was not."""
        self._log = log
        self._log_position = log_position
        self._lock = threading.Lock()
        self._opening = False
        self._late: threading.Thread | None = None

    @classmethod
    def start(
        cls,
        application: FastCgiApplication,
        *,
        site_folder: Path,
        log_folder: Path,
        modes: Modes,
        report: Report,
        log: WorkerLog,
    ) -> Worker:
        """Start a process for *application*.

        :raises WorkerFailure: ``never_started``.
        """
        launch = plan(application, site_folder=site_folder, log_folder=log_folder, modes=modes)
        position = log.position()
        try:
            process, channel = start_process(launch, application, modes)
        except (OSError, ValueError) as error:
            raise _never_started(launch, error) from error
        report.count("started")
        report.tell(f"process {process.pid} started: {launch.shown}")
        return cls(
            process,
            channel,
            launch,
            application=application,
            modes=modes,
            report=report,
            log=log,
            log_position=position,
        )

    def begin(self) -> None:
        """A request is about to be sent."""
        with self._lock:
            self._opening = True
        if self.served:
            self._log_position = self._log.position()

    def opened(self) -> None:
        """Its server variables have been sent: the worker may now be asked to stop."""
        with self._lock:
            self._opening = False
            if self.retired:
                self._ask_to_stop()

    def retire(self) -> None:
        """Recycle it: no further request, and the one that runs is given the grace period.

        The event is not set between the choice of this worker and the sending of the request:
        the worker would rightly leave, and the request would be lost.
        """
        with self._lock:
            self.retired = True
            if not self._opening:
                self._ask_to_stop()
        if self.modes.kill_without_notice:
            self.kill("the pool was recycled, and no notice is given")

    def _ask_to_stop(self) -> None:
        grace = self.application.signal_before_terminate_seconds
        if not grace or self.modes.kill_without_notice:
            return
        # Also a second time: unlike the event, a signal that came before the worker minded
        # signals is forgotten.
        again = bool(self.stop_asked)
        self.stop_asked = self.stop_asked or time.monotonic()
        self.process.ask_to_stop()
        if again:
            return
        self._late = threading.Thread(target=self._kill_late, args=(grace,), daemon=True)
        self._late.start()

    def _kill_late(self, grace: float) -> None:
        if self.process.wait(grace) is None:
            self.report.warn(
                "H12",
                f"process {self.pid} did not leave within {grace:g} s after it was asked to, and "
                "is terminated",
            )
            self.kill(
                f"process {self.pid} was asked to stop and terminated after "
                f"signalBeforeTerminateSeconds ({grace:g} s)"
            )

    def kill(self, because: str) -> None:
        """Terminate the process; whoever waits for a reply finds out."""
        self.killed_because = self.killed_because or because
        self.process.kill()

    def end(self, because: str) -> None:
        """End a worker that serves no request, as IIS does: with notice if that is configured."""
        grace = self.application.signal_before_terminate_seconds
        if not grace or self.modes.kill_without_notice:
            self.destroy(f"{because}; terminated, as signalBeforeTerminateSeconds is 0")
            return
        close_first = self.modes.end_order == "close_first"
        if close_first:
            self.channel.close()
        if close_first or self.stop_asked:
            self.process.wait(min(self.process.notice, grace))
        with self._lock:
            if self.process.poll() is None:
                self._ask_to_stop()
        # _kill_late ends it when the time is up.
        exit_code = self.process.wait(grace + _KILL_WAIT)
        self.channel.close()
        left = f"left with exit code {exit_code_text(exit_code)}"
        # SIGTERM may meet an interpreter in the last moment of its end: nothing is wrong then.
        if exit_code not in (None, 0, -signal.SIGTERM) and not self.killed_because:
            self.report.warn("H13", f"process {self.pid} {left}{_reason(exit_code)}")
        self._ended(f"{because}; it {left}")

    def destroy(self, because: str) -> None:
        """Close the connection and terminate the process, with nothing between."""
        self.channel.close()
        self.kill(because)
        self.process.wait(_KILL_WAIT)
        self._ended(because)

    def _ended(self, because: str) -> None:
        with self._lock:
            late = self._late
        if late is not None:
            late.join()  # it holds the process's handle
        self.process.close()
        self.report.count("ended")
        self.report.tell(f"process {self.pid} ended: {because}")

    def failure(
        self,
        kind: Kind,
        sentence: str,
        *,
        code: int | None = None,
        exit_code: int | None = None,
        stderr: bytes = b"",
    ) -> WorkerFailure:
        """A failure of this worker, with what it logged since the request began."""
        return WorkerFailure(
            kind,
            sentence,
            code=code,
            exit_code=exit_code,
            pid=self.pid,
            log_lines=tuple(self._log.lines(self.pid, self._log_position)),
            stderr=stderr,
        )


def _reason(exit_code: int) -> str:
    if exit_code != ExitStatus.FAILED:
        return ""
    return ", as it does when its application could not be loaded: look for IISWSGI-S16 in its log"


def _never_started(launch: Launch, error: Exception) -> WorkerFailure:
    number = 0
    if isinstance(error, OSError):
        number = getattr(error, "winerror", None) or _WIN32_ERRORS.get(error.errno or 0, 0)
    return WorkerFailure(
        "never_started",
        f"the process could not be started: {error}. The command is {launch.shown}",
        code=win32_hresult(number or 87),
    )
