"""``iiswsgi request``: one request through a fresh worker, and all there is to see of it."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlsplit

from iiswsgi import __version__
from iiswsgi.errors import Error, ExitStatus, SettingError
from iiswsgi.host.command import add_site_arguments, heeding_signals, opened_site, start_logging
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.pages import Report, text_page
from iiswsgi.host.site import Answer, Site
from iiswsgi.host.variables import HttpRequest
from iiswsgi.masking import masked_words

__all__ = ["add_arguments", "run"]

PATIENCE = 5.0
"""Seconds the worker gets to leave by itself, so that its exit code is its own."""

_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER = re.compile(rf"({_NAME}):[ \t]*([^\r\n\x00]*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``iiswsgi request``."""
    add_site_arguments(parser)
    parser.add_argument("url", metavar="URL", help="/path?query, or a whole http:// URL")
    parser.add_argument("-X", "--method", help="GET by default, POST with -d")
    parser.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'Name: value'",
        help="may be given several times; Transfer-Encoding: chunked sends the body as chunks",
    )
    parser.add_argument(
        "-d", "--data", metavar="DATA|@FILE", help="the request body; @- reads it from STDIN"
    )


def run(args: argparse.Namespace) -> int:
    """Send the request and print what came back; the process's exit status.

    0: a response below 500 came, complete. 1: one from 500 on, or none, or a part of one, or one
    whose length is not what it says; or nobody wanted to read all of it.
    2: an argument or the configuration cannot be used.
    """
    if sys.stderr is None:  # closed: print() would take STDOUT in its place
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    start_logging(1 + args.verbose - args.quiet)
    try:
        body = body_from(args.data)
        request = request_from(args, body)
        out = _stdout()
        with heeding_signals(), opened_site(args, patience=PATIENCE) as site:
            complete = show_answer(site, request, body, out)
            show_worker(site)
    except Error as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - a command speaks
        return exc.exit_status
    except BrokenPipeError:  # whoever read it has enough, as `| head` has
        _let_stdout_go()
        return ExitStatus.FAILED
    return ExitStatus.OK if complete else ExitStatus.FAILED


class _Stdout(io.RawIOBase):
    """STDOUT, which may be a file on a full disk; gone readers are another thing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as exc:
            _let_stdout_go()
            raise SettingError("H42", f"STDOUT cannot be written: {exc.strerror}") from exc
        return len(data)


def _stdout() -> BinaryIO:
    if sys.stdout is None:
        raise SettingError("H42", "STDOUT is closed, and the answer is printed there")
    return cast(BinaryIO, _Stdout())


def _let_stdout_go() -> None:
    """Python tries to write what is left of it when it ends, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def body_from(data: str | None) -> bytes:
    """Return the body that ``-d`` asks for.

    :raises SettingError: H41 it is no text, or the file cannot be read.
    """
    if data is None or not data.startswith("@"):
        return _encoded(data or "", "-d", "; -d @FILE sends any")
    if data == "@-" and sys.stdin is None:
        raise SettingError("H41", "-d @-: STDIN is closed")
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as exc:
        raise SettingError("H41", f"-d {data}: {exc.strerror}") from exc


def request_from(args: argparse.Namespace, body: bytes) -> HttpRequest:
    """Return the request that the command line describes, as a client would send it.

    :raises SettingError: H41 an argument.
    """
    host, port, target = _url(args.url)
    own = [_header(text) for text in args.header]
    names = {name.lower() for name, _ in own}
    chunked = "transfer-encoding" in names
    usual = [
        ("Host", host),
        ("User-Agent", f"iiswsgi/{__version__}"),
        ("Accept", "*/*"),
    ]
    if args.data is not None:
        usual.append(("Content-Type", "application/x-www-form-urlencoded"))
        if not chunked:
            usual.append(("Content-Length", str(len(body))))
    method = args.method or ("GET" if args.data is None else "POST")
    if not re.fullmatch(_NAME, method):
        raise SettingError("H41", f"-X {method!r} is no method such as GET")
    return HttpRequest(
        method=method,
        target=target,
        headers=[(name, value) for name, value in usual if name.lower() not in names] + own,
        content_length=-1 if chunked else len(body),
        server_port=port,
    )


def show_answer(site: Site, request: HttpRequest, body: bytes, out: BinaryIO) -> bool:
    """Print the response; whether it is below 500, complete and as long as it says."""
    read: Callable[[int], bytes] | None = io.BytesIO(body).read if request.content_length else None
    answer = site.handle(request, read)
    if isinstance(answer, Report):
        # The log follows in any case; its file is mostly gone when somebody looks for it.
        facts = [(label, value) for label, value in answer.facts if label != "Log"]
        text = text_page(replace(answer, log_lines=None, facts=facts))
        _head(out, answer.status, answer.reason, [("Content-Type", "text/plain; charset=utf-8")])
        out.write(text.encode())
        return answer.status < 500
    try:
        _head(out, answer.status, answer.reason, answer.headers)
        return _body(answer, out) and answer.status < 500
    finally:
        answer.close()


def show_worker(site: Site) -> None:
    """Print what the worker logged and how it ended; it has ended then."""
    site.close()
    pools = site.pools()
    lines = [line for pool in pools for line in pool.log_lines()]
    _section("the worker's log", lines or ["(nothing)"])
    _section("the worker", [line for pool in pools for line in pool.events] or ["none was asked"])


def _body(answer: Answer, out: BinaryIO) -> bool:
    """Print the body; whether it is whole."""
    sent, promised = 0, _promised(answer)
    try:
        for chunk in answer:
            sent += len(chunk)
            out.write(chunk)
            out.flush()
    except WorkerFailure as failure:
        out.flush()
        _section("broken off", [str(failure)])
        return False
    if promised not in (None, sent):
        _section("not whole", [f"Content-Length says {promised} bytes, and {sent} came"])
        return False
    return True


def _promised(answer: Answer) -> int | None:
    """How many bytes the body must have; None where nothing says it, or none goes out."""
    lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
    if answer.bodiless or not lengths or not (lengths[0].isascii() and lengths[0].isdigit()):
        return None
    return int(lengths[0])


def _head(out: BinaryIO, status: int, reason: str, headers: Sequence[tuple[str, str]]) -> None:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    out.write("\n".join([*lines, "", ""]).encode("latin-1", "replace"))
    out.flush()


def _section(title: str, lines: Sequence[str]) -> None:
    sys.stdout.flush()
    print(f"\n--- {title}", *lines, sep="\n", file=sys.stderr)  # noqa: T201 - a command speaks


def _url(text: str) -> tuple[str, int, str]:
    """Return the Host header, the port and the target of the URL argument."""
    _encoded(text, "the URL", "; write them as %XX")
    if _CONTROL.search(text):
        raise SettingError("H41", f"{text!r} is no URL: it has a control character; write %0A")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise SettingError("H41", f"{_shown(text)} is no URL: {exc}") from exc
    if parts.scheme:
        if parts.scheme != "http" or not parts.netloc:
            raise SettingError("H41", f"{_shown(text)}: only http:// URLs can be asked for")
        host = parts.netloc.rpartition("@")[2]
        target = text.partition("//")[2][len(parts.netloc) :]
    else:
        host, target = "localhost", text
    if not target.startswith(("/", "?")) and target:
        raise SettingError("H41", f"{_shown(text)} is neither a path that begins with / nor a URL")
    target = target if target.startswith("/") else "/" + target
    # As a browser does it: what a URL cannot hold goes out as escaped UTF-8.
    return host, port or 80, quote(target, safe="%/:?#[]@!$&'()*+,;=-._~")


def _header(text: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(text)
    if match is None:
        raise SettingError("H41", f"-H {_shown(text)} is not of the form 'Name: value'")
    return match[1], _encoded(match[2].strip(" \t"), f"-H {match[1]}").decode("latin-1")


def _encoded(text: str, argument: str, cure: str = "") -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise SettingError("H41", f"{argument} holds bytes that are no UTF-8{cure}") from exc


def _shown(text: str) -> str:
    return repr(masked_words([text])[0])
