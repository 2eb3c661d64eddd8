"""An application installed in its folder: what it needs, its web.config, its FastCGI processes.

Each step is a function of the folder; none depends on the current folder or leaves anything in the
environment. The command ``install_msdeploy`` is a thin face of these.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from iiswsgi import process
from iiswsgi.deploy import wheelhouse
from iiswsgi.deploy.source import read_text
from iiswsgi.errors import ConfigError, InstallError
from iiswsgi.iis.appcmd import AppCmd, find
from iiswsgi.iis.config import SiteConfig, find_application, parse_config
from iiswsgi.iis.registration import read_registrations
from iiswsgi.iis.template import fill

__all__ = [
    "TEMPLATE",
    "WEB_CONFIG",
    "install_project",
    "install_wheelhouse",
    "pip_install",
    "register_applications",
    "write_web_config",
]

log = logging.getLogger(__name__)

WEB_CONFIG = "web.config"
TEMPLATE = "web.config.in"

PIP_SECONDS = 3600.0
"""For one call of pip. A slow line and packages to compile take minutes; Web Deploy has a limit of
its own (waitAttempts and waitInterval) and ends us when that is over."""


def pip_install(
    python: str, arguments: Sequence[str], env: Mapping[str, str] | None = None
) -> None:
    """Let *python* install with its pip, which asks nothing and says all it does.

    :raises InstallError: as :func:`iiswsgi.process.run` does.
    """
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    process.run([*pip, *arguments], timeout=PIP_SECONDS, env=env)


def install_wheelhouse(python: str, folder: Path, env: Mapping[str, str] | None = None) -> bool:
    """Install all that the package has brought along, without network; whether it has any.

    :raises InstallError: I34 a wheelhouse without its list, else as :func:`pip_install`.
    """
    house = folder / wheelhouse.FOLDER
    if not house.is_dir():
        return False
    lock = house / wheelhouse.LOCK
    if not lock.is_file():
        raise InstallError(
            "I34", f"{house} has no {wheelhouse.LOCK}, which lists its wheels and their hashes"
        )
    pip_install(python, [*_offline(house), "--require-hashes", "--requirement", str(lock)], env)
    return True


def install_project(python: str, folder: Path) -> None:
    """Install the project in *folder* with what it requires, so that it runs from there.

    From the wheelhouse when there is one; else from where pip is configured to look.

    :raises InstallError: as :func:`install_wheelhouse`.
    """
    source: list[str] = []
    # A separator at the end: pip takes a last [b] of a path for extras.
    project = ["--editable", os.path.join(folder, "")]
    if install_wheelhouse(python, folder):
        source = _offline(folder / wheelhouse.FOLDER)
        project = ["--no-deps", *project]
    if not _makes_wheels(python):
        pip_install(python, [*source, "wheel"])
    # Without isolation: setup.py may import iiswsgi, and must not need an index for that. Older
    # pips would else run `setup.py develop`, which isolates the build after all.
    pip_install(python, [*source, "--use-pep517", "--no-build-isolation", *project])


def _makes_wheels(python: str) -> bool:
    """Whether its setuptools does what pip asks of it; before 70.1 that took the package wheel."""
    program = (
        "import importlib.util as util, sys\n"
        "found = util.find_spec('setuptools.command.bdist_wheel') or util.find_spec('wheel')\n"
        "sys.exit(not found)"
    )
    return process.run([python, "-c", program], timeout=PIP_SECONDS, check=False).status == 0


def _offline(house: Path) -> list[str]:
    return ["--no-index", "--find-links", str(house)]


def write_web_config(folder: Path, variables: Mapping[str, str]) -> Path | None:
    """Fill ``web.config.in`` in and write it as ``web.config``; its path, None without a template.

    A file that IIS could not read never takes the place of one that it can.

    :raises DeployError: D06, the template cannot be read.
    :raises ConfigError: C06, a value is no text; else what came out is no web.config. The file was
        left as it was.
    :raises InstallError: I31, the file cannot be written.
    """
    template, target = folder / TEMPLATE, folder / WEB_CONFIG
    if not template.is_file():
        log.info("%s has no %s, so its %s stays as it is", folder, TEMPLATE, WEB_CONFIG)
        return None
    filled = fill(read_text(template), variables)
    data = filled.encoded(str(template))
    parse_config(data, f"{template}, filled in")
    try:
        _replace(target, data)
    except OSError as error:
        raise InstallError("I31", f"{target} cannot be written: {error}") from error
    # No values: an environment holds secrets.
    log.info("%s written; filled in: %s", target, ", ".join(filled.used) or "nothing")
    if filled.unknown:
        unknown = ", ".join(filled.unknown)
        log.warning("IISWSGI-I32: %s: no value for %s; left as they stand", template, unknown)
    return target


def _replace(target: Path, data: bytes) -> None:
    """Write the file at once: IIS reads a web.config as soon as it changes."""
    number, name = tempfile.mkstemp(prefix=target.name, dir=target.parent)
    try:
        with open(number, "wb") as file:
            file.write(data)
        if target.exists():
            os.chmod(name, target.stat().st_mode)
        else:
            os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def register_applications(
    web_config: Path, environ: Mapping[str, str], apphost_config: str = ""
) -> None:
    """Register all FastCGI applications of a ``web.config`` in IIS, where there is one.

    IIS heeds ``<fastCgi>`` in applicationHost.config alone.

    :param environ: where :func:`iiswsgi.iis.appcmd.find` learns of IIS.
    :param apphost_config: overrides the applicationHost.config of IIS Express.

    :raises ConfigError: the file cannot be used.
    :raises InstallError: I11 or I12, as :meth:`iiswsgi.iis.appcmd.AppCmd.register` does.
    """
    config, registrations = read_registrations(web_config)
    appcmd = find(environ, apphost_config)
    if appcmd is None:
        log.warning(
            "IISWSGI-I13: there is no appcmd.exe here, so %d FastCGI application(s) of %s are not "
            "registered in IIS; run install_msdeploy on the server",
            len(registrations),
            web_config,
        )
        return
    for registration in registrations:
        appcmd.register(registration)
    _complain_of_handlers(config, appcmd)


def _complain_of_handlers(config: SiteConfig, appcmd: AppCmd) -> None:
    """Say which handlers name a process that IIS will not find."""
    known = {registration.key for registration in appcmd.registrations()}
    for handler in config.handlers:
        full_path, _, arguments = handler.script_processor.partition("|")
        if handler.modules != "FastCgiModule" or (full_path, arguments) in known:
            continue
        try:
            find_application(config, handler)
        except ConfigError as error:
            log.warning("IISWSGI-I33: IIS will not serve this: %s", error.sentence)
