"""What the stand-in answers itself: each failure in words, as an HTML page or as plain text.

IIS shows a number and little else. These pages say which of the many things that can go wrong
did: the worker was never started, died, hung, was killed, or sent something that is no reply;
they name what IIS would show instead, and what to do. Everything shown is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from iiswsgi.host.failure import WorkerFailure, exit_code_text
from iiswsgi.host.words import words_for
from iiswsgi.masking import masked_line

__all__ = ["Report", "as_sentence", "failure_report", "html_page", "text_page"]


@dataclass(frozen=True)
class Report:
    """One answer of the stand-in's own: what happened and what to do about it."""

    status: int
    reason: str
    heading: str
    sentence: str
    """This occurrence."""
    meaning: str = ""
    """What an occurrence of this kind means."""
    iis: str = ""
    """What IIS itself would show."""
    advice: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    """Labels and values, such as the exit code."""
    log_lines: Sequence[str] | None = None
    """What the worker wrote to its log; None when no worker was involved."""


def failure_report(failure: WorkerFailure, *, command_line: str = "", log_file: str = "") -> Report:
    """Return what to say about `failure`.

    :param command_line: how the worker is started.
    :param log_file: what it logs to.
    """
    words = words_for(failure.kind, failure.exit_code)
    facts = [
        ("Process", str(failure.pid or "")),
        ("Exit code", exit_code_text(failure.exit_code) if failure.pid else ""),
        ("Registered as", masked_line(command_line)),
        ("Log", log_file),
        ("FCGI_STDERR", failure.stderr.decode("utf-8", "replace")),
        ("More about it", f"docs/errors, {failure.code}"),
    ]
    reason = "Service Unavailable" if failure.status == 503 else "Internal Server Error"
    return Report(
        status=failure.status,
        reason=reason,
        heading=words.heading,
        sentence=as_sentence(failure.sentence),
        meaning=words.meaning,
        iis=f"HTTP Error {failure.status}.{failure.substatus} - {reason}. {words.iis}. "
        f"Error code {failure.hresult}",
        advice=words.advice,
        facts=[(label, value) for label, value in facts if value],
        # Without a process there is nobody who could have logged.
        log_lines=failure.log_lines if failure.pid else None,
    )


def text_page(report: Report) -> str:
    """Return `report` for a terminal."""
    lines = [report.heading, "=" * len(report.heading), "", report.sentence]
    lines += ["", report.meaning] if report.meaning else []
    lines += ["", f"IIS would show: {report.iis}"] if report.iis else []
    lines += [""] if report.facts else []
    lines += [f"{label}: {value}" for label, value in report.facts]
    if report.log_lines is not None:
        lines += ["", "The worker's log:"]
        lines += [f"  {line}" for line in report.log_lines] or ["  (nothing)"]
    if report.advice:
        lines += ["", "What to do:"]
        lines += [f"  - {item}" for item in report.advice]
    return "\n".join(lines) + "\n"


def html_page(report: Report, *, detailed: bool = True) -> bytes:
    """Return `report` as a page, UTF-8.

    :param detailed: False for a browser on another machine, which is told the status only, as
        IIS does by default (``errorMode="DetailedLocalOnly"``).
    """
    title = f"{report.status} {report.reason}"
    if detailed:
        heading, main = report.heading, _details(report)
    else:
        heading = title
        main = "<p>The details are shown to a browser on the server itself, and in its log.</p>"
    return _PAGE.format(
        title=escape(title), heading=escape(heading), main=main, style=_STYLE
    ).encode("utf-8")


def _details(report: Report) -> str:
    parts = [f'<p class="sentence">{escape(report.sentence)}</p>']
    if report.meaning:
        parts.append(f"<p>{escape(report.meaning)}</p>")
    if report.iis:
        parts.append(f'<p class="iis"><b>IIS would show:</b> {escape(report.iis)}</p>')
    if report.log_lines is not None:
        text = "\n".join(report.log_lines)
        shown = f"<pre>{escape(text)}</pre>" if text.strip() else "<p>It wrote nothing.</p>"
        parts.append(f"<h2>The worker's log</h2>{shown}")
    if report.advice:
        items = "".join(f"<li>{escape(item)}</li>" for item in report.advice)
        parts.append(f"<h2>What to do</h2><ul>{items}</ul>")
    if report.facts:
        rows = "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in report.facts
        )
        parts.append(f"<h2>Particulars</h2><dl>{rows}</dl>")
    return "\n".join(parts)


def as_sentence(text: str) -> str:
    """Return an error's text with a capital letter and a full stop.

    Only a plain word is changed: the case of an attribute such as ``flushNamedPipe`` matters.
    """
    if re.match(r"[a-z]+(?![^ ,;:])", text):
        text = text[0].upper() + text[1:]
    return text + ("" if text.endswith((".", "!", "?")) else ".")


_STYLE = """
:root { color-scheme: light dark; --line: #d5d8dd; --soft: #f3f4f6; --mark: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #44474e; --soft: #24262b; --mark: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 "Segoe UI", system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
.status { margin: 0; color: var(--mark); font-weight: 600; }
h1 { margin: .1rem 0 1rem; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 1.8rem 0 .5rem; font-size: 1.05rem; }
.sentence { font-size: 1.1rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.iis { padding: .6rem .8rem; border-left: .25rem solid var(--mark); background: var(--soft); }
pre { margin: 0; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--soft); border: 1px solid var(--line);
  font: .85rem/1.45 Consolas, ui-monospace, monospace; }
ul { margin: 0; padding-left: 1.2rem; } li { margin: .25rem 0; }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { color: GrayText; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
footer { margin-top: 2.5rem; padding-top: .7rem; border-top: 1px solid var(--line);
  color: GrayText; font-size: .85rem; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin: 0 0 .5rem; } }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style></head>
<body><main><p class="status">{title}</p><h1>{heading}</h1>
{main}
<footer>Said by the IIS stand-in (iiswsgi host), not by the application.</footer>
</main></body></html>
"""
