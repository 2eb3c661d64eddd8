"""What an application may do to its standard streams, in a process that has put its wire away.

Arguments: what STDIN is, ``pipe`` or ``socket``; the folder of the package; ``no-console`` where
a child without redirection gets a console of its own, for Wine has none to give.
"""

import multiprocessing
import os
import subprocess
import sys

CHILD = """
import sys
print('from child', repr(sys.stdin.read()))
print('error', file=sys.stderr)
"""


def work(queue, console):
    if console:
        print("from multiprocessing", flush=True)
    queue.put("done")


def write():
    print("printed")
    sys.stderr.write("complained\n")
    sys.stdout.buffer.write(b"bytes\n")
    os.write(1, b"raw 1\n")
    os.write(2, b"raw 2\n")


def read():
    assert sys.stdin.read() == ""
    assert sys.__stdin__.read() == ""
    assert os.read(0, 1) == b""
    try:
        input("prompt\n")
    except EOFError:
        print("end of input")


def start_programs():
    command = [sys.executable, "-c", CHILD]
    for options in ({}, {"close_fds": False}):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **options)
        subprocess.run(command, check=True, stdout=sys.stdout, stderr=sys.stderr, **options)
        result = subprocess.run(command, capture_output=True, text=True, check=True, **options)
        assert (result.stdout, result.stderr) == ("from child ''\n", "error\n"), result
    assert os.system("echo from shell") == 0


def start_worker(console):
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=work, args=(queue, console))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert queue.get() == "done"


def answer(wire):
    if sys.platform == "win32":
        import msvcrt

        wire = msvcrt.open_osfhandle(wire, 0)
    assert not os.get_inheritable(wire)
    assert os.read(wire, 100) == b"request"
    os.write(wire, b"response")


def main():
    kind, folder, *rest = sys.argv[1:]
    sys.path.insert(0, folder)
    from iiswsgi.runtime import log, stdio

    the_log = log.start()
    wire = stdio.take_stdin(kind)
    stdio.make_harmless(the_log)
    write()
    read()
    start_programs()
    start_worker(rest != ["no-console"])
    answer(wire)
    the_log.begun()


if __name__ == "__main__":
    main()
