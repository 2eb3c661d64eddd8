"""What an application says on ``wsgi.errors`` goes to both."""

import io

from iiswsgi.fastcgi.errorstream import ErrorStream


def test_error_text_goes_to_the_log_and_to_the_web_server():
    sent, log = [], io.StringIO()
    stream = ErrorStream(log, sent.append)
    assert stream.write("caf\xe9 \ud800") == 6
    stream.writelines(["a", "b"])
    stream.flush()
    assert log.getvalue() == "caf\xe9 \ud800ab"
    assert b"".join(sent) == b"caf\xc3\xa9 \\ud800ab"
