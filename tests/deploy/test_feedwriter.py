from __future__ import annotations

import pytest

from iiswsgi.deploy.feed import Command, Entry, Feed, Installer, Rule, Tab
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.feedwriter import to_element, write
from iiswsgi.errors import DeployError

APPLICATION = Entry(
    product_id="Sample",
    title='Ein "Beispiel" für <IIS> & mehr',
    version="1.0",
    id="https://example.com/sample",
    summary="Short.",
    long_summary="One line.\n\n- another\n- ]]> and \U0001f40d",
    updated="2026-11-20T12:00:00Z",
    published="2026-11-01",
    link="https://example.com/?a=1&b='2'",
    author="Ångström",
    author_url="https://example.com/me",
    icon="https://example.com/i.png",
    screenshots=("https://example.com/1.png", "https://example.com/2.png"),
    keywords=("Python", "wiki"),
    related=("Matrix",),
    dependency=Rule("and", (), (Rule("productId", (("", "A"),)), Rule("productId", (("", "B"),)))),
    discovery=Rule("file", (("filePath", "%windir%\\x"), ("minimumVersion", "1.0"))),
    installers=(
        Installer(
            url="https://example.com/s.zip",
            size=1,
            sha1="ab" * 20,
            display_url="https://example.com/s",
            license_url="https://example.com/l",
            help_url="https://example.com/h",
            languages=("en", "de"),
            commands=(Command("cmdLine", "cmd.exe", "/C echo 1 & echo 2"),),
            start_page="setup.aspx",
        ),
    ),
)
FEED = Feed(
    title="Feed",
    id="https://example.com/feed",
    link="https://example.com/feed",
    version="1",
    updated="2026-11-20T12:00:00Z",
    author="A",
    author_url="https://example.com/a",
    entries=(APPLICATION, Entry("Plain", installers=(Installer(start_page=None),))),
    tabs=(Tab("t", "Tab", "Choose", ("Python",)),),
    keywords=(("Python", "Python <3"),),
)


def test_every_value_is_read_back():
    assert parse_feed(write(FEED), "f") == FEED


def test_an_application_has_what_microsofts_sample_reads():
    """The elements of "testing-a-web-application-zip-package", in Atom's namespace."""
    root = to_element(FEED)
    assert root.attributes == {"xmlns": "http://www.w3.org/2005/Atom"}
    entry = next(root.find_all("entry"))
    assert entry.attributes == {"type": "application"}
    for path in (
        ["productId"],
        ["title"],
        ["summary"],
        ["version"],
        ["installers", "installer", "installerFile", "installerURL"],
        ["installers", "installer", "installerFile", "fileSize"],
        ["installers", "installer", "installerFile", "sha1"],
        ["installers", "installer", "msDeploy"],
    ):
        assert len(list(entry.find_all(*path))) == 1, path


def test_what_is_no_application_is_not_marked_as_one():
    plain = list(to_element(FEED).find_all("entry"))[1]
    assert plain.attributes == {}
    assert not list(plain.find_all("installers", "installer", "msDeploy"))


def test_the_same_feed_is_the_same_bytes():
    assert write(FEED) == write(FEED)
    assert write(FEED).startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns=')


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\ud800", "\ufffe", "\uffff"])
@pytest.mark.parametrize("field", ["title", "link"])
def test_what_xml_cannot_hold_is_refused(character, field):
    with pytest.raises(DeployError) as caught:
        write(Feed(**{field: f"a{character}b"}))
    assert caught.value.code == "IISWSGI-D41"
    assert f"<{field}>" in caught.value.sentence
    assert f"U+{ord(character):04X}" in caught.value.sentence
