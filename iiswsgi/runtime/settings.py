"""The table of settings: every option of ``[server:iis]``, cast and checked once at start.

A setting is one row, an attribute of :class:`Settings`; what a row is, :mod:`.setting` says. The
Paste options, ``name=value`` on the command line, ``iiswsgi serve --help`` and
``docs/settings.rst`` all come from that row. What the settings do is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iiswsgi.errors import SettingError
from iiswsgi.masking import masked_words
from iiswsgi.runtime import convert
from iiswsgi.runtime.setting import Setting

__all__ = ["TABLE", "Options", "Setting", "Settings", "nearest", "parse"]

_ALIASES = {
    # What other servers call it; difflib would not find these.
    "host": "listen",
    "port": "listen",
    "bind": "listen",
    "socket": "listen",
    "prefix": "script_name",
    "url_prefix": "script_name",
    "max_request_body_size": "max_request_body",
}


class Settings:
    """The settings of one process, in the order of the settings page; a value, never changed.

    No dataclass: that module alone costs more of a start than all the settings.
    """

    listen: Setting[convert.Address | None] = Setting(
        convert.address,
        None,
        "",
        "Address to listen on: host:port, [IPv6]:port or unix:/path. Absent, what STDIN"
        " is decides: IIS and most other web servers hand over the pipe or socket there.",
        "what STDIN is",
    )
    threads: Setting[int] = Setting(
        convert.count_from(1, 1000),
        8,
        "",
        "Requests that run at once on sockets; those that wait for the web server to send or"
        " take bytes do not count, unless it is 1, which means one call at a time. Eight cover"
        " the waiting for a database, and more only queue for the interpreter. On a pipe there"
        " is one request at a time. A connection_limit that is lower lowers it, where only that"
        " one is given.",
    )
    connection_limit: Setting[int] = Setting(
        convert.count_from(1, 10000),
        100,
        "",
        "Connections held at once on sockets, those included that a web server keeps open"
        " without a request; for a further one, the one that has been idle longest is ended,"
        " else one whose peer is slower than min_rate, else the oldest one after its request."
        " Each costs a thread and a handle, of which a process may have 1024 on many"
        " systems. A higher number of threads raises it, where only that one is given.",
    )
    channel_timeout: Setting[float] = Setting(
        convert.seconds,
        120.0,
        "seconds",
        "A connection to a listening socket whose peer neither sends nor takes a byte for so"
        " long is closed; 0 waits for ever. Two minutes are longer than web servers wait"
        " themselves (nginx 60, IIS 70). On a pipe, and on one connected socket, the web server"
        " watches the time.",
    )
    min_rate: Setting[int] = Setting(
        convert.count_from(0, 1_000_000_000),
        500,
        "bytes a second",
        "Once connection_limit is reached and another connection waits, a request on a socket"
        " whose peer sends or takes less, while it is waited for, is ended, after 20 seconds in"
        " which it may be silent; 0 ends none. No browser is so slow; as much as Apache's"
        " mod_reqtimeout asks for.",
    )
    script_name: Setting[str | None] = Setting(
        convert.script_name,
        None,
        "",
        "SCRIPT_NAME that the application sees, such as /app; empty is the root. Absent,"
        " it is worked out from what the web server says, which IIS does in APPL_MD_PATH.",
        "worked out for each request",
    )
    max_request_body: Setting[int] = Setting(
        convert.size,
        convert.GIB,
        "bytes",
        "A longer request body is answered with 413; 0 sets no limit. IIS has a limit of"
        " its own, 30000000 bytes unless changed, but not for chunked uploads; this one"
        " keeps a single request from filling the disk of the spool.",
    )
    spool_limit: Setting[int] = Setting(
        convert.size,
        512 * convert.KIB,
        "bytes",
        "What the application has left unread of a body when it answers, and a body that is"
        " taken whole before (see chunked_bodies), is kept in memory up to this size and in a"
        " temporary file beyond it. Half a mebibyte holds every form without files and costs"
        " little even with many threads.",
    )
    chunked_bodies: Setting[str] = Setting(
        convert.one_of("auto", "whole", "streamed"),
        "auto",
        "",
        "A body that came in chunks, or over HTTP/2 by some web servers, has no length."
        " streamed: it is pulled as the application reads, without a length, for those that heed"
        " wsgi.input_terminated. whole: it is taken before the application is called, and its"
        " length stated. auto: streamed, but whole once what takes a request without a length for"
        " one without a body is imported: Django, Bottle, a2wsgi, Falcon, CherryPy, web.py, web2py,"
        " Radicale, or Paste's own parser of forms.",
        "auto",
    )
    max_params_bytes: Setting[int] = Setting(
        convert.size_from(4 * convert.KIB),
        convert.MIB,
        "bytes",
        "A request whose server variables are longer is refused. Windows takes 16 KiB of"
        " request headers unless the registry says otherwise, and 1 MiB is beyond every"
        " configuration seen.",
    )
    max_params: Setting[int] = Setting(
        convert.count_from(64, 1000000),
        2000,
        "",
        "A request with more server variables is refused. IIS sends 41 and one for each"
        " header; web servers cut headers off at about 100.",
    )
    max_header_bytes: Setting[int] = Setting(
        convert.size_from(convert.KIB),
        64 * convert.KIB,
        "bytes",
        "A response whose status and headers are longer is answered with 500 instead, for"
        " no web server passes on a header line of more than 64 KiB, and most stop far"
        " below.",
    )
    graceful_timeout: Setting[float] = Setting(
        convert.seconds,
        30.0,
        "seconds",
        "How long running requests on a listening socket may go on once the process was asked"
        " to stop. On a pipe, and on one connected socket, the web server ends what takes too"
        " long: IIS after signalBeforeTerminateSeconds, usually thirty seconds too.",
    )
    hang_report: Setting[float] = Setting(
        convert.seconds,
        60.0,
        "seconds",
        "A request that runs so long, or an application that loads so long, is reported in the"
        " log with the stacks of all threads; 0 for never. IIS ends the process, without a word"
        " of what it did, after 70 seconds without a byte (activityTimeout) and 90 in all"
        " (requestTimeout), where nobody has set them otherwise: keep this below both.",
    )
    expose_tracebacks: Setting[bool] = Setting(
        convert.flag,
        False,
        "",
        "Show the traceback in the browser when the application fails, to requests from the"
        " server itself alone, by REMOTE_ADDR and without a header of a proxy: it may tell secrets."
        " Others are told the error id, under which the log has it.",
    )
    stderr_records: Setting[bool] = Setting(
        convert.flag,
        False,
        "",
        "Send what is written to wsgi.errors to the web server too, as FCGI_STDERR. IIS"
        " turns any such text into a 500 that shows it, unless its stderrMode says"
        " otherwise; so only for other web servers.",
    )
    trace_records: Setting[bool] = Setting(
        convert.flag,
        False,
        "",
        "Send each entry that the log gets during a request to IIS too, as an event for Failed"
        " Request Tracing (IIS_TRACE_INFO, _WARNING or _ERROR on FCGI_STDERR). Only while"
        " tracing: it costs time, and other web servers take it for errors.",
    )
    log_file: Setting[str | None] = Setting(
        convert.log_file,
        None,
        "",
        "Absolute path of the log, or - to leave it on STDERR for a service manager."
        " Absent, the first place that can be written to (see the page on the log), since"
        " IIS shows nothing of a process's output.",
        "the first writable place",
    )
    log_level: Setting[int | None] = Setting(
        convert.level,
        None,
        "",
        "Least level that is logged: debug, info, warning, error or critical. Absent, -v"
        " and -q of paster decide, then the INI file's [loggers], then it is info.",
        "info",
    )
    log_format: Setting[str] = Setting(
        convert.one_of("text", "json"),
        "text",
        "",
        "What the log's entries look like: text for people, json for programs that collect logs,"
        " one object a line.",
        "text",
    )
    log_size: Setting[int] = Setting(
        convert.size_from(64 * convert.KIB),
        10 * convert.MIB,
        "bytes",
        "At this size the log is renamed and a new one begun. Ten mebibytes an editor opens at"
        " once, and a mail still carries them.",
    )
    log_count: Setting[int] = Setting(
        convert.count_from(1, 1000),
        5,
        "",
        "So many renamed logs are kept, the latest. With the log itself and its usual size they"
        " are 60 MiB, a forgotten site's fair share of a disk.",
    )
    access_log: Setting[bool] = Setting(
        convert.flag,
        False,
        "",
        "Log a line for each request: method, path, status, bytes, milliseconds. IIS keeps such a"
        " log itself; this one tells what the application alone took.",
    )

    def __init__(self, **values: Any) -> None:
        vars(self).update({row.name: row.default for row in TABLE} | values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"settings are not changed once they are checked, not {name} either")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # a value with an equality, and never a key


TABLE: tuple[Setting[Any], ...] = tuple(
    row for row in vars(Settings).values() if isinstance(row, Setting)
)
"""Every setting, in the order of the settings page."""


class Options(dict[str, Any]):
    """Options that know where each was given, so that a message can say it."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, str] = {}

    def add(self, place: str, given: Mapping[str, Any]) -> None:
        """Take what was given at *place*, which wins over what is there."""
        self.update(given)
        self._places.update(dict.fromkeys(given, place))

    def where(self, *names: str) -> str:
        """The places of *names*, each once, to stand behind them."""
        return f" ({', '.join(dict.fromkeys(self._places[name] for name in names))})"


def parse(options: Mapping[str, Any]) -> Settings:
    """Settings from the options of ``[server:iis]`` or of the command line.

    :param options: the server's own options, not the INI file's ``[DEFAULT]``: each name here
        must be a setting. Text as in the INI file; numbers and booleans will do too. Messages name
        the place if these are :class:`Options`.
    :raises SettingError: S01 unknown name, S02 unusable value, S03 two that contradict each other.
    """
    rows = {row.name: row for row in TABLE}
    values = {}
    for name, value in options.items():
        if name not in rows:
            raise SettingError("S01", _unknown(name, _where(options, name)))
        values[name] = _converted(rows[name], value, _where(options, name))
    settings = Settings(**values)
    if settings.stderr_records and settings.trace_records:
        raise SettingError(
            "S03",
            "The options stderr_records = true and trace_records = true"
            f"{_where(options, 'stderr_records', 'trace_records')} contradict each other: IIS would"
            " turn what the one sends into errors. Remove one of them.",
        )
    if settings.connection_limit >= settings.threads:
        return settings
    if "connection_limit" not in values:
        return Settings(**values, connection_limit=settings.threads)
    if "threads" not in values:
        return Settings(**values, threads=settings.connection_limit)
    raise SettingError(
        "S03",
        f"The options connection_limit = {settings.connection_limit} and threads = "
        f"{settings.threads}{_where(options, 'connection_limit', 'threads')} contradict each other:"
        " some threads would never have anything to do. Raise connection_limit or lower threads.",
    )


def _where(options: Mapping[str, Any], *names: str) -> str:
    return options.where(*names) if isinstance(options, Options) else ""


def nearest(name: str, likeness: float = 0.6) -> str | None:
    """The setting that *name* may be a slip for; None where there is none.

    :param likeness: how much of it must be the same, from 0 to 1.
    """
    import difflib  # only for what goes wrong; it would slow down every start

    plain = name.lower().replace("-", "_")
    near = difflib.get_close_matches(plain, [row.name for row in TABLE], 1, likeness)
    return _ALIASES.get(plain) or (near[0] if near else None)


def _unknown(name: str, where: str) -> str:
    meant = nearest(name)
    hint = f"did you mean {meant}?" if meant else "'iiswsgi serve --help' has those there are."
    return f"There is no option {name!r}{where}; {hint}"


def _converted(row: Setting[Any], value: Any, where: str) -> Any:
    text = str(value).strip()
    try:
        return row.convert(text)
    except ValueError as error:
        [shown] = masked_words([text])  # what a mistake put there may be the address of a database
        raise SettingError(
            "S02", f"The option {row.name} = {shown!r}{where} is not usable: it must be {error}."
        ) from None
