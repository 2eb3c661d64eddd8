"""What appcmd.exe reads in the text that it is given, by the rules of its C library."""

from __future__ import annotations

import re

import pytest

from doubles.appcmd import split_as_before_2008
from iiswsgi.iis.appcmdline import additions, hidden, indexer, quoted, removal
from iiswsgi.iis.registration import Registration

VALUES = [
    "plain",
    "",
    "a b",
    "it's",
    "''",
    '"',
    'serve "C:\\My App\\app.ini"',
    'serve "C:\\My App\\" x',
    'two "a b" and "c\\\\"',
    "ends\\",
    'ends\\\\"',
    "Grüße [x] (y) + / - , = % ^ & |",
    "日本語",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("option", ["/+", "/-", "/AppHostConfig:", "-section:", ""])
def test_an_argument_arrives_as_it_was_meant(option, value):
    argument = option + value
    line = f'"C:\\x y\\appcmd.exe" set {quoted(argument)} /commit:apphost'
    assert split_as_before_2008(line) == [
        "C:\\x y\\appcmd.exe",
        "set",
        argument,
        "/commit:apphost",
    ]


def test_the_documented_form_comes_out_letter_by_letter():
    """As in Microsoft's example of an application with its arguments."""
    registration = Registration(
        (("fullPath", r"C:\PHP\php-cgi.exe"), ("arguments", ""), ("maxInstances", "4")),
        (("PHP_FCGI_MAX_REQUESTS", "10000"),),
    )
    lines = [" ".join(map(quoted, command)) for command in additions(registration)]
    assert lines == [
        "set config -section:system.webServer/fastCgi "
        "/+\"[fullPath='C:\\PHP\\php-cgi.exe',arguments='',maxInstances='4']\" /commit:apphost",
        "set config -section:system.webServer/fastCgi "
        "/+\"[fullPath='C:\\PHP\\php-cgi.exe',arguments='']"
        ".environmentVariables.[name='PHP_FCGI_MAX_REQUESTS',value='10000']\" /commit:apphost",
    ]


def test_quotes_are_doubled_and_marks_tripled():
    assert indexer([("a", "it's"), ("b", "")]) == "[a='it''s',b='']"
    assert quoted("/+[a='\"x\"']") == '/+"[a=\'"""x"""\']"'


def test_an_application_is_removed_by_its_key_alone():
    assert removal(("C:\\a.exe", "it's"))[3] == "/-[fullPath='C:\\a.exe',arguments='it''s']"


def test_the_values_of_variables_are_not_shown():
    registration = Registration((("fullPath", "a"),), (("PASSWORD", "it's ']. secret"),))
    shown = [" ".join(hidden(command)) for command in additions(registration)]
    assert not re.search("secret|it's", " ".join(shown))
    assert "[name='PASSWORD',value='…']" in shown[1]


@pytest.mark.parametrize("secret", ["x1y2", '"x1 y2"', "x1'y2", "x1]y2"])
def test_nor_is_what_is_secret_in_the_arguments(secret):
    arguments = f'-m iiswsgi serve "C:\\a b.ini" db_password={secret} threads=3'
    registration = Registration((("fullPath", "a"), ("arguments", arguments)), (("A", "b"),))
    for command in (*additions(registration), removal(registration.key)):
        shown = " ".join(hidden(command))
        assert not re.search("x1|y2", shown)
        assert 'C:\\a b.ini" db_password=***' in shown
