"""A well-behaved worker, written by hand from the FastCGI specification: no iiswsgi in it.

The last part of PATH says what to do with a request; see ``answer``.
"""

import os
import signal
import struct
import sys
import time

HEADER = struct.Struct("!BBHHBx")
GIVEN = dict(os.environ)


def read_exactly(count):
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            sys.exit(0)
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
        data = data[os.write(0, data) :]


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
    return dict(zip(out[::2], out[1::2]))


def end(request_id, status=0):
    send(3, request_id, struct.pack("!LB3x", 0, status))


def serve():
    served = 0
    while True:
        kind, request_id, content = read_record()
        if kind != 1:
            continue
        params = b""
        body = b""
        while True:
            kind, this_id, content = read_record()
            if kind == 1:
                end(this_id, 1)
            elif kind == 4:
                params += content
            elif kind == 5 and content:
                body += content
            elif kind == 5:
                break
            elif kind == 9:
                send(10, 0, b"")
        served += 1
        answer(request_id, pairs(params), body, served)


def page(request_id, text, head=b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"):
    send(6, request_id, head + text)


def answer(request_id, variables, body, served):
    what, _, argument = variables.get("DO", "").partition(" ")
    if what == "":
        page(request_id, b"hello")
    elif what == "pid":
        page(request_id, str(os.getpid()).encode())
    elif what == "served":
        page(request_id, str(served).encode())
    elif what == "variables":
        text = "".join("%s=%s\n" % pair for pair in variables.items())
        page(request_id, text.encode("latin-1"))
    elif what == "environment":
        page(request_id, "".join("%s=%s\n" % pair for pair in GIVEN.items()).encode("utf-8"))
    elif what == "cwd":
        page(request_id, os.getcwd().encode("utf-8"))
    elif what == "argv":
        page(request_id, "\n".join(sys.argv[1:]).encode("utf-8"))
    elif what == "body":
        page(request_id, body)
    elif what == "id":
        page(request_id, str(request_id).encode())
    elif what == "streams":
        page(request_id, repr((sys.stdin is None, sys.stdout is None, sys.stderr is None)).encode())
    elif what == "big":
        page(request_id, b"x" * int(argument))
    elif what == "head":
        send(6, request_id, argument.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    elif what == "sleep":
        time.sleep(float(argument))
        page(request_id, b"slept")
    elif what == "drip":
        page(request_id, b"first,")
        time.sleep(float(argument))
        send(6, request_id, b"second")
    elif what == "stderr":
        send(7, request_id, argument.encode("latin-1"))
        page(request_id, b"after stderr")
    elif what == "exit":
        os._exit(int(argument))
    elif what == "half":
        page(request_id, b"half a respon")
        os._exit(int(argument))
    elif what == "late-exit":
        page(request_id, b"bye")
        end(request_id)
        os._exit(int(argument))
    elif what == "garbage":
        write(b"Traceback: print() went to the pipe\n" * 5)
    elif what == "wrong-id":
        send(6, request_id + 1, b"Status: 200 OK\r\n\r\n")
    elif what == "wrong-type":
        send(11, request_id, b"")
    elif what == "after-end":
        page(request_id, b"whole")
        write(HEADER.pack(1, 3, request_id, 8, 0) + bytes(8) + HEADER.pack(1, 6, request_id, 0, 0))
        return
    elif what == "refuse":
        return end(request_id, 3)
    elif what == "zero":
        zero_bytes()
        time.sleep(60)
    elif what == "close":
        os.close(0)
        time.sleep(60)
    elif what == "log":
        log(argument)
        page(request_id, b"logged")
    elif what == "log-exit":
        log(argument)
        os._exit(7)
    end(request_id)


def zero_bytes():
    import _winapi
    import msvcrt

    _winapi.WriteFile(msvcrt.get_osfhandle(0), b"")


def log(text):
    folder = os.path.join(GIVEN["IIS_USER_HOME"], "Logs", GIVEN["IISEXPRESS_SITENAME"])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "iiswsgi.log"), "a", encoding="utf-8") as file:
        file.write("2026-01-02T03:04:05.678Z %d INFO app: %s\n" % (os.getpid(), text))


class Stop(Exception):
    pass


if __name__ == "__main__":
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        event = os.environ.get("_FCGI_SHUTDOWN_EVENT_")
        if event:
            import _winapi
            import threading

            def wait():
                _winapi.WaitForSingleObject(int(event), _winapi.INFINITE)
                os._exit(0)

            threading.Thread(target=wait, daemon=True).start()
    if "--start-fails" in sys.argv:
        log("no module named app")
        os._exit(5)
    serve()
