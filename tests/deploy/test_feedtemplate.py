from __future__ import annotations

import pytest

from iiswsgi.deploy.feed import Entry, Feed
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.feedtemplate import write_into
from iiswsgi.errors import DeployError

TEMPLATE = b"""<feed xmlns="http://www.w3.org/2005/Atom">
  <webpiFile version="5.0.0.0"/><title>Ours</title><updated>2000-01-01T00:00:00Z</updated>
  <entry><productId>Old</productId><version>1</version></entry>
  <entry><productId>Other</productId><osList idref="all"/></entry>
  <keywords><keyword id="Python">Snakes</keyword></keywords>
</feed>"""
FEED = Feed(
    title="New",
    id="urn:x",
    updated="2026-11-20T00:00:00Z",
    entries=(Entry("Old", version="2"), Entry("Second")),
    keywords=(("Python", "Python"), ("Wiki", "Wiki")),
)


def test_what_the_template_says_stays_and_entries_are_replaced_or_added():
    written = write_into(TEMPLATE, "t.xml", FEED)
    read = parse_feed(written, "f")
    assert (read.title, read.id, read.updated) == ("Ours", "urn:x", "2026-11-20T00:00:00Z")
    assert [(e.product_id, e.version) for e in read.entries] == [
        ("Other", ""),
        ("Old", "2"),
        ("Second", ""),
    ]
    assert read.keywords == (("Python", "Snakes"), ("Wiki", "Wiki"))
    assert b'<webpiFile version="5.0.0.0"/>' in written
    assert b'<osList idref="all"/>' in written


def test_doing_it_again_changes_nothing():
    once = write_into(TEMPLATE, "t.xml", FEED)
    assert write_into(once, "t.xml", FEED) == once


def test_an_empty_feed_becomes_ours():
    written = write_into(b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "t.xml", FEED)
    assert parse_feed(written, "f") == FEED


@pytest.mark.parametrize(
    "template", [b"<html/>", b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'/>"]
)
def test_what_is_no_feed_is_refused(template):
    with pytest.raises(DeployError) as caught:
        write_into(template, "t.xml", FEED)
    assert caught.value.code == "IISWSGI-D40"
    assert caught.value.sentence.startswith("t.xml")
