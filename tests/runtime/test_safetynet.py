import configparser
import io
import sys
import threading
import warnings

import pytest

from iiswsgi.runtime.safetynet import Guard


class Sink:
    def __init__(self):
        self.records = []
        self.told = []

    def record(self, level, name, text, details=""):
        self.records.append((level, text, details))

    def tell(self, level, name, text, details=""):
        self.told.append((level, text, details))


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def guard(sink, monkeypatch):
    for module, name in [
        (sys, "excepthook"),
        (sys, "exit"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
        (warnings, "showwarning"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))
    leaving = []
    monkeypatch.setattr("atexit.register", leaving.append)
    guard = Guard(sink)
    guard.install()
    guard.leave = lambda: [function() for function in leaving]
    return guard


def uncaught(error):
    try:
        raise error
    except BaseException:
        sys.excepthook(*sys.exc_info())


def test_an_uncaught_exception(guard, sink):
    uncaught(ValueError("x"))
    guard.leave()
    [(level, text, details)] = sink.told
    assert level == "CRITICAL"
    assert text.startswith("IISWSGI-L05: nobody caught ValueError, raised before")
    assert text.endswith("; the process ends.")
    assert details.startswith("Traceback")
    assert details.endswith("ValueError: x\n")
    assert sink.records == []


def test_a_traceback_has_no_value_of_an_ini_file(guard, sink):
    def fail():
        raise configparser.InterpolationSyntaxError("x", "s", "found: '%s3cret'")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    with pytest.raises(configparser.Error) as caught:
        fail()
    uncaught(caught.value)
    for _, _, details in (*sink.told, *sink.records):
        assert "x in [s] is not usable" in details
        assert "s3cret" not in details.replace("'%s3cret'\")", "")  # the line of code


def test_while_serving(guard, sink):
    guard.on_failure = pytest.fail
    guard.begun()
    uncaught(ValueError("x"))
    assert "raised while serving" in sink.told[0][1]


def test_an_interruption_is_no_failure(guard, sink):
    guard.on_failure = pytest.fail
    uncaught(KeyboardInterrupt())
    guard.leave()
    assert [each[:2] for each in sink.told] == [("INFO", "interrupted")]
    assert sink.records == []


def test_somebody_may_serve_the_failure(guard, sink):
    failures = []
    guard.on_failure = failures.append
    error = ImportError("no app")
    uncaught(error)
    uncaught(ValueError("while serving the failure"))
    assert failures == [error]
    first, second = [text for _, text, _ in sink.told]
    assert first.endswith("; requests get a page that says where to look.")
    assert second.endswith("; the process ends.")


def test_a_thread_that_dies(guard, sink):
    def work():
        raise ValueError("x")

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    [(level, text, details)] = sink.records
    assert (level, text) == ("ERROR", "IISWSGI-L06: the thread 'worker' ended with ValueError.")
    assert "in work" in details


def test_a_thread_may_end_itself(guard, sink):
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert sink.records == []


def test_a_thread_that_is_gone(guard, sink):
    args = threading.ExceptHookArgs((ValueError, ValueError("x"), None, None))
    threading.excepthook(args)
    assert "'unknown'" in sink.records[0][1]


def test_what_python_can_only_ignore(guard, sink):
    class Broken:
        def __del__(self):
            raise ValueError("x")

    Broken()
    [(level, text, details)] = sink.records
    assert level == "ERROR"
    assert text.startswith("IISWSGI-L07: Exception ignored ")
    assert "None" not in text
    assert details.endswith("ValueError: x\n")


def test_warnings(guard, sink):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = guard._warned
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    [(level, text, _)] = sink.records
    assert level == "WARNING"
    assert text.startswith("DeprecationWarning: old (")
    file = io.StringIO()
    warnings.showwarning("new", UserWarning, "f.py", 1, file)
    assert "UserWarning: new" in file.getvalue()
    assert len(sink.records) == 1


def test_leaving_without_a_reason(guard, sink):
    guard.leave()
    assert sink.records[0][1].startswith("IISWSGI-L08: ")


def test_leaving_by_sys_exit_shows_who_called_it(guard, sink):
    def module():
        sys.exit("no such option")

    with pytest.raises(SystemExit) as raised:
        module()
    assert raised.value.code == "no such option"
    guard.leave()
    [(_, text, details)] = sink.records
    assert text.startswith("IISWSGI-L08: ")
    assert details.startswith("Traceback")
    assert ", in module\n" in details
    assert details.endswith("SystemExit: no such option")


def test_sys_exit_is_its_own_again_once_serving_begins(guard):
    during = sys.exit
    guard.begun()
    assert sys.exit is not during
    with pytest.raises(SystemExit) as raised:
        during(3)  # somebody may have kept it
    assert raised.value.code == 3


def test_leaving_after_serving(guard, sink):
    guard.begun()
    guard.leave()
    assert sink.records == []


def test_whoever_serves_the_failure_may_choose_the_status(programs):
    program = """
        l = log.start()
        l.guard.on_failure = lambda error: sys.exit(5)
        raise ImportError("no app")
    """
    result = programs.run(program)
    assert result.returncode == 5
    assert programs.log.count("IISWSGI-L") == 1


def test_the_failure_of_that_is_logged_too(programs):
    program = """
        l = log.start()
        l.guard.on_failure = lambda error: 1 / 0
        raise ImportError("no app")
    """
    assert programs.run(program).returncode == 1
    assert "ImportError: no app" in programs.log
    assert "ZeroDivisionError" in programs.log
