"""Headless Chromium with a page in it, driven through its debugging pipe.

The command line alone cannot show a page as a telephone does; the DevTools protocol can. Messages
are JSON, each ended by a zero byte; Chromium reads them from descriptor 3 and writes to 4.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

DESKTOP = {"width": 1100, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}

_BETWEEN = "import os, sys; r, w = map(int, sys.argv[1:3]); os.dup2(r, 3); os.dup2(w, 4); "
_START = _BETWEEN + "os.execv(sys.argv[3], sys.argv[3:])"


def find():
    """Chromium's program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page, opened again and again."""

    def __init__(self, commands, answers):
        self._commands, self._answers = commands, answers
        self._rest, self._number, self._session = b"", 0, None
        self._events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Ask for something and wait for the answer; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def _next(self):
        while b"\0" not in self._rest:
            data = os.read(self._answers.fileno(), 1 << 20)
            assert data, "Chromium has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, url, screen=DESKTOP, *, dark=False):
        """Load a page; gives what Chromium found wrong with it, such as a script against a CSP."""
        self.call("Emulation.setDeviceMetricsOverride", **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        return self._load(lambda: self.call("Page.navigate", url=url))

    def follow(self, script):
        """Run JavaScript that leads to another page; gives the same as open()."""
        return self._load(lambda: self.value(script))

    def _load(self, begin):
        self._events.clear()
        begin()
        while all(event.get("method") != "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())
        return [
            event["params"]["entry"]["text"]
            for event in self._events
            if event.get("method") == "Log.entryAdded"
            # Chromium asks for it of its own accord, once for each site.
            and not event["params"]["entry"].get("url", "").endswith("/favicon.ico")
        ]

    @contextlib.contextmanager
    def sending(self, headers):
        """Let each request have these headers too."""
        self.call("Network.setExtraHTTPHeaders", headers=headers)
        try:
            yield
        finally:
            self.call("Network.setExtraHTTPHeaders", headers={})

    def value(self, expression):
        """What some JavaScript gives."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path):
        """The whole page as a PNG file."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextlib.contextmanager
def browsing(profile):
    """A browser with a new profile in this folder; ended at the end."""
    command = [
        find(),
        "--headless=new",
        "--remote-debugging-pipe",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        f"--user-data-dir={profile}",
    ]
    if os.geteuid() == 0:  # as in CI; Chromium refuses its sandbox there
        command.append("--no-sandbox")
    its_commands, commands = os.pipe()
    answers, its_answers = os.pipe()
    numbers = (_away(its_commands), _away(its_answers))
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *map(str, numbers), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=numbers,
    )
    for number in numbers:
        os.close(number)
    with open(commands, "wb") as writer, open(answers, "rb") as reader:
        try:
            yield Browser(writer, reader)
        finally:
            process.kill()
            process.wait(20)


def _away(number):
    """The descriptor under a number that is neither 3 nor 4."""
    import fcntl

    copy = fcntl.fcntl(number, fcntl.F_DUPFD, 10)
    os.close(number)
    return copy
