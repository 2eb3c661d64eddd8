"""A worker that has left in the middle of a request: what it died of, as far as can be seen."""

from __future__ import annotations

from iiswsgi.host.failure import WorkerFailure, win32_hresult
from iiswsgi.host.worker import Worker

__all__ = ["why_it_left"]

_WAIT_FOR_EXIT = 2.0
# Seconds that a process may take to vanish after its connection has.

_ERROR_BROKEN_PIPE = 109


def why_it_left(worker: Worker, began: bool) -> WorkerFailure:
    """What to say of a worker whose end of the connection was closed before END_REQUEST.

    :param began: some of its reply had come.
    """
    exit_code = worker.process.wait(_WAIT_FOR_EXIT)
    if worker.killed_because:
        return worker.failure("killed", worker.killed_because, exit_code=exit_code)
    if exit_code is None:
        return worker.failure(
            "died_in_request",
            f"process {worker.pid} closed its connection in mid-request and runs on; "
            "something in it closed file descriptor 0",
            code=win32_hresult(_ERROR_BROKEN_PIPE),
        )
    if worker.stop_asked:
        return worker.failure(
            "killed",
            f"process {worker.pid} left on the shutdown event without finishing its request "
            f"({_exit(exit_code)})",
            exit_code=exit_code,
        )
    if worker.served or began:
        return worker.failure(
            "died_in_request",
            f"process {worker.pid} exited unexpectedly in a request, {_exit(exit_code)}; "
            "its log has the reason, or the stacks if it crashed",
            exit_code=exit_code,
        )
    return worker.failure(
        "died_in_start",
        f"process {worker.pid} exited unexpectedly before it answered its first request, "
        f"{_exit(exit_code)}; its log has the reason, such as a setting that cannot be used, "
        "unless the interpreter did not get that far. Run the registered command by hand: "
        f"{worker.shown_command}",
        exit_code=exit_code,
    )


def _exit(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code 0x{code:08x}"
