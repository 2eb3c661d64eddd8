import codecs
import configparser
import traceback
from types import SimpleNamespace

import pytest
from paste.deploy import loadwsgi

from iiswsgi.runtime.inifault import fault, withhold


def read(text):
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser.get("s", "x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[s]\nx = %s3cret", "x in [s] is not usable; in a value a per cent sign is written %%"),
        (
            "[s]\nx = s3cret %(gone)s",
            "x in [s] refers to %(gone)s, which is not defined; in a value a per cent sign is "
            "written %%",
        ),
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
    for first in (mark.decode("cp1252"), "\ufeff"):
        with pytest.raises(configparser.Error) as caught:
            read(f"{first}[s]\n")
        assert "byte order mark" in fault(caught.value)


def test_other_errors_say_it_themselves():
    assert fault(FileNotFoundError(2, "No such file")) == "[Errno 2] No such file"
    assert fault(configparser.NoSectionError("x")) == "No section: 'x'"


def test_a_value_without_its_quotation_marks_is_not_repeated():
    with pytest.raises(NameError) as caught:
        eval("('mail', s3cret)")  # as logging.config does with a handler's args
    assert "s3cret" in str(caught.value)
    assert fault(caught.value) == (
        "an expression uses a name that is not defined; text needs quotation marks there"
    )


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("bad 's3cr3t'", "s3cr3t", "bad '***' (x in [s])"),
        ("bad 's3'", "f('s3')", "bad '***' (x in [s])"),
        ("bad 'cr3'", "s3cr3t", "bad '***'"),
        ("bad b's3cr3t'", "f(b's3cr3t')", "bad b'***' (x in [s])"),
        ("it can't: s3cr3t, 'x'", "f('s3cr3t')", "it can't: ***, 'x' (x in [s])"),
        (r"no file: 'D:\\\\a\\\\s3.log'", "open('a/s3.log')", "no file: '***' (x in [s])"),
        ("bad s3: %cret", "s3: %cret", "bad *** (x in [s])"),
        ("no file: '/home/root/x'", "root", "no file: '/home/root/x'"),
        ("not a function, but a method", "f('a', 'w')", "not a function, but a method"),
        ("no 'handlers'", "logging.handlers.X", "no 'handlers'"),
        ("'(' was never closed", "(1", "'(' was never closed"),
    ],
)
def test_an_error_from_elsewhere_is_told_without_what_is_a_value(text, value, told):
    assert fault(ValueError(text), [("x in [s]", value)]) == told


def test_an_error_without_a_list_of_lines_has_the_one():
    error = configparser.ParsingError("a.ini")  # as MultilineContinuationError of Python 3.13
    error.lineno = 7
    assert fault(error) == "it cannot be understood in line 7"


def loading(path):
    """The error that PasteDeploy raises, and the traceback that is shown of it."""
    with pytest.raises(configparser.Error) as caught:
        loadwsgi.loadapp(f"config:{path}")
    return caught.value


def shown(error):
    return "".join(traceback.format_exception(error))


USE = "use = egg:iiswsgi#test_app\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[app:main]\n{USE}db.url = x://jo:%s3cret@db\n", "db.url in [app:main] is not usable"),
        (f"[app:main]\n{USE}pw = %(gone)s3cret\n", "pw in [app:main] refers to %(gone)s, which"),
        (f"[DEFAULT]\npw = %s3cret\n[app:main]\n{USE}", "pw in [DEFAULT] is not usable"),
        (f"[app:main]\n{USE}pw s3cret\n", "it cannot be understood in line 3"),
        ("pw = s3cret\n", "line 1 stands before the first [section]"),
    ],
)
def test_an_error_that_is_shown_whole_has_no_value_either(tmp_path, text, told):
    path = tmp_path / "a.ini"
    path.write_text(text, encoding="utf-8")
    error = loading(path)
    assert "s3cret" in shown(error)
    for _ in range(2):
        withhold(error)
        assert "s3cret" not in shown(error)
        said = f"{type(error).__name__}: Error in file {path.as_posix()}: {told}"
        assert said in shown(error).replace("\\", "/")


@pytest.mark.parametrize("how", ["cause", "context", "group"])
def test_nor_have_the_errors_that_it_led_to(how):
    with pytest.raises(configparser.Error) as caught:
        read("[s]\nx = %s3cret")
    error = RuntimeError(f"a.ini is invalid: {caught.value}", 5)
    if how == "cause":
        error.__cause__ = caught.value
    elif how == "context":
        error.__context__ = caught.value
        caught.value.__context__ = error
    else:
        error.exceptions = (caught.value, 1)
    withhold(error)
    assert "s3cret" not in f"{error}{caught.value}"
    assert "a.ini is invalid: Error in file unknown: x in [s] is not usable" in str(error)


def test_other_errors_stay_as_they_are():
    error = KeyError("%s3cret")
    error.exceptions = SimpleNamespace()
    withhold(error)
    assert error.args == ("%s3cret",)
