"""Who is measured: for each child its command line and what has to be installed for it."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from traffic import SITE

CHILDREN = Path(__file__).parent / "children"
ROOT = Path(__file__).parent.parent
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Peer:
    """One kind of child."""

    name: str
    arguments: tuple[str, ...]
    """What follows the interpreter on the command line."""
    needs: tuple[str, ...] = ()
    """The modules whose absence leaves this peer out."""
    only_on: str | None = None
    """The ``sys.platform`` prefix this peer is limited to."""
    body_limit: int | None = None
    """Bytes of body it is asked to carry at most, where more would not end in our lifetime."""

    def why_not(self) -> str | None:
        """Why this peer cannot be measured here; None if it can."""
        if self.only_on and not sys.platform.startswith(self.only_on):
            return f"runs on {self.only_on} only"
        absent = [module for module in self.needs if not _installed(module)]
        return f"{' and '.join(absent)} cannot be imported" if absent else None

    def command(self, *more: str) -> list[str]:
        """The whole command line."""
        return [sys.executable, *self.arguments, *more]


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is absent
        return False


def _wfastcgi() -> str:
    spec = importlib.util.find_spec("wfastcgi")
    return spec.origin if spec and spec.origin else "wfastcgi"


# setuptools' launchers do not work under IIS on Windows, so paster is started as they start it.
_PASTER = "import sys; from paste.script.command import run; sys.argv[0] = 'paster'; run()"

FLOOR = Peer("floor", (str(CHILDREN / "floor.py"),))
IISWSGI = Peer(
    "iiswsgi", ("-m", "iiswsgi", "serve", str(SITE / "app.ini")), needs=("iiswsgi.__main__",)
)
ACCESS_LOG = replace(IISWSGI, name="access log", arguments=(*IISWSGI.arguments, "access_log=true"))
"""The same with a line of the log for each request."""
PASTER = Peer(
    "paster",
    ("-c", _PASTER, "serve", "-s", "egg:iiswsgi#iis", str(SITE / "app.ini")),
    needs=("paste.script", "iiswsgi.server"),
)
FLUP = Peer("flup", (str(CHILDREN / "flup_child.py"),), needs=("flup",), only_on="linux")
FCGISGI = Peer(
    "fcgisgi", (str(CHILDREN / "fcgisgi_child.py"),), needs=("fcgisgi",), only_on="linux"
)
WFASTCGI = Peer(
    "wfastcgi",
    (_wfastcgi(),),
    needs=("wfastcgi",),
    only_on="win32",
    # It appends each record to the whole body so far.
    body_limit=8 * MEGABYTE,
)

CONVERSATION = (FLOOR, IISWSGI, ACCESS_LOG, FLUP, FCGISGI, WFASTCGI)
"""Peers compared request by request."""

STARTING = (FLOOR, IISWSGI, PASTER, FLUP, FCGISGI, WFASTCGI)
"""Peers compared from start to first response."""


def environment(folder: Path) -> dict[str, str]:
    """A child's environment: as ours, with the application to be found and logs in *folder*."""
    path = [str(SITE), str(ROOT), os.environ.get("PYTHONPATH", "")]
    # PYTHONDONTWRITEBYTECODE alone would compile every module anew at each start.
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "WSGI_HANDLER": "application.application",
        "_FCGI_X_PIPE_": r"\\.\pipe\IISFCGI-benchmark",
        **dict.fromkeys(("TEMP", "TMP", "TMPDIR"), str(folder)),
    }


def present(peers: tuple[Peer, ...], wanted: list[str]) -> list[Peer]:
    """Those of *peers* that are *wanted* (all, if that is empty) and can run; says who cannot."""
    chosen = []
    for peer in peers:
        if wanted and peer.name not in wanted:
            continue
        reason = peer.why_not()
        if reason is None:
            chosen.append(peer)
        else:
            print(f"{peer.name} is left out: {reason}.")
    return chosen
