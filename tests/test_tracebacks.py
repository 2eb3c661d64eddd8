"""Whatever an exception does when it is looked at, it is shown, and so is where it was raised."""

import logging

import pytest

from iiswsgi import tracebacks
from iiswsgi.runtime import inifault, logentry
from tests.fuzz.awkward import AWKWARD


def raised(error):
    try:
        raise error
    except BaseException as caught:  # as each of them may be
        return caught


def test_an_ordinary_one_is_shown_as_python_does():
    shown = tracebacks.as_text(raised(ValueError("why")))
    assert shown.startswith("Traceback (most recent call last):\n  File ")
    assert shown.endswith("    raise error\nValueError: why\n")


@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_one_is_shown_with_its_place(make):
    error = raised(make())
    shown = tracebacks.as_text(error)
    assert "in raised\n" in shown
    assert type(error).__name__ in shown.splitlines()[-1]


@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_one_becomes_an_entry_of_the_log(make):
    info = tracebacks.info(raised(make()))
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "failed", (), info)
    assert "in raised\n" in logentry.of_record(record).details


@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_of_an_awkward_one_values_can_be_withheld(make):
    inifault.withhold(raised(make()))


def test_what_led_to_it():
    first, second = KeyError("first"), ValueError("second")
    assert (tracebacks.cause(second), tracebacks.context(second)) == (None, None)
    second.__context__ = first
    assert (tracebacks.cause(second), tracebacks.context(second)) == (None, first)
    second.__cause__ = first
    assert tracebacks.cause(second) is first
