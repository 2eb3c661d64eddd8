"""A worker written by hand from the FastCGI specification: no iiswsgi in it.

The variable DO of a request says what to do with it, good or bad; see SHOW and DO.
"""

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

if sys.platform == "win32":
    import _winapi
    import msvcrt

HEADER = struct.Struct("!BBHHBx")
GIVEN = dict(os.environ)
STOP = threading.Event()


class Pipe:
    """File descriptor 0, whatever it is, read and written by one thread."""

    def read(self, count):
        return os.read(0, count)

    def write(self, data):
        return os.write(0, data)

    def readable(self, seconds):
        if sys.platform != "win32":
            return select.select([0], [], [], seconds)[0]
        handle = msvcrt.get_osfhandle(0)
        try:
            if _winapi.PeekNamedPipe(handle)[0]:
                return True
        except BrokenPipeError:
            return True
        time.sleep(min(seconds, 0.005))
        return False


class Tcp:
    """The connection to a listening socket that is file descriptor 0."""

    def __init__(self):
        fileno = msvcrt.get_osfhandle(0) if sys.platform == "win32" else 0
        # Wine cannot find out the type of a socket that was inherited; everybody can be told.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=fileno)
        self.socket = listener.accept()[0]

    def read(self, count):
        return self.socket.recv(count)

    def write(self, data):
        return self.socket.send(data)

    def readable(self, seconds):
        return select.select([self.socket], [], [], seconds)[0]


def leave():
    """End as an interpreter does: at the very end it minds no signals, and takes its time."""
    if "--leaves-with-1" not in sys.argv:
        sys.exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(0.3)
    sys.exit(1)


def read_exactly(count):
    data = b""
    while len(data) < count:
        piece = STREAM.read(count - len(data))
        if not piece:
            leave()
        data += piece
    return data


def read_record():
    version, kind, request_id, length, padding = HEADER.unpack(read_exactly(8))
    assert version == 1
    content = read_exactly(length)
    read_exactly(padding)
    return kind, request_id, content


def send(kind, request_id, content):
    data = b""
    while True:
        part, content = content[:60000], content[60000:]
        data += HEADER.pack(1, kind, request_id, len(part), 0) + part
        if not content:
            break
    write(data)


def write(data):
    while data:
        data = data[STREAM.write(data) :]


def pairs(data):
    out = []
    position = 0
    while position < len(data):
        lengths = []
        for _ in range(2):
            length = data[position]
            position += 1
            if length > 127:
                length = struct.unpack(
                    "!L", bytes((length & 127,)) + data[position : position + 3]
                )[0]
                position += 3
            lengths.append(length)
        out.append(data[position : position + lengths[0]].decode("latin-1"))
        position += lengths[0]
        out.append(data[position : position + lengths[1]].decode("latin-1"))
        position += lengths[1]
    return dict(zip(out[::2], out[1::2], strict=True))


def end(request_id, status=0):
    send(3, request_id, struct.pack("!LB3x", 0, status))


class Request:
    def __init__(self, request_id, variables, body, number):
        self.id = request_id
        self.variables = variables
        self.body = body
        self.number = number


def read_request(request_id, number):
    params = body = b""
    while True:
        kind, this_id, content = read_record()
        if kind == 1:
            end(this_id, 1)
        elif kind == 2:
            return None
        elif kind == 4 and not content and "--early" in sys.argv:
            page(request_id, b"the body is left where it is")
            end(request_id)
            time.sleep(60)
        elif kind == 4:
            params += content
        elif kind == 5 and content:
            body += content
        elif kind == 5:
            return Request(request_id, pairs(params), body, number)
        elif kind == 9:
            send(10, 0, b"")
        elif this_id == 0:
            send(11, 0, bytes((kind,)) + bytes(7))


def serve():
    served = 0
    while True:
        while not STREAM.readable(0.05):
            if STOP.is_set() and not STREAM.readable(0):
                leave()
        kind, request_id, _ = read_record()
        if kind != 1:
            continue
        served += 1
        request = read_request(request_id, served)
        if request is None:
            end(request_id)
        else:
            answer(request)


def page(request_id, text):
    send(6, request_id, b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n" + text)


def lines(pairs):
    return "".join(f"{name}={value}\n" for name, value in pairs).encode("utf-8")


# Texts that a page shows, by the first word of the variable DO. Each gets the request.
SHOW = {
    "": lambda request: b"hello",
    "pid": lambda request: str(os.getpid()).encode(),
    "served": lambda request: str(request.number).encode(),
    "variables": lambda request: lines(request.variables.items()),
    "environment": lambda request: lines(GIVEN.items()),
    "cwd": lambda request: os.getcwd().encode(),
    "argv": lambda request: "\n".join(sys.argv[1:]).encode(),
    "body": lambda request: request.body,
    "id": lambda request: str(request.id).encode(),
    "streams": lambda request: repr((sys.stdout, sys.stderr)).encode(),
    "big": lambda request: b"x" * int(request.argument),
    "sleep": lambda request: time.sleep(float(request.argument)) or b"slept",
    "log": lambda request: log(request.argument) or b"logged",
}


# What else may be done, well or badly; END_REQUEST follows if they come back.


def head(request):
    send(6, request.id, request.argument.replace("|", "\r\n").encode("latin-1"))


def drip(request):
    page(request.id, b"first,")
    time.sleep(float(request.argument))
    send(6, request.id, b"second")


def stderr(request):
    send(7, request.id, request.argument.encode("latin-1"))
    page(request.id, b"after stderr")


def late_stderr(request):
    page(request.id, b"before stderr")
    time.sleep(0.3)
    send(7, request.id, request.argument.encode("latin-1"))


def exit_now(request):
    os._exit(int(request.argument))


def half(request):
    page(request.id, b"half a respon")
    time.sleep(0.3)
    os._exit(int(request.argument))


def late_exit(request):
    page(request.id, b"bye")
    end(request.id)
    os._exit(int(request.argument))


def garbage(request):
    write(b"Traceback: print() went to the pipe\n" * 5)


def wrong_id(request):
    send(6, request.id % 65535 + 1, b"Status: 200 OK\r\n\r\n")


def wrong_type(request):
    send(11, request.id, b"")


def after_end(request):
    page(request.id, b"whole")
    write(HEADER.pack(1, 3, request.id, 8, 0) + bytes(8))
    time.sleep(float(request.argument))
    send(6, request.id, b"more")


def refuse(request):
    end(request.id, 3)


def zero(request):
    _winapi.WriteFile(msvcrt.get_osfhandle(0), b"")
    time.sleep(60)


def close(request):
    os.close(0)
    time.sleep(60)


def orphan(request):
    """Leave a process behind that holds the connection open."""
    sleep = [sys.executable, "-c", "import time; time.sleep(3)"]
    subprocess.Popen(sleep, stdin=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os._exit(9)


def child(request):
    """Start a process that would outlive this one, and holds the named pipe open as long."""
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with open(request.argument, "wb") as file:
        null = subprocess.DEVNULL
        subprocess.Popen(sleep, stdin=null, stdout=file, stderr=null)
    page(request.id, b"started")


def log_exit(request):
    log(request.argument)
    os._exit(7)


DO = {
    "head": head,
    "drip": drip,
    "stderr": stderr,
    "late-stderr": late_stderr,
    "exit": exit_now,
    "half": half,
    "late-exit": late_exit,
    "garbage": garbage,
    "wrong-id": wrong_id,
    "wrong-type": wrong_type,
    "after-end": after_end,
    "refuse": refuse,
    "zero": zero,
    "close": close,
    "log-exit": log_exit,
    "orphan": orphan,
    "child": child,
}


def answer(request):
    what, _, request.argument = request.variables.get("DO", "").partition(" ")
    if what in SHOW:
        page(request.id, SHOW[what](request))
    else:
        DO[what](request)
    end(request.id)


def log(text):
    folder = os.path.join(GIVEN["IIS_USER_HOME"], "Logs", GIVEN["IISEXPRESS_SITENAME"])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "iiswsgi.log"), "a", encoding="utf-8") as file:
        file.write(f"2026-01-02T03:04:05.678Z {os.getpid()} - INFO app: {text}\n    more of it\n")


def stop_on_event():
    def wait():
        _winapi.WaitForSingleObject(int(GIVEN["_FCGI_SHUTDOWN_EVENT_"]), _winapi.INFINITE)
        STOP.set()

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    if "--start-fails" in sys.argv:
        log("no module named app")
        os._exit(5)
    if "--slow-start" in sys.argv:
        time.sleep(1)
    if "--deaf" not in sys.argv:
        if "_FCGI_SHUTDOWN_EVENT_" in GIVEN:
            stop_on_event()
        elif sys.platform != "win32":
            signal.signal(signal.SIGTERM, lambda number, frame: STOP.set())
    if sys.platform == "win32":
        msvcrt.setmode(0, os.O_BINARY)
    if "--connect" in sys.argv:
        # On a synchronous handle it waits and succeeds, which _winapi takes for an error.
        with contextlib.suppress(OSError):
            connecting = _winapi.ConnectNamedPipe(msvcrt.get_osfhandle(0), overlapped=True)
            connecting.GetOverlappedResult(True)
    STREAM = Tcp() if "--tcp" in sys.argv else Pipe()
    serve()
