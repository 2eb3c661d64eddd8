"""A framework that lies beside the sites it serves, and opens their files by relative paths."""

import html
import json
import os
import re
from urllib.parse import quote


def home(environ):
    return "text/html", [
        f'<a href="{environ["SCRIPT_NAME"]}/hello/{quote("Zoë")}">hello</a>'.encode()
    ]


def hello(environ):
    name = environ["PATH_INFO"].rpartition("/")[2].encode("latin-1").decode()
    with open(os.path.join("applications", "greeting.txt"), encoding="utf-8") as file:
        return "text/html", [file.read().strip().replace("NAME", html.escape(name)).encode()]


def upload(environ):
    boundary = environ["CONTENT_TYPE"].partition("boundary=")[2].encode()
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    head, _, rest = body.partition(b"\r\n\r\n")
    content = rest[: rest.index(b"\r\n--" + boundary)]
    name = re.search(rb'filename="(.+?)"', head)[1].decode()
    found = {"name": name, "size": len(content)}
    return "application/json", [json.dumps(found).encode()]


def stream(environ):
    return "text/plain", (f"line {number}\n".encode() for number in range(3))


def fail(environ):
    raise RuntimeError("raised on request")


PAGES = {"": home, "hello": hello, "upload": upload, "stream": stream, "fail": fail}


def answer(environ, start_response):
    page = PAGES[environ["PATH_INFO"].split("/")[1]]
    content_type, body = page(environ)
    start_response("200 OK", [("Content-Type", f"{content_type}; charset=utf-8")])
    return body
