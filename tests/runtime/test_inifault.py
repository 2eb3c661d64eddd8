import codecs
import configparser

import pytest

from iiswsgi.runtime.inifault import fault


def read(text):
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser.get("s", "x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[s]\nx = %s3cret", "x in [s] is not usable; in a value a per cent sign is written %%"),
        ("[s]\nx = s3cret %(gone)s", "x in [s] refers to %(gone)s, which is not defined"),
        ("s3cret = s3cret", "line 1 stands before the first [section]"),
        (
            "\ufeff[s3cret]\n",
            "the file begins with a byte order mark; save it as UTF-8 without BOM",
        ),
        ("\n[s3cret\nx = 1", "line 2 opens a [section] and has no closing bracket"),
        ("[s]\na = 1\ns3cret s3cret\n", "it cannot be understood in line 3"),
    ],
)
def test_a_fault_is_named_without_the_value(text, sentence):
    with pytest.raises(configparser.Error) as caught:
        read(text)
    assert "s3cret" in str(caught.value)
    assert fault(caught.value) == sentence


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_byte_order_mark_may_be_read_as_letters(mark, monkeypatch):
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale=True: "cp1252")
    with pytest.raises(configparser.Error) as caught:
        read(mark.decode("cp1252") + "[s]\n")
    assert "byte order mark" in fault(caught.value)


def test_other_errors_say_it_themselves():
    assert fault(FileNotFoundError(2, "No such file")) == "[Errno 2] No such file"
    assert fault(configparser.NoSectionError("x")) == "No section: 'x'"
