"""The gateway as a whole process behind the stand-in: a named pipe on Windows, else a socket."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
import threading
import time

import pytest

from fixtureapps.app import CHUNK
from functional.sites import ON_WINE, make_site, serving, wait_until
from iiswsgi.host.failure import WorkerFailure
from iiswsgi.host.modes import Modes, Wire
from iiswsgi.host.pages import Report

MEGABYTE = bytes(range(256)) * 4096

BY_PASTER = '-c "from paste.script.command import run; run()" serve -s egg:iiswsgi#iis "{ini}"'


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """One site for the tests that leave it as they found it."""
    with serving(make_site(tmp_path_factory.mktemp("site"))) as client:
        yield client


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_a_page(client):
    answer = client.get("/")
    assert answer.status == 200
    assert answer.text == "hello\n"
    assert answer.headers["Content-Length"] == "6"


def test_one_process_serves_many_requests(client):
    assert len({client.get("/pid").text for _ in range(10)}) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_comes_back(client, chunked):
    answer = client.post("/echo", MEGABYTE, chunked=chunked)
    assert answer.status == 200
    assert answer.body == MEGABYTE


@pytest.mark.parametrize("length", [0, 1, 65535, 65536, 20_000_000])
def test_upload(client, length):
    body = (MEGABYTE * (length // len(MEGABYTE) + 1))[:length]
    assert client.post("/count", body).json == {"length": length, "sha256": sha256(body)}


def test_download(client):
    answer = client.get("/size/20000000")
    assert answer.headers["Content-Length"] == "20000000"
    assert sha256(answer.body) == sha256((CHUNK * 306)[:20_000_000])


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows; run it on POSIX")
@pytest.mark.parametrize(("way", "status"), [("exit", 7), ("answer", 0)])
def test_a_child_that_is_forked_in_a_request_does_not_speak_to_the_web_server(
    tmp_path, way, status
):
    with serving(make_site(tmp_path, options="access_log = true")) as client:
        first = client.get("/pid").text
        assert client.get(f"/fork/{way}").text == f"the child ended with {status}\n"
        assert client.get("/pid").text == first
    assert client.log.count(f"GET /fork/{way} ") == 1


def test_a_body_left_unread_harms_nobody(client):
    assert client.post("/read-partial/10", MEGABYTE).text == "read 10\n"
    assert client.post("/size/1000000", MEGABYTE).body == (CHUNK * 16)[:1_000_000]
    assert client.get("/").text == "hello\n"


def test_chunks_leave_as_they_are_made(tmp_path):
    site = make_site(tmp_path, response_buffer_limit=0)
    with serving(site) as client:
        client.get("/")
        reply = client.open("/stream/3?pause=0.5")
        times = [time.monotonic() for _ in reply]
        reply.close()
    assert len(times) == 3
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.25


def test_write_and_file_wrapper(client):
    assert client.get("/write-callable").text == "written twice, then returned\n"
    assert client.get("/file/100000").body == (CHUNK * 2)[:100_000]


LINTED = [
    ("GET", "/", None),
    ("HEAD", "/", None),
    ("GET", "/stream/3?pause=0", None),
    ("HEAD", "/stream/3?pause=0", None),
    ("POST", "/echo", b"body" * 50_000),
    ("POST", "/count", b""),
    ("POST", "/read-partial/10", b"body" * 50_000),
    ("GET", "/size/100000", None),
    ("GET", "/size/0", None),
    ("GET", "/write-callable", None),
    ("GET", "/file/100000", None),
    ("GET", "/status/204", None),
    ("GET", "/status/304", None),
    ("GET", "/status/404", None),
    ("PUT", "/caf%C3%A9/%ED%A0%80?x=%FF", b"x"),
    ("OPTIONS", "*", None),
]


@pytest.mark.parametrize("virtual_path", ["", "/app/sub"])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_lint_finds_nothing_in_either_direction(tmp_path, virtual_path, chunked):
    site = make_site(tmp_path, "paste.app_factory = fixtureapps.app:make_linted_app")
    with serving(site, virtual_path=virtual_path) as client:
        for method, target, body in LINTED:
            if target != "*":
                target = virtual_path + target
            elif virtual_path:
                continue  # which is about the whole server, and so not for this application
            answer = client.get(target, method, body, chunked=chunked)
            assert answer.status < 500, (method, target, client.log)
        for complaint in ("AssertionError", "WSGIWarning", "without being closed"):
            assert complaint not in client.log
        assert client.pool.counters.started == 1


@pytest.mark.parametrize("code", [204, 304, 404, 503])
def test_status(client, code):
    answer = client.get(f"/status/{code}")
    assert answer.status == code
    assert answer.text == ("" if code in (204, 304) else f"status {code}\n")


def test_head(client):
    answer = client.get("/size/1000", "HEAD")
    assert answer.headers["Content-Length"] == "1000"
    assert answer.body == b""


def test_the_environ(client):
    seen = client.get("/env?x=%C3%A9", headers=[("X-Any", "value"), ("Proxy", "evil")]).json
    environ, others = seen["environ"], seen["others"]
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/env"
    assert environ["QUERY_STRING"] == "x=%C3%A9"
    assert environ["HTTP_X_ANY"] == "value"
    assert environ["wsgi.url_scheme"] == "http"
    assert "HTTP_PROXY" not in environ
    assert "AUTH_PASSWORD" not in environ
    assert others["wsgi.multithread"] == "False"
    assert others["wsgi.input_terminated"] == "True"


def test_the_process_shows_nothing_of_fastcgi(client):
    variables = client.get("/env").json["os"]
    assert not [name for name in variables if name.upper().startswith("_FCGI")]


def test_below_the_root(tmp_path):
    with serving(make_site(tmp_path), virtual_path="/app/sub") as client:
        environ = client.get("/App/sub/env/caf%C3%A9%2Fbar").json["environ"]
    assert environ["SCRIPT_NAME"] == "/App/sub"
    assert environ["PATH_INFO"] == "/env/caf\xc3\xa9/bar"


TARGETS = [
    "/env",
    "/env/?x=%C3%A9&y=a+b",
    "/env/caf%C3%A9",
    "/env/a%2Fb",
    "/env/a%25b",
    "/env//b/",
    "//env",
    "/env/../env/./b",
    "/env/a+b",
    "/env/%ED%A0%80",
    "/Env",
    "/status/404",
    "/nothing/here",
    "/size/70000",
]


@pytest.mark.parametrize("mount", ["/app", "/app/sub"])
def test_the_same_application_runs_unchanged_wherever_it_is_mounted(client, tmp_path, mount):
    """What it is told differs in the mount point alone, what it answers in nothing."""
    with serving(make_site(tmp_path), virtual_path=mount) as mounted:
        for target in TARGETS:
            here, there = client.get(target), mounted.get(mount + target)
            assert (there.status, there.headers.keys()) == (here.status, here.headers.keys())
            if not there.body.startswith(b"{"):
                assert there.body == here.body
                continue
            environ, expected = there.json["environ"], here.json["environ"]
            assert environ["SCRIPT_NAME"] == mount, target
            assert expected["SCRIPT_NAME"] == ""
            assert environ["iiswsgi.raw_path"] == mount + expected["iiswsgi.raw_path"]
            for name in ("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "wsgi.url_scheme"):
                assert environ[name] == expected[name], target
        assert mounted.get(mount).text == client.get("/").text == "hello\n"


def test_all_output_goes_to_the_log_and_none_to_the_wire(client):
    assert client.get("/print/Mark7").text == "child read '' from its stdin\n"
    for way in ("print", "stderr", "logging", "warning", "wsgi.errors", "fd 1", "fd 2"):
        client.wait_for_log(f"Mark7 {way}")
    client.wait_for_log("Mark7 handed stdout")
    client.wait_for_log("Mark7 handed stderr")
    if not ON_WINE:  # which does not pass standard handles on by itself, as Windows does
        client.wait_for_log("Mark7 child stdout")
        client.wait_for_log("Mark7 child stderr")
    assert client.get("/").text == "hello\n"


def wait_for_its_id(client, answer):
    """The id on an error page leads to a line of the log."""
    [error_id] = re.findall(r"Error id: (\w+)", answer.text)
    client.wait_for_log(f"error id {error_id}")


def test_an_exception_is_a_plain_page_with_an_id_that_the_log_has(client):
    answer = client.get("/raise")
    assert answer.status == 500
    assert "secret-detail" not in answer.text
    assert "Traceback" not in answer.text
    client.wait_for_log("RuntimeError: raised on request: secret-detail")
    wait_for_its_id(client, answer)
    assert client.get("/").status == 200


def test_an_exception_that_python_cannot_show_is_a_page_and_in_the_log(client):
    answer = client.get("/raise-unshowable")
    assert answer.status == 500
    wait_for_its_id(client, answer)
    client.wait_for_log("in raise_unshowable")
    client.wait_for_log("SyntaxError: ")  # and since Python 3.13.2 what Python can show of it
    assert client.get("/").status == 200


PREFIX = """
[filter:prefix]
use = egg:PasteDeploy#prefix
prefix =
"""
"""Middleware that takes REMOTE_ADDR from X-Forwarded-For, and that header away."""

FAILS = "paste.app_factory = fixtureapps.app:make_app\nfilter-with = prefix"


def test_a_traceback_is_for_the_server_itself(tmp_path):
    site = make_site(tmp_path, FAILS, options="expose_tracebacks = true", rest=PREFIX)
    with serving(site) as client:
        answer = client.get("/raise")
        assert "RuntimeError: raised on request: secret-detail" in answer.text
        wait_for_its_id(client, answer)
        for passed_on in ("192.0.2.1", "127.0.0.1"):
            answer = client.get("/raise", headers=[("X-Forwarded-For", passed_on)])
            assert answer.status == 500
            assert "secret-detail" not in answer.text
            assert "iiswsgi.log" not in answer.text
            wait_for_its_id(client, answer)


def test_system_exit_does_not_end_the_process(client):
    before = client.get("/pid").text
    assert client.get("/system-exit/5").status == 500
    assert client.get("/pid").text == before


def test_a_late_exception_breaks_the_response_off(tmp_path):
    with serving(make_site(tmp_path, response_buffer_limit=0)) as client:
        reply = client.open("/raise-late")
        with pytest.raises(WorkerFailure) as raised:
            list(reply)
        reply.close()
        assert raised.value.exit_code == 4
        client.wait_for_log("raised late on request")
        client.wait_for_log("the end: the gateway closed the conversation, see IISWSGI-W21")
        assert client.get("/").status == 200


def test_a_crash_is_reported_with_its_exit_code(tmp_path):
    with serving(make_site(tmp_path)) as client:
        client.get("/")
        answer = client.get("/exit/7")
        assert answer.status == 500
        assert "0x00000007" in answer.text
        assert client.get("/").status == 200
        assert client.pool.counters.failed == {"died_in_request": 1}


def test_an_application_that_cannot_be_loaded_says_where_to_look(tmp_path):
    site = make_site(tmp_path, "paste.app_factory = fixtureapps.app:make_broken_app")
    with serving(site) as client:
        answer = client.get("/")
        assert answer.status == 500
        assert "iiswsgi.log" in answer.text
        assert "cannot be loaded" not in answer.text  # the exception's own words
        client.wait_for_log("RuntimeError: this application cannot be loaded")
        client.wait_for_log("about to fail")
        wait_for_its_id(client, answer)


def test_one_whose_failure_python_cannot_show_has_its_page_too(tmp_path):
    site = make_site(tmp_path, "paste.app_factory = fixtureapps.app:make_unshowable_app")
    with serving(site) as client:
        answer = client.get("/")
        assert answer.status == 500
        client.wait_for_log("IISWSGI-S16")
        wait_for_its_id(client, answer)


@pytest.mark.parametrize("arguments", [BY_PASTER, '-m iiswsgi serve "{ini}"'])
def test_an_ini_file_that_is_wrong_keeps_its_passwords(tmp_path, arguments):
    application = "use = egg:iiswsgi#test_app\ndb.url = postgresql://jo:s3cret%pw@db"
    site = make_site(tmp_path, application, arguments=arguments, options="expose_tracebacks = true")
    with serving(site) as client:
        answer = client.get("/")
        assert answer.status == 500
        client.wait_for_log("IISWSGI-S16")
        for text in (answer.text, client.log):
            assert "app.ini: db.url in [app:main] is not usable" in text
            assert "written %%" in text
            assert "%pw@db" not in text


BY_PSERVE = '-m pyramid.scripts.pserve --server-name iis "{ini}"'


@pytest.mark.parametrize("arguments", [BY_PASTER, BY_PSERVE, '-m iiswsgi serve "{ini}"'])
def test_a_module_that_exits_is_told_as_one_that_fails(tmp_path, arguments):
    site = make_site(
        tmp_path,
        "paste.app_factory = exits:make_app",
        arguments=arguments,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    program = "import sys\n\n\ndef work():\n    sys.exit(0)\n\n\nwork()\n"
    (site / "exits.py").write_text(program, encoding="utf-8")
    with serving(site) as client:
        answer = client.get("/")
        assert answer.status == 500
        assert "iiswsgi.log" in answer.text
        wait_for_its_id(client, answer)
        assert ", in work\n" in client.log
        assert "SystemExit: 0" in client.log
        assert "the process ends" not in client.log


def test_a_thread_that_keeps_the_process_is_named(tmp_path):
    site = make_site(
        tmp_path,
        arguments="-m iiswsgi serve lingers:app",
        environment={"PYTHONPATH": str(tmp_path)},
    )
    program = """\
import threading
import time

def app(environ, start_response):
    threading.Thread(target=time.sleep, args=(3,), name="mail queue").start()
    start_response("200 OK", [])
    return [b""]
"""
    (site / "lingers.py").write_text(program, encoding="utf-8")
    with serving(site) as client:
        assert client.get("/").status == 200
        client.pool.recycle()
        client.wait_for_log("IISWSGI-S21")
        assert "'mail queue'" in client.log
        wait_until(lambda: leaving(client))
        assert leaving(client)[0].endswith("it left with exit code 0")


def test_an_unknown_setting_is_named(tmp_path):
    site = make_site(tmp_path, options="thredas = 4")
    with serving(site) as client:
        answer = client.open("/")
        assert isinstance(answer, Report)
        client.wait_for_log("IISWSGI-S01")
        assert "thredas" in client.log
        assert client.pool.counters.failed == {"died_in_start": 1}


def test_max_request_body(tmp_path):
    with serving(make_site(tmp_path, options="max_request_body = 1000")) as client:
        assert client.post("/count", b"x" * 1000).json["length"] == 1000
        answer = client.post("/count", b"x" * 1001)
        assert answer.status == 413
        wait_for_its_id(client, answer)
        assert client.post("/count", b"x" * 200_000, chunked=True).status == 413
        assert client.get("/").status == 200


@pytest.mark.parametrize("seed", range(4))
def test_hostile_cuts_change_nothing(tmp_path, seed):
    body = MEGABYTE[: 20_000 if not ON_WINE else 2_000]  # its writes are slow
    with serving(make_site(tmp_path), Modes(wire=Wire.hostile(seed), tick=0.05)) as client:
        for _ in range(2):
            assert client.post("/echo", body, headers=[("X-Long", "v" * 300)]).body == body
            assert client.get("/env").json["environ"]["SERVER_NAME"]
        assert client.pool.counters.started == 1
        assert not client.pool.counters.failed


def test_instance_max_requests_loses_none(tmp_path):
    with serving(make_site(tmp_path, instanceMaxRequests=5)) as client:
        pids = [client.get("/pid").text for _ in range(20)]
        counters = client.pool.counters
        assert counters.answered == 20
        assert counters.started >= 4
        assert len(set(pids)) == 4
        assert not counters.failed


def test_a_process_that_is_ended_after_its_answer_has_said_all(tmp_path):
    """As IIS does by default: signalBeforeTerminateSeconds is 0."""
    site = make_site(
        tmp_path, options="access_log = true", instanceMaxRequests=1, signalBeforeTerminateSeconds=0
    )
    with serving(site) as client:
        for number in range(15):
            assert client.get(f"/print-half/{number}").status == 200
        counters = client.pool.counters
        assert counters.answered == 15
        for number in range(15):
            assert client.log.count(f"half {number} without its newline") == 1
            assert client.log.count(f"GET /print-half/{number} 200 ") == 1


def leaving(client):
    """How the processes that have ended did end."""
    return [event for event in client.pool.events if " ended: " in event]


@pytest.mark.parametrize("end_order", ["close_first", "signal_first"])
def test_an_idle_process_leaves_at_once_with_status_0(tmp_path, end_order):
    with serving(make_site(tmp_path), Modes(tick=0.05, end_order=end_order)) as client:
        client.get("/")
        began = time.monotonic()
        client.pool.recycle()
        wait_until(lambda: leaving(client))
        assert time.monotonic() - began < 10
        assert leaving(client)[0].endswith("it left with exit code 0")
        assert client.get("/").status == 200


def test_a_recycled_process_finishes_its_request(tmp_path):
    with serving(make_site(tmp_path)) as client:
        client.get("/")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(client.get("/sleep/2")))
        thread.start()
        time.sleep(0.7)
        client.pool.recycle()
        thread.join()
        assert [answer.text for answer in answers] == ["slept 2\n"]
        wait_until(lambda: leaving(client))
        assert leaving(client)[0].endswith("it left with exit code 0")


def test_a_changed_file_recycles(tmp_path):
    watched = tmp_path / "watched.txt"
    watched.write_text("1", encoding="utf-8")
    with serving(make_site(tmp_path, monitorChangesTo=watched)) as client:
        before = client.get("/pid").text
        watched.write_text("changed", encoding="utf-8")
        wait_until(lambda: client.get("/pid").text != before)
        assert not client.pool.counters.failed


def test_killed_without_notice(tmp_path):
    site = make_site(tmp_path, signalBeforeTerminateSeconds=0, response_buffer_limit=0)
    with serving(site, Modes(tick=0.05, kill_without_notice=True)) as client:
        reply = client.open("/stream/100?pause=0.1")
        next(reply)
        client.pool.recycle()
        with pytest.raises(WorkerFailure):
            list(reply)
        reply.close()
        assert client.get("/print/AfterTheKill").status == 200
        client.wait_for_log("AfterTheKill print")


@pytest.mark.parametrize("client_gone", ["kill", "close", "abort"])
def test_a_client_that_leaves_harms_nobody(tmp_path, client_gone):
    site = make_site(tmp_path, response_buffer_limit=0)
    with serving(site, Modes(tick=0.05, client_gone=client_gone)) as client:
        reply = client.open("/stream/50?pause=0.1")
        next(reply)
        reply.close()
        assert client.get("/").status == 200
        assert client.pool.counters.client_gone == 1


def test_an_abort_ends_a_response_without_end(tmp_path):
    site = make_site(tmp_path, response_buffer_limit=0)
    with serving(site, Modes(tick=0.05, client_gone="abort")) as client:
        reply = client.open("/stream/100000?pause=0.05")
        next(reply)
        pid = reply.pid
        reply.close()
        assert client.get("/pid").text == str(pid)
        client.wait_for_log("IISWSGI-P11")
        assert client.pool.counters.started == 1


def test_several_processes_lose_nothing_and_share_a_log(tmp_path):
    site = make_site(tmp_path, maxInstances=3, instanceMaxRequests=7)
    failures = []

    def ask(number):
        for i in range(8):
            mark = f"client-{number}-{i}."
            body = mark.encode() * 100
            try:
                assert client.post("/echo", body).body == body
                assert client.get(f"/print/{mark}").status == 200
            except Exception as error:
                failures.append(error)

    with serving(site) as client:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert client.pool.counters.answered == 48
        for number in range(3):
            client.wait_for_log(f"client-{number}-7. print")


def test_a_worker_imports_nothing_that_it_does_not_need(client):
    packages = {name.partition(".")[0] for name in client.get("/modules").json}
    assert not packages & {"pkg_resources", "setuptools", "waitress"}
    assert "paste.script" not in client.get("/modules").json


def test_an_ini_file_is_no_must(tmp_path):
    arguments = "-m iiswsgi serve fixtureapps.app:application script_name=/from/here"
    with serving(make_site(tmp_path, arguments=arguments)) as client:
        assert client.get("/from/here/env").json["environ"]["SCRIPT_NAME"] == "/from/here"
        modules = client.get("/from/here/modules").json
        assert not {"paste.deploy", "argparse", "iiswsgi.commands"} & set(modules)
        client.wait_for_log("INFO iiswsgi")


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("no_such_module:app", "S18"),
        ("fixtureapps.app:nothing()", "S18"),
        ("no_such_file.py", "S18"),
        ("fixtureapps.app:CHUNK", "S19"),
    ],
)
def test_what_is_not_there_says_where_to_look(tmp_path, what, code):
    with serving(make_site(tmp_path, arguments=f"-m iiswsgi serve {what}")) as client:
        answer = client.get("/")
        assert answer.status == 500
        assert "iiswsgi.log" in answer.text
        client.wait_for_log("IISWSGI-S16")
        assert f"IISWSGI-{code}: {what!r} cannot be served: " in client.log
        assert "Traceback" in client.log


def test_paster_serve(tmp_path):
    with serving(make_site(tmp_path, arguments=BY_PASTER)) as client:
        assert client.get("/").text == "hello\n"
        assert client.get("/print/ByPaster").status == 200
        client.wait_for_log("ByPaster print")


@pytest.mark.parametrize("what", ['"{ini}#second"', '"config:{ini}" -n second'])
def test_paster_serve_takes_the_options_whatever_the_file_is_called_with(tmp_path, what):
    second = "[app:second]\npaste.app_factory = fixtureapps.app:make_app\n"
    site = make_site(
        tmp_path,
        "use = egg:iiswsgi#test_app",
        arguments=BY_PASTER.replace('"{ini}"', what),
        options="max_request_body = 1000",
        rest=second,
    )
    with serving(site) as client:
        assert client.get("/").text == "hello\n"
        assert client.post("/count", b"x" * 1001).status == 413


def test_paster_serve_without_an_ini_file(tmp_path):
    arguments = BY_PASTER.replace('"{ini}"', "egg:iiswsgi#test_app")
    with serving(make_site(tmp_path, arguments=arguments)) as client:
        assert "PATH_INFO = /x\n" in client.get("/x?format=text").text


def test_paster_serve_with_server_name(tmp_path):
    arguments = '-c "from paste.script.command import run; run()" serve --server-name=iis "{ini}"'
    with serving(make_site(tmp_path, arguments=arguments)) as client:
        assert client.get("/").text == "hello\n"


LOGGERS = """
[loggers]
keys = root
[handlers]
keys = stderr
[formatters]
keys = plain
[logger_root]
level = DEBUG
handlers = stderr
[handler_stderr]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = from the ini file: %(message)s
"""


@pytest.mark.parametrize(("level", "told"), [(None, 1), ("DEBUG", 1), ("WARNING", 0)])
def test_pserve(tmp_path, level, told):
    """It configures logging by itself, and leaves ours at info unless the file says otherwise."""
    rest = LOGGERS.replace("DEBUG", level) if level else ""
    with serving(make_site(tmp_path, arguments=BY_PSERVE, rest=rest)) as client:
        assert client.get("/").text == "hello\n"
    assert client.log.count(" INFO iiswsgi.server: the end: ") == told


def test_variables_of_the_command_line_reach_the_ini_file(tmp_path):
    site = make_site(
        tmp_path,
        "use = egg:iiswsgi#test_app",
        arguments='-m iiswsgi serve "{ini}" where=/from/here',
        options="script_name = %(where)s",
    )
    with serving(site) as client:
        assert "SCRIPT_NAME = /from/here\n" in client.get("/from/here/x?format=text").text


def test_loggers_of_the_ini_file_keep_working(tmp_path):
    with serving(make_site(tmp_path, rest=LOGGERS)) as client:
        client.get("/print/Logged")
        client.wait_for_log("from the ini file: Logged logging")


def test_a_person_who_starts_it_by_hand_is_told_what_to_do(tmp_path):
    site = make_site(tmp_path / "site")
    command = [sys.executable, "-m", "iiswsgi", "serve", str(site / "app.ini")]
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    assert "iiswsgi host" in result.stderr


def test_the_environ_is_json(client):
    # What the fixture application shows must survive every byte of a header.
    value = "".join(map(chr, range(0xA1, 0x100)))
    assert (
        json.loads(client.get("/env", headers=[("X-All", value)]).text)["environ"]["HTTP_X_ALL"]
        == value
    )
