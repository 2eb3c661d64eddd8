"""One call by the letter of PEP 3333: order, lengths, closing, and how it fails."""

from __future__ import annotations

import logging
import re
import sys
from wsgiref.validate import validator

import pytest

from iiswsgi.errors import BadRequest, RequestTooLarge
from iiswsgi.wsgi import call as module
from iiswsgi.wsgi.call import Outcome, call, refuse
from iiswsgi.wsgi.errorpage import ErrorPage
from tests.fuzz.awkward import AWKWARD
from tests.wsgi.helpers import LEFT, Closable, Recorder, answers, make_request, run


class Weird(Exception):
    """What an application raises."""


def codes(caplog):
    return re.findall(r"IISWSGI-W\d\d", caplog.text.partition("Traceback")[0])


# ---- order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_is_handed_over_without_a_flush(kind):
    outcome, response = run(answers(kind([b"one", b"", b"two"])))
    assert outcome is Outcome.COMPLETE
    assert response.kinds == ["head", "body", "body"]
    assert response.sent == b"onetwo"
    assert response.content_length == "6"


def test_each_chunk_of_an_iterator_leaves_before_the_next_is_asked_for():
    response = Recorder()
    seen = []

    def chunks():
        seen.append(list(response.kinds))
        yield b"one"
        seen.append(list(response.kinds))
        yield b"two"

    run(answers(chunks), response=response)
    assert seen == [[], ["head", "body", "flush"]]
    assert response.kinds == ["head", "body", "flush", "body", "flush"]
    assert response.content_length is None


def test_the_head_waits_for_the_first_chunk_that_is_not_empty():
    response = Recorder()
    during = []

    def application(environ, start_response):
        start_response("200 OK", [("X-First", "1")])
        yield b""
        during.append(list(response.kinds))
        start_response("201 Created", [("X-Second", "1")], (Weird, Weird(), None))
        yield b"one"

    run(application, response=response)
    assert during == [[]]
    assert response.status == "201 Created"
    assert response.headers == [("X-Second", "1")]


def test_start_response_may_be_called_while_iterating():
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"one"

    assert run(application)[1].sent == b"one"


def test_write_sends_at_once_and_before_what_is_returned():
    def application(environ, start_response):
        write = start_response("200 OK", [])
        write(b"one")
        write(b"")
        return [b"two"]

    _, response = run(application)
    assert response.kinds == ["head", "body", "flush", "flush", "body"]
    assert response.sent == b"onetwo"
    assert response.content_length is None


def test_write_of_nothing_sends_the_head():
    def application(environ, start_response):
        start_response("200 OK", [])(b"")
        return []

    assert run(application)[1].kinds == ["head", "flush"]


# ---- lengths --------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [[], (), [b""], [b"", b""], iter([]), iter([b""])], ids=repr)
def test_an_empty_body_has_length_0(nothing):
    _, response = run(answers(nothing))
    assert response.kinds == ["head"]
    assert response.content_length == "0"


class OfOne:
    """An iterable that says it has one element (PEP 3333, "Handling the Content-Length Header")."""

    def __init__(self, *chunks):
        self.chunks = chunks

    def __len__(self):
        return 1

    def __iter__(self):
        return iter(self.chunks)


def test_the_length_of_a_single_chunk_is_known():
    _, response = run(answers(OfOne(b"one")))
    assert response.content_length == "3"
    assert response.kinds == ["head", "body"]


def test_one_that_lies_about_being_single_is_cut(caplog):
    _, response = run(answers(OfOne(b"one", b"two")))
    assert response.sent == b"one"
    assert codes(caplog) == ["IISWSGI-W04"]


def test_a_length_that_the_application_gives_is_kept():
    _, response = run(answers([b"one"], headers=[("content-length", "3")]))
    assert response.headers == [("Content-Type", "text/plain"), ("content-length", "3")]


@pytest.mark.parametrize("wrap", [list, iter])
def test_more_than_promised_is_cut_and_logged_once(wrap, caplog):
    body = Closable([b"abc", b"def", b"ghi"]) if wrap is iter else [b"abc", b"def", b"ghi"]
    outcome, response = run(answers(body, headers=[("Content-Length", "4")]))
    assert outcome is Outcome.COMPLETE
    assert response.sent == b"abcd"
    assert codes(caplog) == ["IISWSGI-W04"]
    assert "GET /app/page" in caplog.text
    assert "secret" not in caplog.text


def test_more_than_promised_by_write_is_cut():
    def application(environ, start_response):
        write = start_response("200 OK", [("Content-Length", "1")])
        write(b"ab")
        write(b"cd")
        return []

    assert run(application)[1].sent == b"a"


@pytest.mark.parametrize("wrap", [list, iter])
def test_less_than_promised_is_logged(wrap, caplog):
    outcome, response = run(answers(wrap([b"abc"]), headers=[("Content-Length", "4")]))
    assert outcome is Outcome.SHORT
    assert response.content_length == "4"
    assert codes(caplog) == ["IISWSGI-W05"]


def test_an_infinite_body_ends_where_it_was_promised_to():
    def forever():
        while True:
            yield b"abc"

    body = Closable(forever())
    _, response = run(answers(body, headers=[("Content-Length", "7")]))
    assert response.sent == b"abcabca"
    assert body.closed == 1


# ---- responses without a body ---------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, iter])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_status_without_a_body_gets_none_and_no_length(wrap, status):
    body = Closable(wrap([b"one", b"two"]))
    outcome, response = run(answers(body, status))
    assert outcome is Outcome.COMPLETE
    assert response.kinds == ["head"]
    assert response.content_length is None
    assert body.closed == 1


def test_a_304_may_state_a_length_and_a_204_may_not(caplog):
    length = [("Content-Length", "5")]
    assert run(answers([], "304 Not Modified", length))[1].content_length == "5"
    assert run(answers([], "204 No Content", length))[1].content_length is None
    assert codes(caplog) == []


def test_head_has_the_length_and_no_body():
    _, response = run(answers([b"one"]), "HEAD")
    assert response.kinds == ["head"]
    assert response.content_length == "3"


@pytest.mark.parametrize("nothing", [[], iter([])], ids=repr)
def test_head_answered_with_nothing_makes_up_no_length(nothing):
    _, response = run(answers(nothing), "HEAD")
    assert response.kinds == ["head"]
    assert response.content_length is None


def test_head_keeps_the_length_that_the_application_gives(caplog):
    _, response = run(answers([], headers=[("Content-Length", "5")]), "HEAD")
    assert response.content_length == "5"
    assert codes(caplog) == []


def test_head_asks_for_no_more_than_the_first_chunk():
    asked = []

    def chunks():
        for number in range(3):
            asked.append(number)
            yield b"x"

    body = Closable(chunks())
    assert run(answers(body), "HEAD")[1].kinds == ["head"]
    assert asked == [0]
    assert body.closed == 1


def test_head_stays_head_when_middleware_calls_it_get():
    def application(environ, start_response):
        environ["REQUEST_METHOD"] = "GET"
        return answers([b"one"])(environ, start_response)

    assert run(application, "HEAD")[1].sent == b""


def test_head_and_write():
    def application(environ, start_response):
        start_response("200 OK", [])(b"one")
        return []

    assert run(application, "HEAD")[1].kinds == ["head", "flush"]


# ---- start_response -------------------------------------------------------------------------


def test_exc_info_before_the_head_replaces_it():
    def application(environ, start_response):
        start_response("200 OK", [("X-First", "1"), ("Content-Length", "999")])
        try:
            raise Weird
        except Weird:
            start_response("500 Oops", [("X-Second", "1")], exc_info=sys.exc_info())
        return [b"sorry"]

    outcome, response = run(application)
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Oops"
    assert response.headers == [("X-Second", "1"), ("Content-Length", "5")]


def test_exc_info_after_the_head_raises_it_again():
    error = Weird("late")
    raised = []

    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        try:
            raise error
        except Weird:
            try:
                start_response("500 Oops", [], sys.exc_info())
            except Weird as again:
                raised.append(again)
                raise

    outcome, response = run(application)
    assert outcome is Outcome.BROKEN
    assert raised == [error]
    assert response.status == "200 OK"


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return []


def never(environ, start_response):
    return [b"one"]


def never_while_iterating(environ, start_response):
    yield b"one"


def never_and_nothing(environ, start_response):
    return iter([])


def no_iterable(environ, start_response):
    start_response("200 OK", [])


def text(environ, start_response):
    start_response("200 OK", [])
    return ["text"]


def text_while_iterating(environ, start_response):
    start_response("200 OK", [])
    yield "text"


def text_itself(environ, start_response):
    start_response("200 OK", [])
    return "text"


def written_text(environ, start_response):
    start_response("200 OK", [])("text")
    return []


def mutable_bytes(environ, start_response):
    start_response("200 OK", [])
    return [bytearray(b"x")]


@pytest.mark.parametrize(
    ("application", "code"),
    [
        (twice, "W07"),
        (never, "W07"),
        (never_while_iterating, "W07"),
        (never_and_nothing, "W07"),
        (no_iterable, "TypeError"),
        (text, "W11"),
        (text_while_iterating, "W11"),
        (text_itself, "W11"),
        (written_text, "W11"),
        (mutable_bytes, "W11"),
        (answers([], status="200\r\nX: y"), "W06"),
        (answers([], headers=[("X", "a\r\nSet-Cookie: b")]), "W06"),
        (answers([], headers=[("X", "a" * 70_000)]), "W09"),
    ],
)
def test_a_broken_rule_is_a_500_that_says_which(application, code, caplog):
    outcome, response = run(application)
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"
    assert codes(caplog) == ["IISWSGI-W01"]
    assert code in caplog.text


def test_the_application_may_catch_what_is_refused_and_answer_otherwise():
    def application(environ, start_response):
        try:
            start_response("200 OK", [("X", "a\nb")])
        except Exception:
            start_response("200 Better", [])
        return []

    assert run(application)[1].status == "200 Better"


class LyingBytes(bytes):
    def __len__(self):
        return 3


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_a_subclass_of_bytes_has_the_length_it_has(kind):
    outcome, response = run(answers(kind([LyingBytes(b"longer"), LyingBytes(b"")])))
    assert outcome is Outcome.COMPLETE
    assert response.sent == b"longer"
    assert response.content_length == (None if kind is iter else "6")


def test_a_subclass_of_bytes_is_bytes():
    class Special(bytes): ...

    assert run(answers([bytes(Special(b"one"))]))[1].sent == b"one"


def test_nothing_can_be_sent_after_the_end():
    kept = []

    def application(environ, start_response):
        kept.append(start_response)
        kept.append(start_response("200 OK", []))
        return [b"one"]

    _, response = run(application)
    start_response, write = kept
    with pytest.raises(Exception, match="IISWSGI-W07"):
        write(b"late")
    with pytest.raises(Weird):
        start_response("500 Oops", [], (Weird, Weird(), None))
    assert response.sent == b"one"


def test_the_header_limit_is_the_callers():
    _, response = run(answers([]), max_header_bytes=10)
    assert response.status == "500 Internal Server Error"


# ---- failures -------------------------------------------------------------------------------

ERRORS = [Weird("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()]


@pytest.fixture
def logged(monkeypatch):
    """The records, as they are: pytest's own handler would show the exception, and fail."""
    records = []

    class Keeper(logging.Handler):
        def emit(self, record):
            records.append(record)

    alone = logging.Logger("alone")
    alone.addHandler(Keeper())
    monkeypatch.setattr(module, "log", alone)
    return records


@pytest.mark.parametrize("shown", [False, True], ids=["hidden", "shown"])
@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_an_exception_that_cannot_be_looked_at_is_a_500_too(make, shown, logged):
    def application(environ, start_response):
        raise make()

    page = ErrorPage(expose_tracebacks=shown)
    outcome, response = run(application, error_page=page, REMOTE_ADDR="127.0.0.1")
    assert (outcome, response.status) == (Outcome.COMPLETE, "500 Internal Server Error")
    assert [record.getMessage()[:11] for record in logged] == ["IISWSGI-W01"]
    assert ("in application" in response.sent.decode()) is shown


@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_neither_does_one_matter_in_close(make, logged):
    class Result(list):
        def close(self):
            raise make()

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return Result([b"ok"])

    outcome, response = run(application)
    assert (outcome, response.sent) == (Outcome.COMPLETE, b"ok")
    assert [record.getMessage()[:11] for record in logged] == ["IISWSGI-W03"]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_exception_before_the_head_is_a_500_whose_id_is_in_the_log(error, caplog):
    def application(environ, start_response):
        start_response("200 OK", [("X-Secret", "1")])
        raise error

    outcome, response = run(application)
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"
    assert "X-Secret" not in dict(response.headers)
    [error_id] = re.findall(r"Error id: (\w+)", response.sent.decode())
    assert error_id in caplog.records[0].getMessage()
    assert codes(caplog) == ["IISWSGI-W01"]
    assert "GET /app/page" in caplog.text
    assert "Traceback" in caplog.text
    assert type(error).__name__ not in response.sent.decode()


def test_a_500_for_head_has_no_body():
    def application(environ, start_response):
        raise Weird

    _, response = run(application, "HEAD")
    assert response.kinds == ["head"]
    assert int(response.content_length) > 0


def fail_after(*chunks, headers=(), status="200 OK"):
    def application(environ, start_response):
        start_response(status, list(headers))
        yield from chunks
        raise Weird

    return application


def test_an_exception_after_the_first_byte_breaks_the_response_off(caplog):
    outcome, response = run(fail_after(b"one"))
    assert outcome is Outcome.BROKEN
    assert response.sent == b"one"
    assert codes(caplog) == ["IISWSGI-W02"]
    assert "Weird" in caplog.text


def test_with_a_length_the_client_sees_it_and_the_conversation_may_go_on(caplog):
    outcome, response = run(fail_after(b"one", headers=[("Content-Length", "9")]))
    assert outcome is Outcome.SHORT
    assert response.sent == b"one"
    assert codes(caplog) == ["IISWSGI-W02"]


def test_an_exception_after_the_last_promised_byte_takes_nothing_away():
    outcome, _ = run(fail_after(b"one", headers=[("Content-Length", "3")]))
    assert outcome is Outcome.COMPLETE


def test_a_list_that_turns_out_wrong_fails_before_the_head():
    outcome, response = run(answers([b"one", "two"]))
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"


def test_a_failure_after_write():
    def application(environ, start_response):
        start_response("200 OK", [])(b"one")
        raise Weird

    assert run(application)[0] is Outcome.BROKEN


# ---- close ----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", [[], [b"one"], ["text"], [b"one", 1]])
def test_close_is_called_once_whatever_happens(chunks):
    body = Closable(chunks)
    run(answers(body))
    assert body.closed == 1


def test_close_is_called_when_start_response_was_not():
    body = Closable([b"one"])
    run(lambda environ, start_response: body)
    assert body.closed == 1


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_exception_in_close_leaves_the_response_as_it_is(error, caplog):
    outcome, response = run(answers(Closable([b"one"], error)))
    assert outcome is Outcome.COMPLETE
    assert response.sent == b"one"
    assert codes(caplog) == ["IISWSGI-W03"]


def test_close_after_the_client_left(caplog):
    caplog.set_level(logging.INFO)
    wrapped = ValueError("of\ntwo lines")
    wrapped.__cause__ = LEFT
    for error in (LEFT, wrapped):
        caplog.clear()
        outcome, _ = run(answers(Closable([b"one"], error)))
        assert outcome is Outcome.COMPLETE
        assert codes(caplog) == ["IISWSGI-W12"]
        assert "\n" not in caplog.text.rstrip("\n")


def test_a_list_with_a_close_is_closed():
    class Special(list):
        closed = False

        def close(self):
            self.closed = True

    body = Special([b"one"])
    _, response = run(answers(body))
    assert response.content_length == "3"
    assert body.closed


# ---- the client ------------------------------------------------------------------------------


@pytest.mark.parametrize("event", range(5))
def test_a_client_that_leaves_ends_the_iteration(event, caplog):
    caplog.set_level(logging.INFO)
    body = Closable([b"one", b"two", b"three"])
    outcome, _ = run(answers(body), response=Recorder(leaves_at=event))
    assert outcome is Outcome.GONE
    assert body.closed == 1
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert codes(caplog) == ["IISWSGI-W12"]


def test_a_client_that_leaves_while_a_list_is_sent():
    assert run(answers([b"one"]), response=Recorder(leaves_at=1))[0] is Outcome.GONE


def test_a_client_that_leaves_before_the_error_page():
    def application(environ, start_response):
        raise Weird

    assert run(application, response=Recorder(leaves_at=0))[0] is Outcome.GONE


@pytest.mark.parametrize("application", [answers([b"one"]), lambda environ, start_response: 1 / 0])
def test_a_head_that_cannot_leave_breaks_the_response_off(application, caplog):
    response = Recorder(leaves_at=0, error=OSError("no space left for the spool (a test)"))
    outcome, _ = run(application, response=response)
    assert outcome is Outcome.BROKEN
    assert "no space left" in caplog.text


class Input:
    def __init__(self, error):
        self.error = error

    def read(self, size=-1):
        raise self.error


def reads(environ, start_response):
    environ["wsgi.input"].read(1)


def wraps(environ, start_response):
    try:
        reads(environ, start_response)
    except OSError as error:
        raise Weird("cannot read") from error
    except ValueError:
        raise Weird("cannot read")  # noqa: B904  # the context must do


@pytest.mark.parametrize("application", [reads, wraps])
def test_a_client_that_leaves_while_sending(application, caplog):
    caplog.set_level(logging.INFO)
    response = Recorder(leaves_at=0)
    outcome, _ = run(application, response=response, **{"wsgi.input": Input(LEFT)})
    assert outcome is Outcome.GONE
    assert response.events == []
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_an_error_kept_from_another_request_is_the_applications_before_the_head(caplog):
    outcome, response = run(reads, **{"wsgi.input": Input(LEFT)})
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"
    assert codes(caplog) == ["IISWSGI-W01"]


def test_an_error_kept_from_another_request_makes_no_half_response_look_whole(caplog):
    def body():
        yield b"one"
        raise LEFT

    outcome, _ = run(answers(body))
    assert outcome is Outcome.BROKEN
    assert codes(caplog) == ["IISWSGI-W02"]


class Unshowable:
    def _fail(self, *_):
        raise ValueError("not to be shown")

    __str__ = __repr__ = __bool__ = __format__ = _fail


@pytest.mark.parametrize(
    "name", ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "iiswsgi.raw_path", "HTTP_ACCEPT"]
)
def test_an_environ_spoiled_by_the_application_is_no_trouble(name, caplog):
    def application(environ, start_response):
        environ[name] = Unshowable()
        raise Weird

    outcome, response = run(application)
    assert outcome is Outcome.COMPLETE
    assert response.status == "500 Internal Server Error"
    assert codes(caplog) == ["IISWSGI-W01"]


TOO_LARGE = RequestTooLarge("P98", "the body is larger than max_request_body (a test)")


@pytest.mark.parametrize("application", [reads, wraps])
def test_a_body_that_is_too_large_is_a_413_in_words(application, caplog):
    outcome, response = run(application, **{"wsgi.input": Input(TOO_LARGE)})
    assert outcome is Outcome.COMPLETE
    assert response.status == "413 Content Too Large"
    assert b"larger than this site accepts" in response.sent
    assert "IISWSGI-P98" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_body_that_is_too_large_after_the_head(caplog):
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        environ["wsgi.input"].read(1)

    assert run(application, **{"wsgi.input": Input(TOO_LARGE)})[0] is Outcome.BROKEN


def test_causes_in_a_ring_are_no_trap():
    def application(environ, start_response):
        first, second = Weird(1), Weird(2)
        first.__context__, second.__context__ = second, first
        raise first

    assert run(application)[1].status == "500 Internal Server Error"


# ---- refuse ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "options", "status"),
    [
        (BadRequest("W10", "two lengths"), {}, "400 Bad Request"),
        (TOO_LARGE, {}, "413 Content Too Large"),
        (
            TOO_LARGE,
            {"status": "431 Request Header Fields Too Large"},
            "431 Request Header Fields Too Large",
        ),
    ],
)
def test_a_refused_request(error, options, status, caplog):
    response = Recorder()
    outcome = refuse(error, {"REQUEST_METHOD": "POST"}, response, error_page=ErrorPage(), **options)
    assert outcome is Outcome.COMPLETE
    assert response.status == status
    assert str(error) in caplog.text


@pytest.mark.parametrize("level", [logging.ERROR, logging.CRITICAL])
def test_what_a_page_refers_to_is_in_the_log_whatever_its_level(level, caplog):
    caplog.set_level(level, "iiswsgi")
    response, failing = Recorder(), Recorder()
    refuse(TOO_LARGE, make_request(), response, error_page=ErrorPage())
    call(lambda environ, start: 1 / 0, make_request(), failing, error_page=ErrorPage())
    for page, record in zip((response, failing), caplog.records, strict=True):
        assert re.search("error id ([0-9a-f]+)", record.getMessage())[1].encode() in page.sent


def test_a_refused_head_request():
    response = Recorder()
    refuse(TOO_LARGE, make_request("HEAD"), response, error_page=ErrorPage())
    assert response.kinds == ["head"]


# ---- the log ---------------------------------------------------------------------------------


def test_a_path_cannot_forge_a_log_line(caplog):
    def application(environ, start_response):
        raise Weird

    run(application, **{"iiswsgi.raw_path": "/x\nIISWSGI-W99: forged\u2028" + "y" * 9000})
    message = caplog.records[0].getMessage()
    assert "\n" not in message
    assert "\\nIISWSGI" in message
    assert len(message) < 500


# ---- the lint --------------------------------------------------------------------------------


def stream(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"one")
    yield b"two"
    yield b""
    yield b"three"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize(
    "application",
    [
        answers([b"one"]),
        answers([]),
        answers([b"one", b"two"]),
        answers(lambda: iter([b"one"])),
        answers(lambda: Closable([b"one"])),
        stream,
    ],
)
def test_wsgirefs_lint_finds_nothing(application, method, caplog):
    outcome, response = run(validator(application), method)
    assert outcome is Outcome.COMPLETE
    assert response.status == "200 OK"
    assert caplog.records == []


def test_lint_and_a_client_that_leaves():
    outcome, _ = run(validator(stream), response=Recorder(leaves_at=2))
    assert outcome is Outcome.GONE
