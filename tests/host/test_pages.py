from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from iiswsgi.host import pages
from iiswsgi.host.failure import KINDS, Kind, WorkerFailure, exit_code_text
from iiswsgi.host.pages import Report


class Outline(HTMLParser):
    """The tags that are left open, and the attributes that would load something."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def failure(kind: Kind, **particulars: object) -> WorkerFailure:
    return WorkerFailure(kind, "the process 7 did something", **{"pid": 7, **particulars})


def page(report: Report, *, detailed: bool = True) -> str:
    return pages.html_page(report, detailed=detailed).decode()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sound_page(kind: Kind) -> None:
    outline = Outline()
    text = page(pages.failure_report(failure(kind), command_line="python -m x", log_file="/l"))
    outline.feed(text)
    assert outline.open == []
    assert outline.loads == []
    assert "The process 7 did something." in text
    assert "python -m x" in text


def test_the_kinds_are_told_apart_by_their_headings() -> None:
    headings = [pages.failure_report(failure(kind)).heading for kind in KINDS]
    assert len(set(headings)) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "particulars", "shown"),
    [
        ("never_started", {}, "500.0 - Internal Server Error.*0x80070002"),
        ("nothing_to_monitor", {}, "could not be started.*0x80070002"),
        ("died_in_start", {"exit_code": 1}, "exited unexpectedly.*0x00000001"),
        ("died_in_start", {"exit_code": 0}, "exited unexpectedly.*0x00000000"),
        ("died_in_start", {"exit_code": -9}, "exited unexpectedly.*0x8007006d"),
        ("died_in_request", {"exit_code": 0xC0000005}, "exited unexpectedly.*0xc0000005"),
        ("died_in_request", {"exit_code": -11}, "exited unexpectedly.*0x8007006d"),
        ("killed", {"exit_code": -9}, "aborted.*0x800703e3"),
        ("killed", {"exit_code": 0}, "aborted.*0x800703e3"),
        ("timed_out_activity", {}, "configured activity timeout.*0x80070102"),
        ("timed_out_request", {}, "configured request timeout.*0x80070102"),
        ("bad_reply", {}, "data is invalid.*0x8007000d"),
        ("queue_full", {}, r"503\.4 - Service Unavailable"),
        ("rapid_fail", {}, "Unspecified error.*0x80004005"),
    ],
)
def test_what_iis_would_show(kind: Kind, particulars: dict[str, int], shown: str) -> None:
    report = pages.failure_report(failure(kind, **particulars))
    assert re.search(shown, report.iis)
    assert re.search(shown, page(report))


@pytest.mark.parametrize(
    ("kind", "exit_code", "codes"),
    [
        ("died_in_request", 1, "IISWSGI-L05 IISWSGI-S16"),
        ("died_in_request", 3, "IISWSGI-P01"),
        ("died_in_request", 4, "IISWSGI-W02 IISWSGI-W21"),
        ("died_in_start", 3, "IISWSGI-P01"),
    ],
)
def test_an_exit_code_of_the_gateways_own_is_no_crash(
    kind: Kind, exit_code: int, codes: str
) -> None:
    text = page(pages.failure_report(failure(kind, exit_code=exit_code)))
    assert f"exit code {exit_code}" in text
    assert set(codes.split()) <= set(re.findall(r"IISWSGI-\w+", text))
    assert "crash" not in text


@pytest.mark.parametrize("exit_code", [None, 0, 7, -11, 0xC0000005])
def test_any_other_exit_code_may_be_a_crash(exit_code: int | None) -> None:
    report = pages.failure_report(failure("died_in_request", exit_code=exit_code))
    assert "a native extension crashed" in report.meaning


def test_stderr_names_the_setting_that_sends_it() -> None:
    assert "stderr_records = false" in page(pages.failure_report(failure("stderr")))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("process 7 left", "Process 7 left."),
        ("nothing, really!", "Nothing, really!"),
        ("no", "No."),
        ("flushNamedPipe: it hangs", "flushNamedPipe: it hangs."),
        ("web.config is empty", "web.config is empty."),
        ("log_file is no path", "log_file is no path."),
        ("", "."),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_case_matters(text: str, sentence: str) -> None:
    assert pages.as_sentence(text) == sentence


def test_everything_is_escaped() -> None:
    hostile = "<script>alert('&')</script>"
    report = pages.failure_report(
        WorkerFailure(
            "died_in_start", hostile, pid=7, log_lines=(hostile,), stderr=hostile.encode()
        ),
        command_line=hostile,
        log_file=hostile,
    )
    assert "<script" not in page(report)
    assert page(report).count("&lt;script&gt;") == 5


def test_what_is_secret_in_a_command_line_is_not_shown() -> None:
    text = page(pages.failure_report(failure("stderr"), command_line="python x db_password=x1y2"))
    assert "<dd>python x db_password=***</dd>" in text


def test_log_lines_and_exit_code_are_shown() -> None:
    report = pages.failure_report(
        failure("died_in_start", exit_code=3, pid=7, log_lines=("first", "ImportError: no"))
    )
    text = page(report)
    assert "first\nImportError: no" in text
    assert "<dt>Exit code</dt><dd>3</dd>" in text
    assert "It wrote nothing" in page(pages.failure_report(failure("died_in_start")))


def test_without_a_process_there_is_neither_exit_code_nor_log() -> None:
    text = page(pages.failure_report(failure("never_started", pid=None)))
    assert "Exit code" not in text
    assert "log</h2>" not in text


def test_a_browser_elsewhere_sees_the_status_only() -> None:
    report = pages.failure_report(
        failure("died_in_start", log_lines=("secret",)), command_line="C:\\secret"
    )
    text = page(report, detailed=False)
    assert "500 Internal Server Error" in text
    assert "secret" not in text
    assert "process 7" not in text


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "0"), (1, "1"), (-9, "-9 (signal 9)"), (0xC0000005, "3221225477 (0xc0000005)")],
)
def test_exit_codes(code: int, text: str) -> None:
    assert exit_code_text(code) == text


def test_text_page() -> None:
    report = pages.failure_report(failure("killed", log_lines=("a", "b")), log_file="/logs")
    text = pages.text_page(report)
    assert text.startswith("The worker was killed\n====")
    assert "  a\n  b\n" in text
    assert "Log: /logs" in text
    assert "  - Set signalBeforeTerminateSeconds" in text


def test_a_report_without_a_worker_has_no_log() -> None:
    report = Report(404, "Not Found", "No handler", "Nothing matches /x.")
    assert "log" not in page(report).lower().replace("detailed", "")
    assert "log" not in pages.text_page(report)
