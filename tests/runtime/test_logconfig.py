import textwrap

import pytest

from iiswsgi.errors import SettingError
from iiswsgi.runtime import logconfig

INI = """
    [loggers]
    keys = root, sql

    [handlers]
    keys = console

    [formatters]
    keys = generic

    [logger_root]
    level = WARNING
    handlers = console

    [logger_sql]
    level = DEBUG
    handlers =
    qualname = sql

    [handler_console]
    class = StreamHandler
    args = (sys.stderr,)
    formatter = generic

    [formatter_generic]
    format = CAF\u00c9 %(levelname)s %(name)s %(message)s
"""

OURS_TWICE = """
    ours = logging.getLogger("iiswsgi.x")
    ours.info("our info")
    ours.warning("our warning")
    logging.getLogger("app").info("app info")
    logging.getLogger("app").warning("app warning")
    logging.getLogger("sql").debug("select")
"""


def dedent(*texts):
    return "".join(textwrap.dedent(text) for text in texts)


@pytest.fixture
def ini(tmp_path):
    path = tmp_path / "app.ini"
    path.write_text(textwrap.dedent(INI), encoding="utf-8")
    return path


def lines(programs, word):
    return [line for line in programs.log.splitlines() if word in line]


def test_loggers_of_the_ini_file(programs, ini):
    program = f"""
        from iiswsgi.runtime import logconfig
        l = log.start()
        assert logconfig.configure_from_ini({str(ini)!r}, {{"percent": "100%"}})
        logconfig.set_level(None, None)
        l.begun()
    """
    assert programs.run(dedent(program, OURS_TWICE)).returncode == 0
    assert lines(programs, "app warning")[0].endswith(
        "INFO stderr: CAF\u00c9 WARNING app app warning"
    )
    assert len(lines(programs, "select")) == 1
    assert lines(programs, "app info") == []
    # The level is the INI file's; the record is not there a second time by way of STDERR.
    assert lines(programs, "our info") == []
    assert len(lines(programs, "our warning")) == 1


def test_handlers_that_paste_made_before_us_without_stderr(programs, ini):
    program = f"""
        import logging.config
        old = sys.stderr
        sys.stdout = sys.stderr = None
        logging.config.fileConfig({str(ini)!r}, encoding="utf-8")
        out = logging.StreamHandler(old)
        logging.getLogger("other").addHandler(out)
        l = log.start()
        l.begun()
        assert out.stream is old
    """
    assert programs.run(dedent(program, OURS_TWICE)).returncode == 0
    assert len(lines(programs, "app warning")) == 1
    assert len(lines(programs, "our warning")) == 1
    assert lines(programs, "our info") == []
    assert "Traceback" not in programs.log


def test_handlers_of_the_streams_that_we_replaced(programs):
    program = """
        out, err = logging.StreamHandler(sys.stdout), logging.StreamHandler()
        file = logging.FileHandler(os.devnull)
        logging.getLogger("a").addHandler(out)
        logging.getLogger("b").addHandler(err)
        logging.getLogger("c").addHandler(file)
        logging.getLogger("c.d.e")  # the manager has a placeholder for c.d
        l = log.start()
        l.repair()
        assert (out.stream, err.stream) == (l.stdout, l.stderr)
        assert file.stream is not l.stderr
        l.repair()
        assert len(out.filters) == 1
    """
    result = programs.run(program)
    assert result.returncode == 0, result.stderr


def test_our_handler_comes_back_before_serving(programs):
    program = """
        l = log.start()
        logging.getLogger("iiswsgi").handlers.clear()
        l.begun()
        logging.getLogger("iiswsgi.of.an.extension").error("found")
    """
    assert programs.run(program).returncode == 0
    assert len(lines(programs, "found")) == 1


@pytest.mark.parametrize(
    ("setting", "verbosity", "shown"),
    [
        (None, None, ["info", "warning", "error"]),
        (None, 0, ["info", "warning", "error"]),
        (None, 3, ["debug", "info", "warning", "error"]),
        (None, -1, ["warning", "error"]),
        (None, -5, ["error"]),
        (30, 1, ["warning", "error"]),
    ],
)
def test_the_setting_wins_then_the_command_line(programs, setting, verbosity, shown):
    program = f"""
        from iiswsgi.runtime import logconfig
        l = log.start()
        logconfig.set_level({setting}, {verbosity})
        l.begun()
        for name in ("iiswsgi.x", "app"):
            for level in ("debug", "info", "warning", "error"):
                getattr(logging.getLogger(name), level)("level %s", level)
    """
    assert programs.run(program).returncode == 0
    for name in ("iiswsgi.x", "app"):
        found = [line.rsplit(" ", 1)[1] for line in lines(programs, f" {name}: level ")]
        assert found == shown


def test_the_setting_wins_over_the_ini_file(programs, ini):
    program = f"""
        from iiswsgi.runtime import logconfig
        l = log.start()
        logconfig.configure_from_ini({str(ini)!r}, {{}})
        logconfig.set_level(logging.INFO, None)
        l.begun()
    """
    programs.run(dedent(program, OURS_TWICE))
    assert len(lines(programs, "our info")) == 1
    assert lines(programs, "app info") == []


def test_a_root_level_of_the_application_is_left_alone(programs):
    program = """
        l = log.start()
        logging.getLogger().setLevel(logging.ERROR)
        l.begun()
    """
    programs.run(dedent(program, OURS_TWICE))
    assert len(lines(programs, "our info")) == 1
    assert lines(programs, "app warning") == []


def test_an_ini_file_without_loggers(tmp_path):
    path = tmp_path / "app.ini"
    path.write_text("[app:main]\nx = %(here)s\n", encoding="utf-8")
    assert logconfig.configure_from_ini(str(path), {}) is False


@pytest.mark.parametrize(
    "text",
    ["[loggers]\nkeys = root\n", "no section", "[loggers]\nkeys = \xff".encode("latin-1"), None],
)
def test_loggers_that_cannot_be_used_name_the_file(tmp_path, text):
    path = tmp_path / "app.ini"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingError, match="IISWSGI-S09: ") as caught:
        logconfig.configure_from_ini(str(path), {})
    assert str(path) in str(caught.value)


MAIL = """
    [loggers]
    keys = root

    [handlers]
    keys = mail

    [formatters]
    keys = short

    [logger_root]
    handlers = mail

    [handler_mail]
    class = StreamHandler
    args = (sys.stderr,)

    [formatter_short]
    format = %(levelname)s %(message)s
"""

NO_FILE = "[Errno 2] No such file or directory"
ARGS, LEVEL = "args = (sys.stderr,)", "args = (sys.stderr,)\nlevel = "


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (ARGS, f"{LEVEL}s3cr3t", "ValueError: Unknown level: '***' (level in [handler_mail])"),
        (
            ARGS,
            f"{LEVEL}%(password)s",
            "ValueError: Unknown level: '***' (level in [handler_mail])",
        ),
        (
            ARGS,
            "args = (int('s3cr3t'),)",
            "ValueError: invalid literal for int() with base 10: '***' (args in [handler_mail])",
        ),
        (
            ARGS,
            r"args = (int('it\'s s3cr3t'),)",
            'ValueError: invalid literal for int() with base 10: "***" (args in [handler_mail])',
        ),
        (
            "StreamHandler\nargs = (sys.stderr,)",
            "FileHandler\nargs = ('no/such/s3cr3t.log', 'w')",
            f"FileNotFoundError: {NO_FILE}: '***' (args in [handler_mail])",
        ),
        (
            "StreamHandler\nargs = (sys.stderr,)",
            "FileHandler\nargs = (r'%(here)s/a.log', 'a', 's3cr3t')",
            "LookupError: unknown encoding: *** (args in [handler_mail])",
        ),
        (
            "%(levelname)s %(message)s",
            "%(s3cr3t",
            "ValueError: Invalid format '***' for '%' style (format in [formatter_short])",
        ),
        ("class = StreamHandler\n", "", "KeyError: 'class'"),
        ("keys = root", "keys = root, s3", "KeyError: 'logger_s3'"),
        ("handlers = mail", "handlers = s3cr3t", "KeyError: '***' (handlers in [logger_root])"),
    ],
)
def test_loggers_that_cannot_be_used_are_told_of_without_their_values(
    programs, tmp_path, before, after, told
):
    path = tmp_path / "app.ini"
    text = textwrap.dedent(MAIL)
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    # The handlers of this process are none of its business.
    program = f"""
        from iiswsgi.errors import SettingError
        from iiswsgi.runtime import logconfig
        try:
            logconfig.configure_from_ini({str(path)!r}, {{"password": "s3cr3t"}})
        except SettingError as error:
            print(error)
    """
    result = programs.run(program, text=True)
    assert f"cannot be used: {told}. Correct" in result.stdout


def test_variables_that_differ_in_case_alone_are_no_fault(tmp_path):
    path = tmp_path / "app.ini"
    path.write_text("[app:main]\n", encoding="utf-8")
    assert logconfig.configure_from_ini(str(path), {"a": "1", "A": "2"}) is False
