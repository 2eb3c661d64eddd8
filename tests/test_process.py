"""Running another program: what it prints, how it ends, and what becomes of one that does not."""

from __future__ import annotations

import logging
import os
import re
import sys

import pytest

from iiswsgi import process
from iiswsgi.errors import InstallError
from iiswsgi.process import run

SECONDS = 120


def python(program, *arguments, **options):
    return run([sys.executable, "-c", program, *arguments], **{"timeout": SECONDS, **options})


def test_what_a_program_prints_on_either_stream_comes_back_and_is_logged(caplog):
    caplog.set_level(logging.INFO, "iiswsgi")
    completed = python(
        "import sys; print('out', flush=True); print('err', file=sys.stderr)",
    )
    assert completed.status == 0
    assert completed.text == "out\nerr"
    assert [record.message for record in caplog.records[1:]] == ["  out", "  err"]
    assert caplog.records[0].message.startswith("running ")


def test_no_secret_of_the_command_line_is_told(caplog):
    caplog.set_level(logging.INFO, "iiswsgi")
    with pytest.raises(InstallError, match="I03") as caught:
        python("import sys; sys.exit(3)", "--password", "x1 y2", "http://jo:x1y2@host")
    assert not re.search("x1|y2", caplog.text + str(caught.value))
    assert "--password *** http://jo:***@host ended" in str(caught.value)


def test_a_program_gets_no_input():
    assert python("import sys; print(repr(sys.stdin.read()))").text == "''"


ARGUMENTS = ["", "a b", 'a"b', "é [x]", "a\\", "50%", "&|<>^", "C:\\My App\\"]


def test_arguments_arrive_as_they_were_given():
    completed = python("import sys; print(ascii(sys.argv[1:]))", *ARGUMENTS)
    assert completed.text == ascii(ARGUMENTS)


def test_a_folder_and_an_environment_of_its_own(tmp_path):
    folder = tmp_path / "ä [b] c"
    folder.mkdir()
    before = os.getcwd()
    completed = python(
        "import os; print(ascii(os.getcwd())); print(os.environ['TEST_COLOUR'])",
        cwd=folder,
        env={**os.environ, "TEST_COLOUR": "blue"},
    )
    assert completed.text.splitlines() == [ascii(os.path.realpath(folder)), "blue"]
    assert os.getcwd() == before
    assert "TEST_COLOUR" not in os.environ


def test_a_status_is_an_error_that_quotes_the_last_line():
    with pytest.raises(InstallError, match=r"I03: .*status 3: no wheel for you") as caught:
        python("import sys; print('first'); print('no wheel for you'); sys.exit(3)")
    assert caught.value.exit_status == 1


def test_a_status_may_be_asked_for():
    assert python("import sys; sys.exit(3)", check=False).status == 3


def test_a_program_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(InstallError, match=r"I01: .*no-such\.exe cannot be started"):
        run([str(tmp_path / "no-such.exe")], timeout=SECONDS)


def test_an_argument_with_a_nul_is_one_sentence():
    with pytest.raises(InstallError, match="I01"):
        python("pass", "a\0b")


def test_a_program_that_does_not_end_is_ended_with_its_children():
    # The grandchild reads from a pipe that nobody closes, and holds the one that we read.
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "child.wait()\n"
    )
    with pytest.raises(InstallError, match=r"I02: .*did not end within 2 seconds"):
        python(program, timeout=2)


def test_output_is_kept_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(process, "MAX_OUTPUT", 1000)
    completed = python("print('x' * 5000 + 'end')")
    assert len(completed.output) == 1000
    assert completed.text.endswith("xxend")


def test_a_line_that_never_ends_is_cut(monkeypatch, caplog):
    monkeypatch.setattr(process, "MAX_LINE", 1000)
    caplog.set_level(logging.INFO, "iiswsgi")
    completed = python("print('x' * 2500)")
    assert completed.text == "x" * 2500
    assert [len(record.message) - 2 for record in caplog.records[1:4]] == [1000, 1000, 500]


def test_bytes_that_are_no_text_do_no_harm():
    completed = python("import sys; sys.stdout.buffer.write(b'a\\xff\\xfeb')")
    assert completed.output == b"a\xff\xfeb"
    assert completed.text[0] + completed.text[-1] == "ab"


def test_secrets_stay_out_of_the_log_when_asked(caplog):
    caplog.set_level(logging.DEBUG, "iiswsgi")
    with pytest.raises(InstallError) as caught:
        python("import sys; print(); sys.exit(1)", "hunter2", level=None, shown="a program")
    assert "hunter2" not in caplog.text + str(caught.value)
    assert "running a program" in caplog.text


if sys.platform == "win32":

    def test_a_folder_that_is_too_long_for_windows_is_one_sentence(tmp_path):
        folder = tmp_path.joinpath(*["a" * 90] * 4)
        folder.mkdir(parents=True)
        with pytest.raises(InstallError, match=r"I04: .*258"):
            python("pass", cwd=folder)

    def test_windows_gets_the_command_line_that_is_given():
        completed = run(
            [sys.executable],
            timeout=SECONDS,
            command_line=f'"{sys.executable}" -c "print(""a b"")"',
        )
        assert completed.text == "a b"

else:

    def test_a_long_folder_is_no_trouble(tmp_path):
        folder = tmp_path.joinpath(*["a" * 90] * 4)
        folder.mkdir(parents=True)
        assert python("import os; print(os.getcwd())", cwd=folder).text == os.path.realpath(folder)
