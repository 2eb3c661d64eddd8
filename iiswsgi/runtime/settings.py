"""The table of settings: every option of ``[server:iis]``, cast and checked once at start.

A setting is one row, the field of :class:`Settings`: name, type, converter, default, unit and the
sentence that says what it does and why its default is what it is. The Paste options, ``name=value``
on the command line, the help text and ``docs/settings.rst`` all come from that row. What the
settings do is decided elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iiswsgi.errors import SettingError
from iiswsgi.runtime import convert

__all__ = ["TABLE", "Row", "Settings", "describe", "parse"]

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


@dataclass(frozen=True)
class Row:
    """What one setting is, without its value."""

    name: str
    convert: Callable[[str], Any]
    """Makes the value of the text; raises ValueError with the end of "must be ..."."""
    default: Any
    shown: str
    """The default as a user would write it, or words for what its absence means."""
    unit: str
    sentence: str


def _row(
    convert: Callable[[str], Any], unit: str, sentence: str, shown: str = ""
) -> dict[str, Any]:
    """What a field of :class:`Settings` says besides its type and default."""
    return {"convert": convert, "unit": unit, "sentence": sentence, "shown": shown}


@dataclass(frozen=True)
class Settings:
    """The settings of one process, in the order of the settings page."""

    listen: convert.Address | None = field(
        default=None,
        metadata=_row(
            convert.address,
            "",
            "Address to listen on: host:port, [IPv6]:port or unix:/path. Absent, what STDIN"
            " is decides: IIS and most other web servers hand over the pipe or socket there.",
            "what STDIN is",
        ),
    )
    threads: int = field(
        default=8,
        metadata=_row(
            convert.count_from(1, 1000),
            "",
            "Connections served at once on a socket. Eight cover the waiting for a database,"
            " and more only queue for the interpreter. On a pipe there is one request at a"
            " time.",
        ),
    )
    connection_limit: int = field(
        default=100,
        metadata=_row(
            convert.count_from(1, 10000),
            "",
            "Connections held at once on a socket; those that no thread serves yet wait, and"
            " further ones wait in the system's queue. Each costs a handle, of which a process"
            " may have 1024 on many systems.",
        ),
    )
    channel_timeout: float = field(
        default=120.0,
        metadata=_row(
            convert.seconds,
            "seconds",
            "A connection on a socket whose peer neither sends nor takes a byte for so long"
            " is closed; 0 waits for ever. Two minutes are longer than web servers wait"
            " themselves (nginx 60, IIS 70). On a pipe IIS watches the time.",
        ),
    )
    script_name: str | None = field(
        default=None,
        metadata=_row(
            convert.script_name,
            "",
            "SCRIPT_NAME that the application sees, such as /app; empty is the root. Absent,"
            " it is worked out from what the web server says, which IIS does in APPL_MD_PATH.",
            "worked out for each request",
        ),
    )
    max_request_body: int = field(
        default=convert.GIB,
        metadata=_row(
            convert.size,
            "bytes",
            "A longer request body is answered with 413; 0 sets no limit. IIS has a limit of"
            " its own, 30000000 bytes unless changed, but not for chunked uploads; this one"
            " keeps the disk of the spool from filling up.",
        ),
    )
    spool_limit: int = field(
        default=512 * convert.KIB,
        metadata=_row(
            convert.size,
            "bytes",
            "What the application has left unread of a body when it answers is kept in memory"
            " up to this size and in a temporary file beyond it. Half a mebibyte holds every"
            " form without files and costs little even with many threads.",
        ),
    )
    max_params_bytes: int = field(
        default=convert.MIB,
        metadata=_row(
            convert.size_from(4 * convert.KIB),
            "bytes",
            "A request whose server variables are longer is refused. Windows takes 16 KiB of"
            " request headers unless the registry says otherwise, and 1 MiB is beyond every"
            " configuration seen.",
        ),
    )
    max_params: int = field(
        default=2000,
        metadata=_row(
            convert.count_from(64, 1000000),
            "",
            "A request with more server variables is refused. IIS sends 41 and one for each"
            " header; web servers cut headers off at about 100.",
        ),
    )
    max_header_bytes: int = field(
        default=64 * convert.KIB,
        metadata=_row(
            convert.size_from(convert.KIB),
            "bytes",
            "A response whose status and headers are longer is answered with 500 instead, for"
            " no web server passes on a header line of more than 64 KiB, and most stop far"
            " below.",
        ),
    )
    graceful_timeout: float = field(
        default=30.0,
        metadata=_row(
            convert.seconds,
            "seconds",
            "How long a running request may go on once the process was asked to stop. Thirty"
            " seconds are what signalBeforeTerminateSeconds is usually set to; give both the"
            " same number.",
        ),
    )
    expose_tracebacks: bool = field(
        default=False,
        metadata=_row(
            convert.flag,
            "",
            "Show tracebacks in the browser when the application fails. They tell secrets to"
            " strangers, so only while developing.",
        ),
    )
    stderr_records: bool = field(
        default=False,
        metadata=_row(
            convert.flag,
            "",
            "Send what is written to wsgi.errors to the web server too, as FCGI_STDERR. IIS"
            " turns any such text into a 500 that shows it, unless its stderrMode says"
            " otherwise; so only for other web servers.",
        ),
    )
    log_file: str | None = field(
        default=None,
        metadata=_row(
            convert.log_file,
            "",
            "Absolute path of the log, or - to leave it on STDERR for a service manager."
            " Absent, the first place that can be written to (see the page on the log), since"
            " IIS shows nothing of a process's output.",
            "the first writable place",
        ),
    )
    log_level: int | None = field(
        default=None,
        metadata=_row(
            convert.level,
            "",
            "Least level that is logged: debug, info, warning, error or critical. Absent, -v"
            " and -q of paster decide, then the INI file's [loggers], then it is info.",
            "info",
        ),
    )


def _table() -> tuple[Row, ...]:
    return tuple(
        Row(
            setting.name,
            setting.metadata["convert"],
            setting.default,
            setting.metadata["shown"] or _shown(setting.default),
            setting.metadata["unit"],
            setting.metadata["sentence"],
        )
        for setting in dataclasses.fields(Settings)
    )


def _shown(value: Any) -> str:
    """A default as one would write it in the INI file."""
    if isinstance(value, bool):
        return str(value).lower()
    for suffix, unit in (("G", convert.GIB), ("M", convert.MIB), ("K", convert.KIB)):
        if value >= unit and value % unit == 0:
            return f"{value // unit:.0f}{suffix}"
    return f"{value:g}"


TABLE = _table()
"""Every setting, in the order of the settings page."""


def parse(options: Mapping[str, Any]) -> Settings:
    """Settings from the options of ``[server:iis]`` or of the command line.

    :param options: the server's own options, not the INI file's ``[DEFAULT]``: each name here
        must be a setting. Text as in the INI file; numbers and booleans will do too.
    :raises SettingError: S01 unknown name, S02 unusable value, S03 two that contradict each other.
    """
    rows = {row.name: row for row in TABLE}
    values = {}
    for name, value in options.items():
        if name not in rows:
            raise SettingError("S01", _unknown(name))
        values[name] = _converted(rows[name], value)
    settings = Settings(**values)
    if settings.connection_limit >= settings.threads:
        return settings
    if "connection_limit" not in values:
        return dataclasses.replace(settings, connection_limit=settings.threads)
    if "threads" not in values:
        return dataclasses.replace(settings, threads=settings.connection_limit)
    raise SettingError(
        "S03",
        f"The options connection_limit = {settings.connection_limit} and threads = "
        f"{settings.threads} contradict each other: some threads would never have anything to do. "
        "Raise connection_limit or lower threads.",
    )


def _unknown(name: str) -> str:
    import difflib  # only for this sentence; it would slow down every start

    near = difflib.get_close_matches(name, [row.name for row in TABLE], 1)
    meant = _ALIASES.get(name) or (near[0] if near else None)
    hint = f"did you mean {meant}?" if meant else "see docs/settings.rst for those there are."
    return f"There is no option {name!r}; {hint}"


def _converted(row: Row, value: Any) -> Any:
    text = str(value).strip()
    try:
        return row.convert(text)
    except ValueError as error:
        raise SettingError(
            "S02", f"The option {row.name} = {text!r} is not usable: it must be {error}."
        ) from None


def describe() -> str:
    """The table as text for ``--help``; a definition list to reStructuredText."""
    import textwrap

    parts = []
    for row in TABLE:
        unit = f" {row.unit}" if row.unit and row.default is not None else ""
        text = textwrap.fill(f"{row.sentence} Default: {row.shown}{unit}.", 92)
        parts.append(f"{row.name}\n{textwrap.indent(text, '    ')}\n")
    return "\n".join(parts)
