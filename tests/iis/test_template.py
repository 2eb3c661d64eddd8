from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.iis.template import fill


def test_a_name_is_replaced_whatever_its_case() -> None:
    filled = fill("<a b='%Appl_Physical_Path%\\app.ini'/>", {"APPL_PHYSICAL_PATH": "C:\\Sites"})
    assert filled.text == "<a b='C:\\Sites\\app.ini'/>"
    assert filled.used == {"Appl_Physical_Path": "C:\\Sites"}
    assert filled.unknown == ()


def test_both_notations_side_by_side() -> None:
    filled = fill("%(A)s\\%B%\\%(B)s%%", {"A": "1", "B": "2"})
    assert filled.text == "1\\2\\2%"
    assert filled.used == {"A": "1", "B": "2"}


def test_two_percent_signs_are_one() -> None:
    filled = fill("%%SystemDrive%%\\Python 100%%", {"SystemDrive": "C:"})
    assert filled.text == "%SystemDrive%\\Python 100%"
    assert not filled.used


def test_an_unknown_name_stays_and_is_reported_once() -> None:
    filled = fill("%NOBODY%/%(NOBODY)s", {})
    assert filled.text == "%NOBODY%/%(NOBODY)s"
    assert filled.unknown == ("NOBODY",)


def test_a_value_cannot_leave_its_attribute() -> None:
    value = "a\"b'c<d>&amp;"
    filled = fill('<add value="%X%"/>', {"X": value})
    assert ET.fromstring(filled.text).get("value") == value


def test_comments_are_left_alone() -> None:
    text = "<!-- %X% and %%SystemDrive%% --><a>%X%</a>"
    filled = fill(text, {"X": "--> evil"})
    assert filled.text == "<!-- %X% and %%SystemDrive%% --><a>--&gt; evil</a>"


def test_a_value_is_not_filled_again() -> None:
    assert fill("%A%", {"A": "%B%", "B": "x"}).text == "%B%"


def test_percent_signs_that_enclose_no_name_stay() -> None:
    text = "100% sure, 50 % off"
    assert fill(text, {"sure, 50 ": "x"}).text == text


def test_names_with_brackets_are_names() -> None:
    filled = fill("%ProgramFiles(x86)%\\IIS Express", {"ProgramFiles(x86)": "C:\\P"})
    assert filled.text == "C:\\P\\IIS Express"


def test_a_posix_path_takes_the_backslashes_behind_it_along() -> None:
    template = '"%(A)s\\my dir\\b.ini" %B%\\%(A)s\\x|%(A)s\\y\\'
    filled = fill(template, {"A": "/srv/site", "B": "C:"})
    assert filled.text == '"/srv/site/my dir/b.ini" C:\\/srv/site/x|/srv/site/y/'


def test_a_plain_text_is_filled_as_it_is() -> None:
    filled = fill("<!-- %X% -->", {"X": "a & b"}, xml=False)
    assert filled.text == "<!-- a & b -->"


def test_a_value_that_is_no_text_is_one_sentence() -> None:
    filled = fill("<a>%A% %B% %C%</a>", {"A": "\u00fc\n", "B": "b\udcff", "C": "c"})
    with pytest.raises(ConfigError, match=r"C06: x\.in: the value of the variable B is not UTF-8"):
        filled.encoded("x.in")
    assert fill("%A%", {"A": "\u00fc"}).encoded("x.in") == b"\xc3\xbc"
