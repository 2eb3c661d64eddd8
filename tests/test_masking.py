"""What is shown of a command line, and what is not."""

import time

import pytest

from iiswsgi.masking import is_secret, masked_line, masked_words

WORDS = [
    (["app.ini", "threads=3", "-n", "shop"], None),
    (["app.ini", "db_password=x y", "z"], ["app.ini", "db_password=***", "z"]),
    (["DbPasswd = x=y"], ["DbPasswd = ***"]),
    (["--secret-key", "x", "--token=x"], ["--secret-key", "***", "--token=***"]),
    (["redis://:x@host"], ["redis://:***@host"]),
    (["http://host:8080/a", "a@b"], None),
    (["-p", "C:\\passwords.txt", "z"], None),
    (["C:\\my token\\app.ini", "z"], None),
    (["tokens:app", "secret_shop.wsgi:app"], None),
    (["secret_shop.ini", "threads=3"], None),
    (["https_secretkeysize=2048", "bypassed=1", "keyfile=a"], None),
    (["--api_key"], None),
    (
        ["spinner=dots", "side=left", "sidebar=on", "mapping=a", "footprint=small", "hotpath=a"],
        None,
    ),
    (["pin", "1", "opt_pin.py", "https://host/pin/1?spin=2&inside=3"], None),
    # The names.
    *(
        ([f"{name}=hunter2"], [f"{name}=***"])
        for name in (
            *("db_pass", "DB_PASS_2", "passphrase", "signing_key", "AccountKey", "X-Api-Key"),
            *("cookie", "credentials", "sessionid", "basic_auth", "jwt", "sig", "my.secrets"),
            *("creds", "db_creds", "otp", "TOTP", "user-otp", "csrf", "_xsrf", "csrf_token"),
            *("pin", "PIN", "sid", "pw", "db_pw", "session", "web-session"),
        )
    ),
    (["--pass", "hunter2", "z"], ["--pass", "***", "z"]),
    (["--pw", "hunter2", "z"], ["--pw", "***", "z"]),
    (["sessions=3", "npwd.py", "basic", "x", "theme=basic", "basics x"], None),
    (["bearer", "hunter2", "z"], ["bearer", "***", "z"]),
    (
        ["header=Bearer hunter2", "x: basic hunter2", "Negotiate hunter2 z"],
        ["header=Bearer ***", "x: basic ***", "Negotiate ***"],
    ),
    (
        ["https://hunter2@host/a", "redis://hunter2@host", "next=https%3A%2F%2Fhunter2%40host"],
        ["https://***@host/a", "redis://***@host", "next=https%3A%2F%2F***%40host"],
    ),
    (["http://host/a@b", "http://host?a@b", "//a@b"], None),
    (["--pin", "123", "--otp=123", "z"], ["--pin", "***", "--otp=***", "z"]),
    (
        ["https://host/?a=b&sid=x", "pin: 123", "p%69n=1"],
        ["https://host/?a=b&sid=***", "pin: ***", "p%69n=***"],
    ),
    (["--db-secrets-x", "hunter2", "z"], ["--db-secrets-x", "***", "z"]),
    # What separates a name from its value.
    (["password:hunter2"], ["password:***"]),
    (["/password:hunter2"], ["/password:***"]),
    (["/password", "hunter2", "z"], ["/password", "***", "z"]),
    (["password", "hunter2", "z"], ["password", "***", "z"]),
    (["password", "=", "hunter2", "z"], ["password", "=", "***", "z"]),
    (["my.secrets=", "hunter2", "z"], ["my.secrets=", "***", "z"]),
    (["db password hunter2"], ["db password ***"]),
    (["x --secrets hunter2"], ["x --secrets ***"]),
    (['{"password": "hunter2"}'], ['{"password": ***']),
    (
        ["user[password]=hunter2", "user%5Bpassword%5D=hunter2"],
        ["user[password]=***", "user%5Bpassword%5D=***"],
    ),
    (["authorization=Bearer hunter2"], ["authorization=***"]),
    (["authorization=Bearer", "hunter2", "z"], ["authorization=***", "***", "z"]),
    (["Authorization:", "Basic", "hunter2", "z"], ["Authorization:", "***", "***", "z"]),
    (["-H", "X-My-Tokens: hunter2"], ["-H", "X-My-Tokens: ***"]),
    # Percent-encoded, and more than once.
    (
        ["db_url=mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dsa%3BPWD%3Dhunter2%3B"],
        ["db_url=mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dsa%3BPWD%3D***"],
    ),
    (
        ["u=a?b=PWD%253dhunter2", "u=a?b=PWD%25253Dhunter2"],
        ["u=a?b=PWD%253d***", "u=a?b=PWD%25253D***"],
    ),
    (
        ["/?p%61ssword=hunter2", "/?p%61ssword%3dhunter2"],
        ["/?p%61ssword=***", "/?p%61ssword%3d***"],
    ),
    (["Authorization%3A%20Basic%20hunter2"], ["Authorization%3A%20***"]),
    (["--p%61ssword", "hunter2", "z"], ["--p%61ssword", "***", "z"]),
    (["key%41=hunter2"], ["key%41=***"]),
    (
        ["a=http://h:80/?next=postgres%3A%2F%2Fjo%3Ahunter2%40db%2Fx"],
        ["a=http://h:80/?next=postgres%3A%2F%2Fjo%3A***%40db%2Fx"],
    ),
    (["http://host:80/?mail=a%40b", "100%", "%(here)s/a%20b", "%zz=%4", "a%3Db%3Bc%3Dd"], None),
    # The end of a value.
    (["password=a&hunter2"], ["password=***"]),
    (["password=a;hunter2"], ["password=***"]),
    (["Server=a;PWD=x;Database=b"], ["Server=a;PWD=***"]),
    (["https://host/?a=b&token=x#y"], ["https://host/?a=b&token=***"]),
    # URLs.
    *(
        ([f"url=postgresql://{user}:{password}@db/x"], [f"url=postgresql://{user}:***@db/x"])
        for user in ("jo", "jo@corp")
        for password in ("hunter2", "hun/hunter2", "hun#hunter2", "hun?x", "x@y:z", "x y", "80/x")
    ),
]


@pytest.mark.parametrize(("words", "shown"), WORDS, ids=str)
def test_the_words_of_a_command_line(words, shown):
    assert masked_words(words) == (shown or words)
    assert masked_words(masked_words(words)) == masked_words(words)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("-m  iiswsgi\tserve app.ini ", "-m  iiswsgi\tserve app.ini "),
        ("serve a.ini db_password=x  threads=3", "serve a.ini db_password=***  threads=3"),
        ('serve "db_password=x y" z', 'serve "db_password=***" z'),
        ('serve db_password="x y" z', "serve db_password=*** z"),
        (r'serve "db_password=x\" y" z', 'serve "db_password=***" z'),
        (r"serve db_password=x\" y", r"serve db_password=*** y"),
        ('serve "--pass" "x y" z', 'serve "--pass" *** z'),
        ("serve --pass hunter2 z", "serve --pass *** z"),
        ('serve "db_password=x y', 'serve "db_password=***'),
        ("C:\\my.exe|-m x --token=y", "C:\\my.exe|-m x --token=***"),
    ],
)
def test_a_command_line_that_is_one_text(text, shown):
    assert masked_line(text) == shown


@pytest.mark.parametrize(
    "name", ["HTTP_COOKIE", "AUTH_PASSWORD", "HTTP_X_PWD", "HTTP_X_CREDENTIAL"]
)
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["AUTH_USER", "AUTH_TYPE", "HTTPS_SECRETKEYSIZE", "PATH_INFO", ""])
def test_other_names(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    "word",
    ["token", "x", "a=", "token ", "://a:", '\\"', '"', "%", "key]'", "%3A", "%253D%3A", "%25"],
)
def test_a_long_word_takes_no_long_time(word):
    began = time.perf_counter()
    for end in ("", "@", "=", "x"):
        masked_line(word * 10000 + end)
        masked_words([word * 10000 + end, "://"])
    assert time.perf_counter() - began < 30  # by the square of the length, minutes
