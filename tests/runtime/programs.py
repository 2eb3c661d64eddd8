"""Small programs that use the runtime as a process of its own does."""

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.fastcgi.helpers import request_bytes

ROOT = Path(__file__).parents[2]


class Programs:
    """Runs programs whose log is in a folder of the test's."""

    def __init__(self, folder):
        self.folder = folder
        self.log_path = folder / "home" / "Logs" / "My Site" / "iiswsgi.log"
        self.environ = {
            "IIS_USER_HOME": str(folder / "home"),
            "IISEXPRESS_SITENAME": "My Site",
            "PYTHONPATH": str(ROOT),
        }

    def write(self, program):
        """The program as a file; it finds what all of them need imported."""
        script = self.folder / "program.py"
        head = "import logging, os, subprocess, sys\nfrom iiswsgi.runtime import log, stdio\n"
        script.write_text(head + textwrap.dedent(program), encoding="utf-8")
        return str(script)

    def run(self, program, **options):
        """Run the program to its end."""
        return self.run_file(self.write(program), **options)

    def run_file(self, script, *arguments, **options):
        """Run a program that has a file of its own."""
        defaults = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60}
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            env={**os.environ, **self.environ},
            **{**defaults, **options},
            check=False,
        )

    def ask_served(self, application, terminate=True, **settings):
        """One answer of an application that a process serves on a listening STDIN; not on Windows.

        :param application: the body of ``def app(environ, start_response)``.
        :param terminate: whether to end the process, which otherwise is to end by itself.
        """
        body = textwrap.indent(textwrap.dedent(application), "    ")
        script = self.write(
            f"from iiswsgi import server\n\n"
            f"def app(environ, start_response):\n{body}\n"
            f"server.serve(app, **{settings!r})\n"
        )
        request = request_bytes(params={"REQUEST_METHOD": "GET", "REQUEST_URI": "/"})
        with socket.create_server(("127.0.0.1", 0)) as listener:
            process = subprocess.Popen(
                [sys.executable, script], stdin=listener, env={**os.environ, **self.environ}
            )
            try:
                with socket.create_connection(listener.getsockname(), 20) as sock:
                    sock.sendall(request)
                    return sock.recv(1000)
            finally:
                if terminate:
                    process.terminate()
                try:
                    process.wait(20)
                finally:
                    process.kill()
                    process.wait()

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8")
