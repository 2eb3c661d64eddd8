"""Every way in which a worker can fail a request, in words and with the code IIS would show."""

from __future__ import annotations

from typing import Literal

from iiswsgi.errors import Error

__all__ = [
    "CODES",
    "KINDS",
    "Kind",
    "WorkerFailure",
    "exit_code_text",
    "hresult",
    "win32_hresult",
]

Kind = Literal[
    "never_started",
    "nothing_to_monitor",
    "died_in_start",
    "died_in_request",
    "timed_out_activity",
    "timed_out_request",
    "killed",
    "bad_reply",
    "queue_full",
    "rapid_fail",
    "stderr",
]

CODES: dict[Kind, str] = {
    "never_started": "H01",
    "nothing_to_monitor": "H11",
    "died_in_start": "H02",
    "died_in_request": "H03",
    "timed_out_activity": "H04",
    "timed_out_request": "H05",
    "killed": "H06",
    "bad_reply": "H07",
    "queue_full": "H08",
    "rapid_fail": "H09",
    "stderr": "H10",
}
"""The code of ``docs/errors`` for each kind."""

KINDS: tuple[Kind, ...] = tuple(CODES)

# What IIS shows for a kind when nothing more exact is known (the table of section 8 in the
# project's notes on IIS); the codes are HRESULTs made from Win32 errors.
_HRESULTS: dict[Kind, int] = {
    "never_started": 0x80070002,
    "nothing_to_monitor": 0x80070002,
    "died_in_start": 0x8007006D,
    "died_in_request": 0x8007006D,
    "timed_out_activity": 0x80070102,
    "timed_out_request": 0x80070102,
    "killed": 0x800703E3,
    "bad_reply": 0x8007000D,
    "rapid_fail": 0x80004005,
}


def win32_hresult(error: int) -> int:
    """A Win32 error number as an HRESULT."""
    return 0x80070000 | (error & 0xFFFF)


def hresult(code: int) -> str:
    """As IIS writes it: ``0x80070102``."""
    return f"0x{code & 0xFFFFFFFF:08x}"


def exit_code_text(code: int | None) -> str:
    """An exit code as people look for it: ``1``, ``-9 (signal 9)``, ``0xc0000005``."""
    if code is None:
        return "none: the process had not ended"
    if code < 0:
        return f"{code} (signal {-code})"
    return f"{code} ({code:#010x})" if code > 0xFFFF else str(code)


def _shown(kind: Kind, exit_code: int | None) -> int:
    """The number that IIS shows for a kind: the exit code of a process that ended by itself.

    One that IIS ended has another number, and a POSIX signal is no exit code.
    """
    if kind in ("died_in_start", "died_in_request") and exit_code is not None and exit_code >= 0:
        return exit_code
    return _HRESULTS.get(kind, 0)


class WorkerFailure(Error):
    """A request that the worker did not answer properly; raised instead of, or within, a reply.

    :param kind: what happened, one of :data:`KINDS`.
    :param sentence: it in words: what, where, and what to do about it.
    :param code: the number IIS shows; by default the usual one of the kind.
    :param exit_code: the process's, when it has ended; negative for a POSIX signal.
    :param pid: the process.
    :param log_lines: what the worker wrote to its log since the request began (or since its
        start, if it died there).
    :param stderr: what the worker sent as FCGI_STDERR.
    """

    def __init__(
        self,
        kind: Kind,
        sentence: str,
        *,
        code: int | None = None,
        exit_code: int | None = None,
        pid: int | None = None,
        log_lines: tuple[str, ...] = (),
        stderr: bytes = b"",
    ) -> None:
        super().__init__(CODES[kind], sentence)
        self.kind: Kind = kind
        self.hresult = hresult(_shown(kind, exit_code) if code is None else code)
        self.exit_code = exit_code
        self.pid = pid
        self.log_lines = log_lines
        self.stderr = stderr

    @property
    def status(self) -> int:
        """The HTTP status IIS answers with."""
        return 503 if self.kind == "queue_full" else 500

    @property
    def substatus(self) -> int:
        """The number after the point in IIS's error pages, as in 503.4."""
        return 4 if self.kind == "queue_full" else 0
