"""Threads that end workers: it may take the grace period, and no request waits for it."""

from __future__ import annotations

import threading

from iiswsgi.host.worker import Worker

__all__ = ["Enders"]


class Enders:
    """The ends under way; every method may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, Worker] = {}

    def end(self, worker: Worker, because: str, *, destroy: bool = False) -> None:
        """End a worker that nobody uses: as IIS does, or at once."""

        def run() -> None:
            try:
                if destroy:
                    worker.destroy(because)
                else:
                    worker.end(because)
            finally:
                with self._lock:
                    del self._threads[thread]

        worker.retired = True
        thread = threading.Thread(target=run, name=f"iiswsgi-end-{worker.pid}", daemon=True)
        with self._lock:
            self._threads[thread] = worker
            thread.start()  # only what has been started can be waited for

    def workers(self) -> list[Worker]:
        """Those that have not ended yet."""
        with self._lock:
            return list(self._threads.values())

    def join(self) -> None:
        """Wait for all of them."""
        while True:
            with self._lock:
                thread = next(iter(self._threads), None)
            if thread is None:
                return
            thread.join()
