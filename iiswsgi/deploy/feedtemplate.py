"""Puts a feed into one that is there already, which keeps what it says itself.

Works on the elements, not on the values: what our reader does not know is kept as it stands.
"""

from __future__ import annotations

from iiswsgi.deploy.feed import ATOM, Feed
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.feedwriter import to_element
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import Element, parse, to_xml

__all__ = ["write_into"]

_PLACES = {"entry": 1, "tabs": 2, "keywords": 3}
"""What comes after everything else in a feed, as in Microsoft's samples."""


def write_into(template: bytes, name: str, feed: Feed) -> bytes:
    """The template's file with the entries, the keywords and the time of *feed*.

    An entry of the template goes when *feed* has one for the same product. Title, author and the
    like are the template's; *feed* gives what it lacks. Comments are not kept.

    :param name: how messages call the template.
    :raises DeployError: D40, the template is no feed; D41, as in :func:`feedwriter.write`.
    """
    parse_feed(template, name)
    root, new = parse(template, name), to_element(feed)
    if root.tag != "feed":
        raise DeployError("D40", f"{name}: write its elements without a prefix, xmlns={ATOM!r}")
    ours = {_product(entry) for entry in new.find_all("entry")}
    old = [each for each in root.children if each.tag != "entry" or _product(each) not in ours]
    there = {each.tag for each in old} - {"entry"}
    keywords = next(new.find_all("keywords"), Element("keywords", {}, 0))
    for each in old:
        if each.tag == "updated":
            each.text = feed.updated
        elif each.tag == "keywords":
            _add_keywords(each, keywords)
    children = [*old, *(each for each in new.children if each.tag not in there)]
    root.children = sorted(children, key=lambda element: _PLACES.get(element.tag, 0))
    return to_xml(root).encode("utf-8")


def _add_keywords(there: Element, more: Element) -> None:
    known = {each.attributes.get("id") for each in there.children}
    there.children += [each for each in more.children if each.attributes["id"] not in known]


def _product(entry: Element) -> str:
    return next((each.text.strip() for each in entry.find_all("productId")), "")
