"""A process made ready to serve, before it imports the application.

The order matters. The log comes first, so that nothing that goes wrong later is silent. Then the
settings; then what STDIN is; then the wire moves where the application cannot reach it. The
application comes last, loaded by Paste or by :mod:`iiswsgi.serving`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from iiswsgi.errors import SettingError
from iiswsgi.fastcgi.transport import inherited
from iiswsgi.fastcgi.transport.inherited import Kind
from iiswsgi.runtime import log as process_log
from iiswsgi.runtime import logconfig, settings, stdio
from iiswsgi.runtime.convert import UnixAddress
from iiswsgi.runtime.lastwords import LastWords
from iiswsgi.runtime.shutdown import Shutdown
from iiswsgi.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from iiswsgi.fastcgi.transport.base import Transport
    from iiswsgi.runtime.convert import Address
    from iiswsgi.runtime.log import Log
    from iiswsgi.runtime.settings import Settings
    from iiswsgi.runtime.stdio import Inherited

__all__ = ["Launch", "prepare"]

log = logging.getLogger(__name__)


class Launch:
    """A process that is ready to serve; exactly one of *transport* and *listener* is there."""

    def __init__(self, settings: Settings, process_log: Log, shutdown: Shutdown) -> None:
        self.settings = settings
        self.log = process_log
        self.shutdown = shutdown
        self.last_words = LastWords(process_log)
        self.loading = Watchdog(settings.hang_report)
        """Looks how long the application loads, until it is served."""
        self.transport: Transport | None = None
        """The one conversation that STDIN is."""
        self.listener: socket.socket | None = None
        """The socket to accept conversations from."""
        self.allowed: frozenset[str] | None = None
        """The addresses that may connect to it, None for any."""
        self._socket_path: str | None = None
        self._socket_identity: tuple[int, int] | None = None

    def listen(self, address: Address) -> None:
        """Open a listening socket of our own.

        :raises SettingError: the address cannot be had.
        """
        # Not needed on IIS's pipe, so not part of its start.
        from iiswsgi.fastcgi.transport.address import open_listener

        if isinstance(address, UnixAddress):
            self.listener = open_listener(address.path)
            self._socket_path = address.path
            self._socket_identity = _identity(address.path)
            # At the stop, not at the end: a process that takes over may listen there by then.
            self.shutdown.add_waker(self._remove_socket)
        else:
            self.listener = open_listener((address.host, address.port))
            # The real one, where the system was to choose it.
            address = address._replace(port=self.listener.getsockname()[1])
        log.info("listening on %s", address)

    def _remove_socket(self) -> None:
        """Let a Unix socket of our own leave the file system, once.

        Whoever cleans up may have deleted it, and another process may listen at its path by now.
        """
        path, self._socket_path = self._socket_path, None
        if path is not None and _identity(path) == self._socket_identity:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def look(self) -> None:
        """Do what is to be done now and then; never raises."""
        self.log.follow()
        self.last_words.speak()

    def close(self) -> None:
        """Let go of what was not used up; a Unix socket of our own leaves the file system."""
        self._remove_socket()  # its number in the file system is not given away while it is open
        if self.listener is not None:
            self.listener.close()
        self.shutdown.close()


def _identity(path: str) -> tuple[int, int] | None:
    """Tell one file from another that has its path; None if there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def prepare(
    options: Mapping[str, str], verbosity: int | None = None, *, hold_signals: bool = True
) -> Launch:
    """Log, settings, channel and standard streams of this process, in this order.

    :param options: those of ``[server:iis]``, see ``docs/settings.rst``.
    :param verbosity: how many more ``-v`` than ``-q`` were given to Paste's command, or None.
    :param hold_signals: the caller goes on with :meth:`.Shutdown.own_signals`.
    :raises SettingError: an option cannot be used, or there is nothing to serve on.
    """
    the_log = process_log.start()
    values = settings.parse(options)
    the_log.limit(values.log_size, values.log_count)
    if values.log_format == "json":
        the_log.use_json()
    if values.log_file is not None:
        the_log.move(values.log_file)
    logconfig.set_level(values.log_level, verbosity)
    launch = Launch(values, the_log, Shutdown())
    if hold_signals:
        launch.shutdown.hold_signals()
    if values.listen is None:
        _take_stdin(launch)
    else:
        stdio.read_inherited()
        launch.listen(values.listen)
        stdio.make_harmless(the_log)
    if launch.listener is not None:
        from iiswsgi.fastcgi.transport.peers import allowed_peers

        launch.allowed = allowed_peers(os.environ)
    # Handlers that Paste made of the INI file may hold a STDERR that is no more, or never was.
    the_log.repair()
    launch.last_words.begin()
    launch.loading.start()
    launch.loading.begin_loading()
    return launch


def _take_stdin(launch: Launch) -> None:
    """Decide by what STDIN is (architecture.md, section 2), and move it out of reach."""
    kind = inherited.classify(0)
    if kind is Kind.OTHER:
        raise SettingError(
            "S11",
            "STDIN is neither a named pipe nor a socket, so no web server has started this "
            "process; try the site with 'iiswsgi host FOLDER', or set listen = 127.0.0.1:9000",
        )
    told = stdio.read_inherited()
    handle = stdio.take_stdin("pipe" if kind is Kind.PIPE else "socket")
    stdio.make_harmless(launch.log)
    _watch_event(launch.shutdown, told)
    name = told.pipe_name or kind.value
    if kind is Kind.PIPE:
        launch.transport = _pipe_transport(handle, launch.shutdown, name)
    elif kind is Kind.SOCKET:
        launch.transport = _socket_transport(handle, launch.shutdown, name)
    else:
        launch.listener = socket.socket(fileno=handle)
    log.info("STDIN is %s (%s)", kind.value, name)


def _pipe_transport(handle: int, shutdown: Shutdown, name: str) -> Transport:
    if sys.platform != "win32":
        raise SettingError("S11", "named pipes are served on Windows only")
    from iiswsgi.fastcgi.transport.pipe import PipeTransport

    return PipeTransport(handle, shutdown, name)


def _socket_transport(handle: int, shutdown: Shutdown, name: str) -> Transport:
    sock = socket.socket(fileno=handle)
    if sys.platform == "win32":
        from iiswsgi.fastcgi.transport.sockets import SocketTransport

        return SocketTransport(sock, shutdown, name)
    from iiswsgi.fastcgi.transport.blocking import BlockingTransport

    return BlockingTransport(sock, shutdown, name)


def _watch_event(shutdown: Shutdown, told: Inherited) -> None:
    """Heed the shutdown event; its number is believed only because STDIN is a channel."""
    if told.shutdown_event is not None and shutdown.watch_event(told.shutdown_event):
        log.info("the shutdown event is watched")
    elif told.event_text:
        log.warning(
            "IISWSGI-S12: _FCGI_SHUTDOWN_EVENT_ is %r, which is no event of this process; only "
            "the end of input and signals will end it",
            told.event_text,
        )
