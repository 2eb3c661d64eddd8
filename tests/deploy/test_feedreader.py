from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from iiswsgi.deploy.feed import Command, Rule
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.feedwriter import write
from iiswsgi.errors import DeployError

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no {SAMPLES}: put the design's samples beside the checkout"
)


def sample(name):
    return parse_feed((SAMPLES / name).read_bytes(), name)


def feed(inside):
    return parse_feed(f"<feed xmlns='http://www.w3.org/2005/Atom'>{inside}</feed>".encode(), "f")


@needs_samples
def test_microsofts_sample_of_a_custom_feed():
    read = sample("webpi-ms-custom-apps-feed.xml")
    assert read.id == read.link == "http://www.contoso.com/SampleApplicationsFeed.xml"
    assert (read.author, read.version) == ("Sample Application Builder", "1.0.0")
    assert read.keywords == (("ASPNETApps", "ASP.NET Apps"), ("PHPApps", "PHP Apps"))
    assert [tab.name for tab in read.tabs] == ["Sample Applications"]
    assert read.tabs[0].keywords == ("ASPNETApps", "PHPApps")
    first, second = read.entries
    assert first.product_id == "Sample_ASPNET_SQL_App"
    assert first.is_application
    assert first.keywords == ("ASPNETApps", "SQL")
    assert first.related == ("SQLExpress",)
    assert list(first.dependency.products()) == ["SMO", "WDeployNoSMO", "UrlRewrite2"]
    installer = first.installers[0]
    assert (installer.size, installer.start_page) == (1024, "Setup.aspx")
    assert installer.url == "http://www.contoso.com/SampleASPNETApplication.zip"
    assert installer.sha1 == "1223334444555556666667777777888888889999"
    assert installer.languages == ("en", "ko", "es", "zh-tw", "zh-cn")
    assert second.installers[0].start_page == ""


@needs_samples
def test_microsofts_smallest_feed():
    (entry,) = sample("webpi-vacationpics-feed.xml").entries
    assert (entry.product_id, entry.version) == ("VactionPicApp", "")
    assert entry.is_application
    assert entry.installers[0].url.startswith("file://C:/Path/")


@needs_samples
def test_a_feed_of_products():
    read = sample("webpi-kudu-product-feed.xml")
    entries = {entry.product_id: entry for entry in read.entries}
    assert len(entries) == len(read.entries) == 8
    git = entries["msysgit_1_9_5"]
    assert (git.title, git.version) == ("Git for Windows (x86)", "1.9.5")
    assert not git.is_application
    assert git.discovery.kind == "or"
    assert [part.kind for part in git.discovery.parts] == ["registry", "registry"]
    assert git.discovery.parts[0].values[1:3] == (
        ("valueName", "MajorVersion"),
        ("valueValue", "1"),
    )
    assert git.installers[0].commands[0].program == "%InstallerFile%"
    assert entries["Hg_3_2_4"].installers[0].commands[0].kind == "msiInstall"
    assert entries["KuduDevSetup"].installers[0].commands == (
        Command("cmdLine", "%windir%\\system32\\cmd.exe", "/C echo noop"),
    )
    assert len(list(entries["KuduDevSetup"].dependency.products())) == 17


@needs_samples
@pytest.mark.parametrize(
    "name",
    [
        "webpi-ms-custom-apps-feed.xml",
        "webpi-vacationpics-feed.xml",
        "webpi-kudu-product-feed.xml",
    ],
)
def test_what_was_read_is_written_so_that_it_reads_the_same(name):
    read = sample(name)
    assert parse_feed(write(read), name) == read


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ("<dependency/>", None),
        ("<dependency idref='X'/>", Rule("idref", (("", "X"),))),
        ("<dependency><productId>X</productId></dependency>", Rule("productId", (("", "X"),))),
        (
            "<dependency><productId>X</productId><productId>Y</productId></dependency>",
            Rule("and", (), (Rule("productId", (("", "X"),)), Rule("productId", (("", "Y"),)))),
        ),
        (
            "<dependency><or><dependency idref='X'/><dependency/></or></dependency>",
            Rule("or", (), (Rule("idref", (("", "X"),)),)),
        ),
    ],
)
def test_dependencies_are_read_in_every_form(inside, rule):
    (entry,) = feed(f"<entry><productId>P</productId>{inside}</entry>").entries
    assert entry.dependency == rule


def test_a_prefix_for_the_namespace_is_read_too():
    data = b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>T</a:title></a:feed>"
    assert parse_feed(data, "f").title == "T"


INSTALLER = "<entry><productId>P</productId><installers><installer><installerFile>{}"
CLOSED = "</installerFile></installer></installers></entry>"


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ("", "no element"),
        ("<feed>", "line 1"),
        ("<!DOCTYPE feed [<!ENTITY a 'b'>]><feed>&a;</feed>", "DOCTYPE"),
        ("<rss/>", "outermost element is <feed>"),
        ("<feed>\n<entry/></feed>", "line 2, <entry>: an entry needs a <productId>"),
        (f"<feed>{INSTALLER.format('<fileSize>9 KB</fileSize>')}{CLOSED}</feed>", "kilobytes"),
        (f"<feed>{INSTALLER.format('<fileSize>-1</fileSize>')}{CLOSED}</feed>", "kilobytes"),
        (f"<feed>{INSTALLER.format(f'<fileSize>{9**40}</fileSize>')}{CLOSED}</feed>", "kilobytes"),
        (f"<feed>{INSTALLER.format('<sha1>0123</sha1>')}{CLOSED}</feed>", "has 40 digits"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(data, part):
    with pytest.raises(DeployError) as caught:
        parse_feed(data.encode(), "x.webpi.xml")
    assert caught.value.code == "IISWSGI-D40"
    assert "x.webpi.xml" in caught.value.sentence
    assert part in caught.value.sentence


@needs_samples
@pytest.mark.parametrize("name", ["webpi-vacationpics-feed.xml", "webpi-kudu-product-feed.xml"])
def test_a_feed_that_is_cut_or_garbled_is_refused_in_words(name):
    data = (SAMPLES / name).read_bytes()
    for place in range(0, len(data) - 8, len(data) // 200):
        garbled = data[:place] + bytes((data[place] ^ 0x15,)) + data[place + 1 :]
        for damaged in (data[:place], garbled):
            with contextlib.suppress(DeployError):
                parse_feed(damaged, name)
