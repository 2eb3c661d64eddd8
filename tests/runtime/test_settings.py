import pytest

from iiswsgi.errors import ExitStatus, SettingError
from iiswsgi.fastcgi import protocol
from iiswsgi.runtime import logfile
from iiswsgi.runtime.convert import TcpAddress
from iiswsgi.runtime.settings import TABLE, Options, Settings, parse


def test_defaults():
    assert parse({}) == Settings()


def test_values():
    values = parse({"listen": "[::1]:9000", "max_request_body": " 10M ", "expose_tracebacks": "on"})
    assert values.listen == TcpAddress("::1", 9000)
    assert values.max_request_body == 10 << 20
    assert values.expose_tracebacks is True


def test_values_from_python():
    assert parse({"threads": 3, "stderr_records": True}) == Settings(threads=3, stderr_records=True)


def test_settings_are_values():
    assert Settings() != Settings(threads=3)
    assert Settings() != {}


def test_a_row_is_found_by_its_name():
    assert Settings.threads.default == Settings().threads


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        Settings().threads = 2


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("treads", "did you mean threads?"),
        ("loglevel", "did you mean log_level?"),
        ("port", "did you mean listen?"),
        ("prefix", "did you mean script_name?"),
        ("LOG-FILE", "did you mean log_file?"),
        ("zzz", "'iiswsgi serve --help' has those there are"),
    ],
)
def test_an_unknown_name_is_named_and_the_near_one_suggested(name, hint):
    with pytest.raises(SettingError, match=f"IISWSGI-S01: .*'{name}'") as caught:
        parse({name: "1"})
    assert hint in str(caught.value)
    assert caught.value.exit_status is ExitStatus.USAGE


def test_a_bad_value_names_the_option_the_value_and_what_it_must_be():
    with pytest.raises(SettingError) as caught:
        parse({"threads": "many"})
    assert str(caught.value) == (
        "IISWSGI-S02: The option threads = 'many' is not usable: it must be a whole number from 1 "
        "to 1000."
    )


def test_a_bad_value_that_has_a_password_is_masked():
    with pytest.raises(SettingError) as caught:
        parse({"threads": "postgres://u:s3cret@h/d"})
    assert "'postgres://u:***@h/d'" in str(caught.value)


def test_threads_without_a_connection_contradict():
    with pytest.raises(SettingError, match=r"IISWSGI-S03: .*connection_limit = 4 .*threads = 5"):
        parse({"threads": "5", "connection_limit": "4"})


def test_raw_and_framed_messages_contradict():
    with pytest.raises(SettingError, match=r"IISWSGI-S03: .*stderr_records .*trace_records"):
        parse({"stderr_records": "true", "trace_records": "true"})


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"treads": 1}, {}, "'treads' (app.ini); did"),
        ({"threads": 1}, {"threads": "many"}, "threads = 'many' (the command line) is not"),
        ({"threads": 5}, {"connection_limit": 4}, "threads = 5 (the command line, app.ini) contra"),
        ({"threads": 5, "connection_limit": 4}, {}, "threads = 5 (app.ini) contradict"),
        ({}, {"stderr_records": 1, "trace_records": 1}, "= true (the command line) contradict"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(first, second, says):
    options = Options()
    options.add("app.ini", first)
    options.add("the command line", second)
    with pytest.raises(SettingError) as caught:
        parse(options)
    assert says in str(caught.value)


def test_of_threads_and_connections_the_one_not_given_gives_way():
    assert parse({"threads": "500"}).connection_limit == 500
    assert parse({"connection_limit": "2"}).threads == 2
    assert parse({"connection_limit": "500"}).threads == Settings().threads


def test_the_limits_of_the_log_are_those_from_before_the_settings_were_read():
    assert Settings().log_size == logfile.MAX_SIZE
    assert Settings().log_count == logfile.KEPT_FILES


def test_the_limits_of_the_wire_are_those_of_the_codec():
    assert Settings().max_params == protocol.MAX_PARAMS
    assert Settings().max_params_bytes == protocol.MAX_PARAMS_BYTES


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_row_says_it_all(row):
    assert row.sentence.endswith(".")
    if row.default is not None:
        assert row.convert(row.shown) == row.default
