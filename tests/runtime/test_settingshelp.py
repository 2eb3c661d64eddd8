"""The settings explained: the page says what the table does."""

from pathlib import Path

from iiswsgi.runtime.settingshelp import describe

PAGE = Path(__file__).parents[2] / "docs" / "settings.rst"


def test_the_page_is_the_table():
    text = PAGE.read_text(encoding="utf-8")
    assert text.endswith(describe()), "docs/settings.rst: paste in describe()"
