"""Whose fault it is: the peer's, the user's setting's, or the client's who left.

Every error carries a stable code such as ``IISWSGI-P03``; ``docs/errors.rst`` says for each code
what causes it, what it leads to and how to cure it.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "ApplicationError",
    "BadRequest",
    "ClientDisconnected",
    "ConfigError",
    "DeployError",
    "Error",
    "ExitStatus",
    "InstallError",
    "ProtocolError",
    "RequestTooLarge",
    "SettingError",
]


class ExitStatus(IntEnum):
    """What the process's exit status says; IIS shows it when a process ends unexpectedly."""

    OK = 0
    """The peer or a signal asked for the end, and everything that ran was finished."""
    FAILED = 1
    """The application could not be loaded, or an error nobody foresaw."""
    USAGE = 2
    """A setting, an argument or STDIN is not what it must be; nothing was served."""
    PROTOCOL = 3
    """The peer broke the protocol on the only connection."""
    BROKEN_OFF = 4
    """A response failed after its first byte; the pipe was closed so that it cannot look whole."""


class Error(Exception):
    """Base of the package's errors: a code and one sentence.

    :param code: the part after ``IISWSGI-``: a letter for the room and two digits.
    :param sentence: what happened, where, and what to do about it.
    """

    exit_status = ExitStatus.FAILED

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = f"IISWSGI-{code}"
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class ProtocolError(Error):
    """The web server sent bytes that are no legal FastCGI."""

    exit_status = ExitStatus.PROTOCOL


class SettingError(Error):
    """A setting or an argument is unknown, malformed or contradicts another one."""

    exit_status = ExitStatus.USAGE


class ConfigError(Error):
    """A web.config or applicationHost.config that cannot be used as it stands."""

    exit_status = ExitStatus.USAGE


class DeployError(Error):
    """What a package or a feed is made of cannot be used as it stands; nothing was made of it."""

    exit_status = ExitStatus.USAGE


class InstallError(Error):
    """An application could not be installed, or not be registered with IIS."""

    exit_status = ExitStatus.FAILED


class ClientDisconnected(Error, ConnectionError):
    """The peer closed the connection or aborted the request.

    Also a :class:`ConnectionError`, so that an application which guards its reads and writes
    against a client that has left needs to know nothing of this package.
    """


class RequestTooLarge(Error, OSError):
    """A request's body or its server variables are over a limit; answered with 413 or 431.

    Also an :class:`OSError`, as what a body gives that cannot be read: frameworks take a ValueError
    for a form that is malformed, and go on without it.
    """


class BadRequest(Error, ValueError):
    """The request contradicts itself, so that serving it would be a guess; answered with 400."""


class ApplicationError(Error):
    """The application broke a rule of PEP 3333; raised into it where it did so."""
