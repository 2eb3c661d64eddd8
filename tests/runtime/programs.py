"""Small programs that use the runtime as a process of its own does."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

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

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8")
