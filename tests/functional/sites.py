"""A site made for a test, and the stand-in serving it in this process.

The worker is the real command of a real process, on Windows over a real named pipe; only HTTP is
left out, except where a test starts ``iiswsgi host`` itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from iiswsgi.host.definition import load
from iiswsgi.host.modes import Modes
from iiswsgi.host.pages import Report, text_page
from iiswsgi.host.site import Site
from iiswsgi.host.variables import HttpRequest

if sys.platform == "win32":
    import ctypes

    ON_WINE = hasattr(ctypes.windll.ntdll, "wine_get_version")
else:
    ON_WINE = False

TESTS = Path(__file__).resolve().parent.parent
EXAMPLES = TESTS.parent / "examples"

COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""What lets coverage follow into the workers, which do not get this process's environment."""

INI = """\
[app:main]
{application}

[server:iis]
use = egg:iiswsgi#iis
{options}

{rest}
"""

WEB_CONFIG = """\
<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <system.webServer>
    <fastCgi>
      <application fullPath={python} arguments={arguments} {attributes}>
        <environmentVariables>
{variables}
        </environmentVariables>
      </application>
    </fastCgi>
    <handlers>
      <add name="iiswsgi" path="*" verb="*" modules="FastCgiModule" scriptProcessor={processor}
           resourceType="Unspecified" requireAccess="Script" responseBufferLimit="{limit}"/>
    </handlers>
    <security>
      <requestFiltering allowDoubleEscaping="true">
        <requestLimits maxAllowedContentLength="1000000000"/>
      </requestFiltering>
    </security>
  </system.webServer>
</configuration>
"""


def make_site(
    folder,
    application="paste.app_factory = fixtureapps.app:make_app",
    *,
    arguments='-m iiswsgi serve "{ini}"',
    python=sys.executable,
    options="",
    rest="",
    environment=(),
    response_buffer_limit=4194304,
    **attributes,
):
    """Write app.ini and web.config.

    :param options: lines for ``[server:iis]``.
    :param rest: further sections of the INI file.
    :param attributes: of ``<application>``, in IIS's spelling.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ini = folder / "app.ini"
    text = INI.format(application=application, options=options, rest=rest)
    ini.write_text(text, encoding="utf-8")
    arguments = arguments.format(ini=ini)
    attributes = {"maxInstances": 1, "signalBeforeTerminateSeconds": 20, **attributes}
    variables = {"PYTHONPATH": str(TESTS), **COVERAGE, **dict(environment)}
    config = WEB_CONFIG.format(
        python=quoteattr(str(python)),
        arguments=quoteattr(arguments),
        attributes=" ".join(f"{k}={quoteattr(str(v))}" for k, v in attributes.items()),
        variables="\n".join(
            f"<environmentVariable name={quoteattr(k)} value={quoteattr(v)}/>"
            for k, v in variables.items()
        ),
        processor=quoteattr(f"{python}|{arguments}"),
        limit=response_buffer_limit,
    )
    (folder / "web.config").write_text(config, encoding="utf-8")
    return folder


@dataclass
class Answer:
    """What a browser would have got."""

    status: int
    headers: dict[str, str]
    body: bytes
    pid: int | None

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Sends requests to a site, in whatever thread it is called."""

    def __init__(self, site, log_folder):
        self.site = site
        self._log_folder = log_folder

    def open(self, target, method="GET", body=None, headers=(), chunked=False):
        """The stand-in's own answer: a Reply, to be read and closed, or a Report.

        :param body: bytes, or what has a length and can be read.
        """
        headers = [("Host", "localhost"), *headers]
        length = 0
        if body is not None:
            length = -1 if chunked else len(body)
            name, value = (
                ("Transfer-Encoding", "chunked")
                if chunked
                else (
                    "Content-Length",
                    str(length),
                )
            )
            headers.append((name, value))
        request = HttpRequest(method, target, headers, length)
        if isinstance(body, bytes):
            body = io.BytesIO(body)
        return self.site.handle(request, None if body is None else body.read)

    def get(self, target, method="GET", body=None, headers=(), chunked=False):
        """An answer read to its end; the stand-in's own page when the worker failed to answer."""
        reply = self.open(target, method, body, headers, chunked)
        if isinstance(reply, Report):
            return Answer(reply.status, {}, text_page(reply).encode(), None)
        with contextlib.closing(reply):
            content = b"".join(reply)
        return Answer(reply.status, dict(reply.headers), content, reply.pid)

    def post(self, target, body, headers=(), chunked=False):
        return self.get(target, "POST", body, headers, chunked)

    @property
    def pool(self):
        [pool] = self.site.pools()
        return pool

    @property
    def log(self):
        """All that the workers have written to their logs."""
        return "".join(
            path.read_text(encoding="utf-8") for path in self._log_folder.rglob("iiswsgi*.log")
        )

    def wait_for_log(self, text, seconds=20):
        wait_until(lambda: text in self.log, seconds, lambda: f"{text!r} not in\n{self.log}")


@contextlib.contextmanager
def serving(folder, modes=None, virtual_path="", environ=()):
    """The stand-in around the site in a folder; ends every worker at the end."""
    log_folder = folder / "stand-in"
    site = Site(
        load(folder, dict(environ)),
        log_folder=log_folder,
        modes=modes or Modes(tick=0.05),
        virtual_path=virtual_path,
    )
    client = Client(site, log_folder)
    try:
        yield client
    finally:
        site.close()


def wait_until(condition, seconds=20, otherwise=lambda: "it did not happen"):
    """Poll for what another process or thread does."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.02)
