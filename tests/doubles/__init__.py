"""Doubles of programs that only Windows Server has, startable as the programs they stand for."""

from __future__ import annotations

import io
import os
import shlex
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

APPCMD = Path(__file__).with_name("appcmd.py")


def install_appcmd(folder: Path, sites: Mapping[str, Path | str] | None = None) -> Path:
    """Put a double of appcmd.exe into *folder*; the program.

    The product finds it through the environment variable ``IIS_BIN``, which is to name the folder.
    It keeps ``config/applicationHost.config`` below the folder.

    :param sites: names to folders: ``Site`` for a site's root application, ``Site/app`` for one
        below it. A site must come before its applications.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").mkdir(exist_ok=True)
    write_config(folder / "config" / "applicationHost.config", sites or {})
    program = folder / "appcmd.exe"
    if sys.platform == "win32":
        main = f"import runpy\nrunpy.run_path({str(APPCMD)!r}, run_name='__main__')\n"
        program.write_bytes(windows_launcher(main))
    else:
        command = " ".join(map(shlex.quote, (sys.executable, str(APPCMD), str(program))))
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return program


def write_config(path: Path, sites: Mapping[str, Path | str]) -> None:
    """Write an applicationHost.config that has these sites and nothing registered."""
    applications: dict[str, list[str]] = {}
    for name, folder in sites.items():
        site, _, below = name.partition("/")
        applications.setdefault(site, []).append(
            f'        <application path="/{below}" applicationPool="DefaultAppPool">\n'
            f'          <virtualDirectory path="/" physicalPath={quoteattr(str(folder))} />\n'
            "        </application>\n"
        )
    site_elements = "".join(
        f'      <site name={quoteattr(site)} id="{number}">\n{"".join(elements)}      </site>\n'
        for number, (site, elements) in enumerate(applications.items(), 1)
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n'
        f"  <system.applicationHost>\n    <sites>\n{site_elements}    </sites>\n"
        "  </system.applicationHost>\n"
        "  <system.webServer>\n    <fastCgi />\n  </system.webServer>\n</configuration>\n",
        encoding="utf-8",
    )


def windows_launcher(main: str) -> bytes:
    """An .exe that runs some Python and hands it the rest of the command line as it is.

    It is the one by which pip starts scripts: a program, a line with the Python, a zip archive.
    """
    # Not by way of an import: setuptools reorders distutils when pip is looked for.
    launcher = Path(sysconfig.get_path("purelib"), "pip", "_vendor", "distlib", "t64.exe")
    assert launcher.exists(), "a double of a program needs pip's launcher; install pip"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("__main__.py", main)
    shebang = f'#!"{os.path.abspath(sys.executable)}"\r\n'
    return launcher.read_bytes() + shebang.encode() + archive.getvalue()
