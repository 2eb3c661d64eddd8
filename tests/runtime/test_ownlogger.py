"""What our loggers say is in the log once, whatever the application does while it serves."""

import sys
import textwrap

import pytest

BEGUN = """
    import logging.config
    logger = logging.getLogger("iiswsgi.x")
    l = log.start()
    l.begun()
"""

SAID = """
    logger.info("our info")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("our failure")
    logging.getLogger("iiswsgi").error("at the top")
    logging.getLogger("app").error("of the application")
"""


@pytest.fixture
def log_of(programs):
    """Run parts of a program after serving has begun; the log's lines."""

    def run(*parts):
        program = "".join(map(textwrap.dedent, (BEGUN, *parts)))
        result = programs.run(program)
        assert result.returncode == 0, programs.log
        return programs.log.splitlines()

    return run


def ends(lines, text):
    return [line for line in lines if line.endswith(text)]


def check_ours(lines):
    assert len(ends(lines, " INFO iiswsgi.x: our info")) == 1
    assert len(ends(lines, " ERROR iiswsgi.x: our failure")) == 1
    assert len(ends(lines, " ERROR iiswsgi: at the top")) == 1
    for text in ("our info", "our failure", "at the top", "ZeroDivisionError: division by zero"):
        assert len(ends(lines, text)) == 1
    assert "    Traceback (most recent call last):" in lines


CONSOLE = """
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"c": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["c"], "level": "INFO"},
    })
"""

FILE = """
    with open("logging.ini", "w") as file:
        file.write(
            "[loggers]\\nkeys=root\\n[handlers]\\nkeys=c\\n[formatters]\\nkeys=\\n"
            "[logger_root]\\nhandlers=c\\n[handler_c]\\nclass=StreamHandler\\nargs=()\\n"
        )
    logging.config.fileConfig("logging.ini")
"""


@pytest.mark.parametrize(
    "configured",
    [
        'logging.config.dictConfig({"version": 1})\n',
        'logging.config.dictConfig({"version": 1, "loggers": {"iiswsgi": {}}})\n',
        "logger.disabled = True\n",
        "logging.basicConfig(level='INFO', force=True)\n",
        CONSOLE,
        FILE,
    ],
    ids=["disabled", "named", "by hand", "basicConfig", "console", "file"],
)
def test_whatever_is_configured_while_serving(configured, log_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = log_of(configured, SAID)
    check_ours(lines)
    assert len(ends(lines, "of the application")) == 1


def test_a_console_handler_on_a_stream_of_the_application_s_own(log_of):
    detached = """
        import io
        sys.stderr = io.TextIOWrapper(sys.stderr.detach(), encoding="utf-8", line_buffering=True)
    """
    lines = log_of(detached, CONSOLE, SAID)
    check_ours(lines)
    assert len(ends(lines, " INFO stderr: of the application")) == 1


def test_whatever_handlers_are_taken_away(log_of):
    removed = """
        for each in (logging.getLogger(), logging.getLogger("iiswsgi")):
            each.handlers.clear()
    """
    check_ours(log_of(removed, SAID))


def test_logging_that_is_switched_off_is_so_for_the_handlers_of_the_application(log_of):
    program = """
        class Other(logging.Handler):
            def emit(self, record):
                l.record("INFO", "other", record.getMessage())

        logging.getLogger().addHandler(Other())
        logging.disable(logging.INFO)
    """
    lines = log_of(program, SAID)
    check_ours([line for line in lines if " other: " not in line])
    assert ends(lines, " other: our failure")
    assert not ends(lines, " other: our info")


def test_levels_filters_and_propagation_are_heeded(log_of):
    program = """
        logging.getLogger("iiswsgi").setLevel("WARNING")
        logger.info("too low")
        logger.addFilter(lambda record: "filtered" not in record.getMessage())
        logger.error("filtered")
        logger.propagate = False
        logger.error("kept to itself")
        logger.propagate = True
        logger.error("found")
    """
    lines = log_of(program)
    assert len(ends(lines, "ERROR iiswsgi.x: found")) == 1
    for text in ("too low", "filtered", "kept to itself"):
        assert not ends(lines, text)


def test_nobody_waits_for_what_takes_long_to_say_what_it_is(log_of):
    program = """
        import threading, time

        class Slow(Exception):
            def __str__(self):
                entered.release()
                time.sleep(60)

        entered = threading.Semaphore(0)
        for name in ("iiswsgi.x", "app"):
            say = logging.getLogger(name).error
            slow = {"args": ("slow",), "kwargs": {"exc_info": Slow()}, "daemon": True}
            threading.Thread(target=say, **slow).start()
            entered.acquire()
        for name in ("iiswsgi.x", "app"):
            logging.getLogger(name).error("quick", exc_info=ValueError())
        os._exit(0)
    """
    lines = log_of(program)
    assert len(ends(lines, "ERROR iiswsgi.x: quick")) == 1
    assert len(ends(lines, "ERROR app: quick")) == 1
    assert not ends(lines, "slow")


WATCHED = {
    "handler": """
        class Other(logging.Handler):
            def emit(self, record):
                seen.append(record)

        logging.getLogger().addHandler(Other())
    """,
    "callHandlers": """
        base = logging.Logger.callHandlers
        logging.Logger.callHandlers = lambda self, record: (seen.append(record), base(self, record))
    """,
    "handle": """
        base = logging.Logger.handle
        logging.Logger.handle = lambda self, record: (seen.append(record), base(self, record))
    """,
    "filter of the log": """
        logging.getLogger("iiswsgi").handlers[0].addFilter(lambda record: [seen.append(record)])
    """,
}
"""Ways to see what is said; a record is made then, and else is not."""


@pytest.mark.parametrize("watched", ["", *WATCHED.values()], ids=["nobody", *WATCHED])
def test_what_is_said_reads_the_same_whoever_hears_it(watched, log_of):
    program = """
        logger.info("plain, 100%")
        logger.info("%s of %d: %.1f ms", "one", 2, 0.25, extra={"iiswsgi_request": 42})
        logger.log(35, "a level of its own")
        logger.info("%s", {"one": 1})
        logger.info("%(one)s by name", {"one": 1})
        logger.info(ValueError("no text"))
        logger.info("does not fit: %d", "x")
        logger.error("with a stack", stack_info=True)
        l.record("INFO", "n", f"seen {len(set(map(id, seen)))}")
    """
    lines = log_of("seen = []\n", watched, program)
    for said in (
        "- INFO iiswsgi.x: plain, 100%",
        "42 INFO iiswsgi.x: one of 2: 0.2 ms",
        "- Level 35 iiswsgi.x: a level of its own",
        "- INFO iiswsgi.x: {'one': 1}",
        "- INFO iiswsgi.x: 1 by name",
        "- INFO iiswsgi.x: no text",
        "- ERROR iiswsgi.x: with a stack",
    ):
        assert len(ends(lines, said)) == 1, lines
    assert any("Message: 'does not fit: %d'" in line for line in lines)
    assert len(ends(lines, "    Stack (most recent call last):")) == 1
    assert ends(lines, "seen 8" if watched else "seen 0")


def test_who_has_replaced_a_step_before_we_came_sees_what_is_said(programs):
    program = """
        import logging
        seen = []
        base = logging.Logger.callHandlers
        logging.Logger.callHandlers = lambda self, record: (seen.append(record), base(self, record))
        import sys
        for name in [name for name in sys.modules if name.startswith("iiswsgi")]:
            del sys.modules[name]
        from iiswsgi.runtime import log
        log.start()
        logging.getLogger("iiswsgi.x").info("said")
        assert seen[-1].getMessage() == "said"
    """
    result = programs.run(textwrap.dedent(program))
    assert result.returncode == 0, programs.log
    assert len(ends(programs.log.splitlines(), "INFO iiswsgi.x: said")) == 1


def test_handlers_are_told_where_it_was_said(log_of):
    program = """
        class Other(logging.Handler):
            def emit(self, record):
                l.record("INFO", "other", f"{record.filename} {record.funcName} {record.lineno}")

        logging.getLogger().addHandler(Other())

        def speak():
            logger.info("said"); here = sys._getframe().f_lineno
            logger.info("of the caller", stacklevel=2)
            logger.log(10, "too low")
            l.record("INFO", "line", str(here))
        speak(); here = sys._getframe().f_lineno
        l.record("INFO", "line", str(here))
    """
    lines = log_of(program)
    where = [line.partition(" line: ")[2] for line in lines if " INFO line: " in line]
    said = [line.partition(" other: ")[2] for line in lines if " other: " in line]
    assert said == [f"program.py speak {where[0]}", f"program.py <module> {where[1]}"]


def test_what_an_application_makes_of_records_is_what_is_written(log_of):
    program = """
        class Masked(logging.LogRecord):
            def getMessage(self):
                return super().getMessage().replace("secret", "***")

        logging.setLogRecordFactory(Masked)
        logger.info("a %s", "secret")
    """
    lines = log_of(program)
    assert ends(lines, "INFO iiswsgi.x: a ***")
    assert not ends(lines, "secret")


FAILING_HANDLER = """
    class Failing(logging.Handler):
        def emit(self, record):
            raise OSError("log server is down")
"""


@pytest.mark.parametrize(
    "failing",
    [
        FAILING_HANDLER + "    logging.getLogger().addHandler(Failing())\n",
        FAILING_HANDLER + "    logger.addHandler(Failing())\n",
        "logger.addFilter(lambda record: no_such_name)\n",
        "logging.setLogRecordFactory(lambda *args: no_such_name)\n",
    ],
    ids=["root handler", "our handler", "filter", "factory"],
)
def test_what_raises_is_no_failure_of_ours(failing, log_of):
    program = """
        for number in range(3):
            logger.error("said %d", number, extra={"iiswsgi_request": 42})
        logger.handle(logging.LogRecord("iiswsgi.x", 40, __file__, 1, "handled", (), None))
    """
    lines = log_of(failing, program)
    for text in ("said 0", "said 1", "said 2"):
        assert len(ends(lines, f" 42 ERROR iiswsgi.x: {text}")) == 1
    assert len(ends(lines, "handled")) == 1
    (told,) = [line for line in lines if "IISWSGI-L11" in line]
    assert " ERROR iiswsgi.runtime.log: IISWSGI-L11: " in told
    assert any("log server is down" in line or "no_such_name" in line for line in lines)


def test_the_log_comes_before_the_handlers_of_the_application(log_of):
    program = """
        class Ending(logging.Handler):
            def emit(self, record):
                os._exit(0)

        logging.config.dictConfig({"version": 1, "loggers": {"iiswsgi": {}}})
        logging.getLogger().addHandler(Ending())
        logger.error("the last word")
    """
    assert len(ends(log_of(program), "ERROR iiswsgi.x: the last word")) == 1


HANGING = """
    import threading, time
    from iiswsgi.runtime import haste
    from iiswsgi.runtime.shutdown import Shutdown

    class Hanging(logging.Handler):
        def emit(self, record):
            if record.getMessage() == "hang":
                time.sleep(60)
            l.record("INFO", "other", record.getMessage())

        def close(self):
            pass

    log.CLOSING_SECONDS = 1
    logging.getLogger().addHandler(Hanging())
    threading.Thread(target=logger.error, args=("hang",), daemon=True).start()
    time.sleep(0.2)
"""


@pytest.mark.parametrize(
    "begin",
    [
        "block = haste.impatient(); block.__enter__()",
        'Shutdown().request("a test")',
        "with Shutdown().signals(): pass",
    ],
    ids=["watchdog", "shutdown", "end"],
)
def test_who_is_in_a_hurry_waits_for_no_handler_that_hangs(begin, programs):
    said = f"""
    {begin}
    begun = time.monotonic()
    for number in range(5):
        logger.error("said %d", number)
    l.record("INFO", "n", f"waited {{time.monotonic() - begun:.0f}}")
    """
    programs.run(BEGUN + HANGING + said, timeout=20)
    lines = programs.log.splitlines()
    for number in range(5):
        assert len(ends(lines, f"ERROR iiswsgi.x: said {number}")) == 1
    assert ends(lines, "waited 1")


def test_who_is_in_a_hurry_has_its_records_handed_out_all_the_same(log_of):
    program = """
        with haste.impatient():
            logger.error("said")
        class Failing(logging.Handler):
            def emit(self, record):
                raise OSError("log server is down")
        time.sleep(0.1)
        logging.getLogger().handlers[:] = [Failing()]
        haste.hurry()
        logger.error("more")
    """
    unhanging = HANGING.replace('args=("hang",)', 'args=("does not hang",)')
    lines = log_of(unhanging, program)
    assert len(ends(lines, "INFO other: said")) == 1
    assert len(ends(lines, "ERROR iiswsgi.x: more")) == 1
    assert any("IISWSGI-L11" in line for line in lines)


if sys.platform != "win32":  # there the sites in tests/functional have a listening STDIN

    def test_no_logger_of_ours_is_a_usual_one_when_requests_come(programs):
        answer = programs.ask_served(
            """
            for name, each in logging.Logger.manager.loggerDict.items():
                if name.startswith("iiswsgi") and type(each) is logging.Logger:
                    print("a usual one:", name)
            start_response("200 OK", [])
            return [b"looked"]
            """,
            access_log="true",
        )
        assert b"looked" in answer
        assert "a usual one" not in programs.log
        assert "iiswsgi.access: GET / 200" in programs.log
