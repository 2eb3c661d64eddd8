from __future__ import annotations

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.host.filtering import RequestFilter, read_filter
from iiswsgi.host.variables import HttpRequest, InvalidTarget

CONFIG = """<configuration><system.webServer><security>{}</security></system.webServer>
</configuration>"""


def read(section: str) -> RequestFilter:
    return read_filter(CONFIG.format(section).encode(), "web.config")


def substatus(target: str, content_length: int = 0, limits: RequestFilter | None = None) -> str:
    request = HttpRequest("GET", target, content_length=content_length)
    refusal = (limits or RequestFilter()).refusal(request)
    return refusal.substatus if refusal else ""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", ""),
        ("/a%20b?x=a+b%2520", ""),
        ("/a+b", "404.11"),
        ("/a%2Bb", "404.11"),
        ("/a%2520b", "404.11"),
        ("/a%25b", ""),
        ("/x/WEB.CONFIG", "404.8"),
        ("/bin/x", "404.8"),
        ("/binary", ""),
        ("/" + "a" * 4095, ""),
        ("/" + "a" * 4096, "404.14"),
        ("/?" + "a" * 2048, ""),
        ("/?" + "a" * 2049, "404.15"),
    ],
)
def test_targets(target: str, expected: str) -> None:
    assert substatus(target) == expected


def test_the_body_is_limited() -> None:
    assert substatus("/", 30_000_000) == ""
    assert substatus("/", 30_000_001) == "404.13"
    assert substatus("/", -1) == ""


def test_a_hidden_segment_cannot_be_escaped() -> None:
    assert substatus("/x/../web%2Econfig") == "404.8"


def test_what_http_sys_refuses_is_no_matter_of_filtering() -> None:
    with pytest.raises(InvalidTarget):
        substatus("/%zz")


def test_the_config_changes_limits() -> None:
    limits = read(
        '<requestFiltering allowDoubleEscaping="true">'
        '<requestLimits maxAllowedContentLength="10" maxUrl="20" maxQueryString="5"/>'
        '<hiddenSegments><remove segment="BIN"/><add segment="secret"/></hiddenSegments>'
        "</requestFiltering>"
    )
    assert substatus("/a+b/bin", limits=limits) == ""
    assert substatus("/", 11, limits) == "404.13"
    assert substatus("/" + "a" * 20, limits=limits) == "404.14"
    assert substatus("/?123456", limits=limits) == "404.15"
    assert substatus("/Secret", limits=limits) == "404.8"
    assert substatus("/App_Data", limits=limits) == "404.8"


def test_hidden_segments_can_be_cleared() -> None:
    limits = read("<requestFiltering><hiddenSegments><clear/></hiddenSegments></requestFiltering>")
    assert substatus("/web.config", limits=limits) == ""


def test_without_a_section_the_defaults_hold() -> None:
    assert read("") == RequestFilter()


def test_a_limit_that_is_no_number_is_named() -> None:
    section = '<requestFiltering><requestLimits maxUrl="many"/></requestFiltering>'
    with pytest.raises(ConfigError, match=r"IISWSGI-H39: web\.config, line 1.*maxUrl"):
        read(section)
