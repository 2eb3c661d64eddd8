"""What workers leave behind: their log, read line by line, and their temporary files."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections import Counter

RECORD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+ (?:\d+|-) [A-Z]+ [\w.-]+: .*\S.*")
DETAIL = re.compile(r"    .*")
WHOLE_MARK = re.compile(r"mark (\w+) x{3000} end of \1")


def log_texts(folder):
    """The text of each log below *folder*, rotated ones too."""
    return [path.read_bytes() for path in sorted(folder.rglob("iiswsgi*.log"))]


def broken_lines(text):
    """What is neither a record's beginning nor an indented line below one.

    >>> broken_lines(b"2026-01-02T03:04:05.678Z 9 - INFO a.b: c\n    d\nand e\n")
    ['and e']
    """
    *lines, rest = text.decode("utf-8", "replace").split("\n")
    broken = [line for line in lines if not RECORD.fullmatch(line) and not DETAIL.fullmatch(line)]
    if lines and DETAIL.fullmatch(lines[0]):
        broken.insert(0, lines[0])
    # A mark within a line shows what a time at its beginning does not: the line's own end.
    marked = [line for line in lines if ": mark " in line]
    broken += [line for line in marked if not WHOLE_MARK.fullmatch(line.partition(": ")[2])]
    return broken + [rest] * bool(rest)


def marks(text):
    """How often each name was marked by a line of the log."""
    return Counter(re.findall(r": mark (\w+) ", text.decode("utf-8", "replace")))


def stamp():
    """The time now, as the log writes it."""
    now = time.time()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{seconds}.{int(now % 1 * 1000):03}Z"


def records(text, pid, code):
    """The records of one process with a code: their times, and all their lines."""
    record = rf"(?m)^(\S+) {pid} \S+ \w+ \S+ ({code}:.*\n(?:    .*\n)*)"
    return re.findall(record, text.decode("utf-8", "replace"))


def codes(text):
    """How often each code was logged."""
    return Counter(re.findall(r": (IISWSGI-[A-Z]\d\d):", text.decode("utf-8", "replace")))


class _Codes(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = Counter()

    def emit(self, record):
        self.found[record.getMessage().partition(":")[0]] += 1


@contextlib.contextmanager
def counting_codes():
    """How often this process, which is the stand-in's, logs each code in the block."""
    handler = _Codes()
    logger = logging.getLogger("iiswsgi.host")
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


class SpoolWatch:
    """Counts the temporary files in use, so that "none is left" does not mean "none was there".

    On Windows they have names; on Linux only the descriptors of the workers show them.
    """

    def __init__(self, folder, pids):
        self.now = 0
        self.most = 0
        self._folder = folder
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        while not self._stop.wait(0.02):
            self.now = max(len(os.listdir(self._folder)), self._descriptors())
            self.most = max(self.most, self.now)

    def _descriptors(self):
        if sys.platform != "linux":
            return 0
        links = [link for pid in self._pids() for link in _targets(f"/proc/{pid}/fd")]
        return sum(link.startswith(str(self._folder)) for link in links)


def _targets(folder):
    """Where the links of a process's descriptors lead; both may go any time."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                yield os.readlink(f"{folder}/{name}")
