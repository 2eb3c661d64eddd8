"""The application that misbehaves on request, with what only other web servers need to be asked."""

from __future__ import annotations

import os
import time

from fixtureapps import app


def make_app(global_conf, **local_conf):
    return application


def application(environ, start_response):
    name, _, rest = environ["PATH_INFO"].strip("/").partition("/")
    route = ROUTES.get(name)
    if route is None:
        return app.application(environ, start_response)
    return route(environ, start_response, rest)


def big_headers(environ, start_response, rest):
    """REST bytes of response headers, in lines of a thousand."""
    lines = int(rest) // 1000
    start_response(
        "200 OK",
        [("Content-Type", "text/plain"), *((f"X-Big-{n}", "v" * 988) for n in range(lines))],
    )
    return [b"big\n"]


def late(environ, start_response, rest):
    """Fail after the first chunk, when REST seconds have brought it to the client."""
    start_response("200 OK", [("Content-Type", "text/plain")])

    def chunks():
        yield b"first chunk\n"
        time.sleep(float(rest))
        raise RuntimeError("late on request")

    return chunks()


def cut_short(environ, start_response, rest):
    """Promise 1000 bytes, fail after 12."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1000")])

    def chunks():
        yield b"first chunk\n"
        raise RuntimeError("cut short on request")

    return chunks()


def gone(environ, start_response, rest):
    """Leave the process after the first chunk, when REST seconds have brought it to the client."""
    start_response("200 OK", [("Content-Type", "text/plain")])

    def chunks():
        yield b"first chunk\n"
        time.sleep(float(rest))
        os._exit(7)

    return chunks()


ROUTES = {"big-headers": big_headers, "cut-short": cut_short, "gone": gone, "late": late}
