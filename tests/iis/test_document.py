from __future__ import annotations

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.iis.document import MAX_BYTES, MAX_DEPTH, Element, parse, to_xml


def test_elements_know_their_line():
    root = parse(b"<a>\n <b x='1'>\n  <c/></b>\n <b/></a>", "f")
    assert [(e.tag, e.line, e.attributes) for e in root.find_all("b")] == [
        ("b", 2, {"x": "1"}),
        ("b", 4, {}),
    ]
    assert [e.line for e in root.find_all("b", "c")] == [3]


def test_elements_know_their_text():
    root = parse(b"<a>one <b>two &amp; <![CDATA[<three>]]></b>\n four<!-- no --></a>", "f")
    assert root.text == "one \n four"
    assert root.children[0].text == "two & <three>"


def test_a_tree_is_written_so_that_it_reads_back():
    root = Element("a", {"x": "\"<'&\n\u00e9"}, 1, [Element("b", {}, 2, [], "1 < 2 & \u00fc")])
    root.children.append(Element("c", {}, 3))
    text = to_xml(root)
    assert text.splitlines()[2:] == ["  <b>1 &lt; 2 &amp; \u00fc</b>", "  <c/>", "</a>"]
    again = parse(text.encode(), "f")
    assert again.attributes == root.attributes
    assert [(c.tag, c.text) for c in again.children] == [("b", "1 < 2 & \u00fc"), ("c", "")]


@pytest.mark.parametrize(
    "data",
    [
        "<a b='é'/>".encode(),
        b"\xef\xbb\xbf" + "<a b='é'/>".encode(),
        "<?xml version='1.0' encoding='utf-16'?><a b='é'/>".encode("utf-16"),
        "<?xml version='1.0' encoding='iso-8859-1'?><a b='é'/>".encode("latin-1"),
        "<?xml version='1.0' encoding='windows-1252'?><a b='é'/>".encode("cp1252"),
    ],
)
def test_marks_and_declared_encodings_are_obeyed(data):
    assert parse(data, "f").attributes == {"b": "é"}


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "no element"),
        (b"<a>", "line 1"),
        (b"<a>\n</b>", "line 2"),
        (b"<a/><b/>", "well-formed"),
        (b"<a b='1' b='2'/>", "duplicate attribute"),
        (b"<a>&unknown;</a>", "undefined entity"),
        (b"<a>\xff</a>", "well-formed"),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", "UTF-8"),
        (b"\n<!DOCTYPE a><a/>", "line 2: a DOCTYPE"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE"),
        (b"<a>" * (MAX_DEPTH + 1), "nested"),
        (b" " * (MAX_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_configuration_is_refused(data, part):
    with pytest.raises(ConfigError) as caught:
        parse(data, "web.config")
    assert caught.value.code == "IISWSGI-C01"
    assert caught.value.sentence.startswith("web.config")
    assert part in caught.value.sentence
