"""WSGI applications that misbehave on request, for tests of the whole process.

``make_app`` is a Paste application factory: ``paste.app_factory = fixtureapps.app:make_app``.
The first segment of PATH_INFO names the route; what a route does is its docstring.
"""

from __future__ import annotations

import faulthandler
import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from urllib.parse import parse_qs
from wsgiref.validate import validator

CHUNK = bytes(range(256)) * 256
"""64 KiB in which every byte value occurs; what /size repeats."""


def make_app(global_conf, **local_conf):
    return application


def make_broken_app(global_conf, **local_conf):
    """Cannot be loaded."""
    print("about to fail")
    raise RuntimeError("this application cannot be loaded")


def make_unshowable_app(global_conf, **local_conf):
    """Cannot be loaded, and Python cannot show why."""
    raise_unshowable({}, None, "")


def make_linted_app(global_conf, **local_conf):
    """The same, with wsgiref's lint between it and the server: an AssertionError if either errs."""
    return validator(application)


def application(environ, start_response):
    name, _, rest = environ["PATH_INFO"].strip("/").partition("/")
    route = ROUTES.get(name)
    if route is None:
        return text(start_response, f"no route {name!r}\n", status="404 Not Found")
    return route(environ, start_response, rest)


def text(start_response, content, status="200 OK", content_type="text/plain; charset=utf-8"):
    body = content.encode("utf-8")
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def query(environ, name, default):
    [value] = parse_qs(environ.get("QUERY_STRING", "")).get(name, [default])
    return type(default)(value)


def home(environ, start_response, rest):
    """Say hello."""
    return text(start_response, "hello\n")


def echo(environ, start_response, rest):
    """Return the body, piece by piece, as it comes."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return iter(lambda: environ["wsgi.input"].read(65536), b"")


def count(environ, start_response, rest):
    """Read the whole body and say how long it is and what its SHA-256 is."""
    length, digest = 0, hashlib.sha256()
    for piece in iter(lambda: environ["wsgi.input"].read(65536), b""):
        length += len(piece)
        digest.update(piece)
    return text(start_response, json.dumps({"length": length, "sha256": digest.hexdigest()}))


def stream(environ, start_response, rest):
    """Yield REST chunks (3), ?pause=SECONDS apart (0.2)."""
    pause = query(environ, "pause", 0.2)
    start_response("200 OK", [("Content-Type", "text/plain")])

    def chunks():
        for number in range(int(rest or 3)):
            if number:
                time.sleep(pause)
            yield f"chunk {number}\n".encode()

    return chunks()


def sleep(environ, start_response, rest):
    """Answer after REST seconds."""
    time.sleep(float(rest or 1))
    return text(start_response, f"slept {rest}\n")


def raise_(environ, start_response, rest):
    """Fail before the head."""
    raise RuntimeError("raised on request: secret-detail")


def raise_unshowable(environ, start_response, rest):
    """Fail as a template engine does that gives Python its source as bytes."""
    raise SyntaxError("in a template", ("page.pt", 1, 1, b"<a"))


def raise_late(environ, start_response, rest):
    """Fail after the first chunk."""
    start_response("200 OK", [("Content-Type", "text/plain")])

    def chunks():
        yield b"first chunk\n"
        raise RuntimeError("raised late on request")

    return chunks()


def exit_(environ, start_response, rest):
    """Leave the process at once with status REST, as a crash would."""
    os._exit(int(rest or 7))


def crash(environ, start_response, rest):
    """Crash as C code does; ctypes makes an exception of it on Windows."""
    for stream in (sys.stdout, environ["wsgi.errors"]):
        stream.write(f"about to crash {rest}")
        stream.flush()
    faulthandler._sigsegv()


def system_exit(environ, start_response, rest):
    """Raise SystemExit."""
    sys.exit(int(rest or 7))


def print_half(environ, start_response, rest):
    """Print without a newline."""
    print(f"half {rest} without its newline", end="")
    return text(start_response, "printed\n")


def print_wrapped(environ, start_response, rest):
    """Print after a usual line about the encoding of STDOUT, which makes it a buffered stream."""
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    print(f"wrapped {rest}")
    return text(start_response, "printed\n")


def print_(environ, start_response, rest):
    """Write REST by every way a program has to write something."""
    mark = rest or "mark"
    print(f"{mark} print")
    print(f"{mark} stderr", file=sys.stderr)
    sys.stdout.flush()
    logging.getLogger("fixtureapps").warning("%s logging", mark)
    warnings.warn(f"{mark} warning", stacklevel=1)
    environ["wsgi.errors"].write(f"{mark} wsgi.errors\n")
    environ["wsgi.errors"].flush()
    os.write(1, f"{mark} fd 1\n".encode())
    os.write(2, f"{mark} fd 2\n".encode())
    program = "import sys; print(sys.argv[1], 'stdout'); sys.exit(sys.argv[1] + ' stderr')"
    subprocess.run([sys.executable, "-c", program, f"{mark} child"], check=False)
    handed = [sys.executable, "-c", program, f"{mark} handed"]
    subprocess.run(handed, stdout=1, stderr=2, check=False)
    program = "import sys; sys.stdout.write(repr(sys.stdin.read()))"
    piped = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    return text(start_response, f"child read {piped.stdout.decode()} from its stdin\n")


def env(environ, start_response, rest):
    """The WSGI environ, os.environ and the process, as JSON."""
    content = {
        "environ": {name: value for name, value in environ.items() if isinstance(value, str)},
        "others": {k: repr(v) for k, v in environ.items() if not isinstance(v, str)},
        "os": dict(os.environ),
        "pid": os.getpid(),
        "cwd": os.getcwd(),
        "argv": sys.argv,
        "executable": sys.executable,
    }
    return text(
        start_response, json.dumps(content, sort_keys=True), content_type="application/json"
    )


def size(environ, start_response, rest):
    """REST bytes, made of CHUNK."""
    wanted = int(rest)
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(wanted))]
    start_response("200 OK", headers)

    def chunks(left):
        while left:
            yield CHUNK[:left]
            left -= min(left, len(CHUNK))

    return chunks(wanted)


def read_partial(environ, start_response, rest):
    """Read REST bytes (10) of the body, leave the others."""
    piece = environ["wsgi.input"].read(int(rest or 10))
    return text(start_response, f"read {len(piece)}\n")


def write_callable(environ, start_response, rest):
    """Use the write callable of PEP 3333, then return an iterable too."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written ")
    write(b"twice, ")
    return [b"then returned\n"]


def file(environ, start_response, rest):
    """A file of REST bytes (100000) through wsgi.file_wrapper."""
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - the wrapper's close() closes it
    handle.write((CHUNK * (int(rest or 100000) // len(CHUNK) + 1))[: int(rest or 100000)])
    handle.seek(0)
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](handle, 32768)


def status(environ, start_response, rest):
    """Answer with the status REST; without a body where HTTP allows none."""
    code = int(rest or 200)
    if code in (204, 304):
        start_response(f"{code} As Asked", [])
        return []
    return text(start_response, f"status {code}\n", status=f"{code} As Asked")


def pid(environ, start_response, rest):
    """The process id."""
    return text(start_response, str(os.getpid()))


def detach(environ, start_response, rest):
    """Start a process that lives REST seconds, and do not wait for it."""
    program = f"import time; time.sleep({int(rest)})"
    subprocess.Popen([sys.executable, "-c", program], close_fds=False)
    return text(start_response, "detached\n")


def fork(environ, start_response, rest):
    """Fork; the child ends as REST says, the parent answers with how it did."""
    child = os.fork()
    if not child:
        if rest == "exit":
            sys.exit(7)
        return text(start_response, "the child's answer\n")
    _, status = os.waitpid(child, 0)
    return text(start_response, f"the child ended with {os.waitstatus_to_exitcode(status)}\n")


def handles(environ, start_response, rest):
    """How many handles or descriptors this process has open."""
    if sys.platform != "win32":
        return text(start_response, str(len(os.listdir("/proc/self/fd"))))
    import ctypes

    number = ctypes.c_uint32()
    kernel32 = ctypes.WinDLL("kernel32")
    process = ctypes.c_void_p(-1)  # the pseudo-handle "this process"
    kernel32.GetProcessHandleCount(process, ctypes.byref(number))
    return text(start_response, str(number.value))


def cpu(environ, start_response, rest):
    """The seconds of CPU that this process has used."""
    return text(start_response, str(time.process_time()))


def modules(environ, start_response, rest):
    """The modules this process has imported, as JSON."""
    return text(start_response, json.dumps(sorted(sys.modules)))


ROUTES = {
    "": home,
    "echo": echo,
    "count": count,
    "stream": stream,
    "sleep": sleep,
    "raise": raise_,
    "raise-late": raise_late,
    "raise-unshowable": raise_unshowable,
    "exit": exit_,
    "crash": crash,
    "system-exit": system_exit,
    "print": print_,
    "print-half": print_half,
    "print-wrapped": print_wrapped,
    "env": env,
    "size": size,
    "read-partial": read_partial,
    "write-callable": write_callable,
    "file": file,
    "fork": fork,
    "status": status,
    "pid": pid,
    "detach": detach,
    "handles": handles,
    "cpu": cpu,
    "modules": modules,
}
