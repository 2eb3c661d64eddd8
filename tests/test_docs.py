"""The documentation parses, its links lead somewhere, and every error code is explained."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import docutils.core
import docutils.nodes
import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst")])
ERROR_PAGES = sorted(ROOT.glob("docs/errors/*.rst"))


def parse(path):
    """The page as a tree; anything that docutils has to say about it is an error."""
    settings = {"halt_level": 2, "report_level": 2, "input_encoding": "utf-8"}
    text = path.read_text(encoding="utf-8")
    return docutils.core.publish_doctree(text, str(path), settings_overrides=settings)


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_parses_and_its_links_lead_somewhere(page):
    for reference in parse(page).findall(docutils.nodes.reference):
        target = reference.get("refuri", "").partition("#")[0]
        if target and not re.match("[a-z]+:", target):
            assert (page.parent / target).exists(), f"{name(page)} leads to {target}"


def codes_in_source():
    """Each code that the package can show: ``IISWSGI-X01`` in a text, or "X01" by itself."""
    for path in ROOT.glob("iiswsgi/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"IISWSGI-[A-Z]\d\d\b", node.value)
                if re.fullmatch(r"[A-Z]\d\d", node.value):
                    yield f"IISWSGI-{node.value}"


def entries(page):
    """Each section of a page whose title is a code, with the names of its fields."""
    for section in parse(page).findall(docutils.nodes.section):
        title = section.next_node(docutils.nodes.title).astext()
        if title.startswith("IISWSGI-"):
            fields = [node.astext() for node in section.findall(docutils.nodes.field_name)]
            yield title, fields


def test_every_code_has_one_entry_and_every_entry_a_code():
    explained = Counter(code for page in ERROR_PAGES for code, _ in entries(page))
    assert not {code for code, times in explained.items() if times > 1}
    assert sorted(explained) == sorted(set(codes_in_source()))


@pytest.mark.parametrize("page", ERROR_PAGES, ids=name)
def test_an_entry_says_cause_outcome_and_cure(page):
    wrong = {
        code: fields for code, fields in entries(page) if fields != ["Cause", "Outcome", "Cure"]
    }
    assert not wrong


@pytest.mark.parametrize("page", ERROR_PAGES, ids=name)
def test_the_index_names_every_page(page):
    assert f"errors/{page.name}" in (ROOT / "docs/errors.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.rst")), ids=name)
def test_the_contents_name_every_page(page):
    index = (ROOT / "docs/index.rst").read_text(encoding="utf-8")
    assert page.name == "index.rst" or f"<{page.name}>" in index


def serious_texts():
    """Place and text of each call that logs a warning or worse with a text of its own."""
    for path in sorted(ROOT.glob("iiswsgi/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("warning", "error", "exception", "critical")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id.endswith("log")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield f"{name(path)}:{node.lineno}", node.args[0].value


def test_every_serious_line_has_a_code():
    """Or begins with an error, which has one, or with a line that another process has logged."""
    texts = dict(serious_texts())
    assert len(texts) > 40
    assert not {
        place: text
        for place, text in texts.items()
        if not re.match(r"IISWSGI-(?:[A-Z]\d\d|%s): |%s|    \| %s", text)
    }
