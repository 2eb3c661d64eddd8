"""A Web Deploy package as a whole: what stands where in it, made and read.

The layout is the one that Microsoft's page "Package an Application for the Windows Web Application
Gallery" draws: Manifest.xml and Parameters.xml at the root, beside them the SQL scripts that the
manifest names, and the application's files in one folder. archive.py and unpack.py know zip files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from iiswsgi.deploy import entries, systeminfo, wheelhouse
from iiswsgi.deploy.archive import Content, write_archive
from iiswsgi.deploy.manifest import Manifest, Provider, read_manifest
from iiswsgi.deploy.matches import check_matches
from iiswsgi.deploy.parameters import parse_parameters
from iiswsgi.deploy.project import MANIFEST, PARAMETERS, TEMPLATE_SUFFIX, Project
from iiswsgi.deploy.source import read_text
from iiswsgi.deploy.systeminfo import name_app_parameter
from iiswsgi.deploy.unpack import Archive, opened
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import MAX_BYTES

__all__ = ["SUFFIX", "Package", "make_package", "package_name", "read_package"]

SUFFIX = ".msdeploy.zip"

_SCRIPTS = ("dbFullSql", "dbMySql", "dbSqlite")
"""The providers whose path is a script at the package's root."""


class Package(NamedTuple):
    """A package that was read: what a feed says of it, and what it consists of."""

    path: Path
    size: int
    """Bytes of the zip file."""
    sha1: str
    """Hexadecimal, lower case. The feed's format knows no better one."""
    manifest: bytes
    parameters: bytes
    names: tuple[str, ...]
    """Every file in it, with forward slashes."""


def package_name(project: Project, python: str, platform: str | None = None) -> str:
    """``name-1.0-py3.11.msdeploy.zip``, or ``name-1.0-py3.11-win_amd64.msdeploy.zip``.

    :param python: the version that it is for, such as ``3.11``.
    :param platform: the one that its wheels are for, if it has any.
    """
    parts = [project.name, project.version, f"py{python}", *([platform] if platform else [])]
    return "-".join(re.sub(r"[^\w.+!-]+", "_", part) for part in parts) + SUFFIX


def make_package(
    project: Project,
    files: Iterable[str],
    destination: Path,
    *,
    app_parameter: str = "",
    system_info: bool = False,
    wheels: Path | None = None,
) -> Path:
    """Write a project's package; *destination* again.

    :param files: the application's files as paths below the project's folder. The stamp is one of
        them in any case; Manifest.xml and Parameters.xml go to the package's root instead, and
        what Manifest.xml and the stamp are made of is left out: the server must not make a stamp.
    :param app_parameter: what to call the parameter of the application's place, if not as it is.
    :param system_info: whether to put in a systemInfo.xml, which says nothing of any machine.
    :param wheels: a folder to put into the application's as its wheelhouse.
    :raises DeployError: D20 to D25, D34, as in archive.py and systeminfo.py; D27, the project has
        no Parameters.xml; D37, a script of the manifest is not there; D06, D08, D13 to D15, what
        is wrong with it or with Manifest.xml.
    :raises ConfigError: C01, one of them is no XML.
    """
    manifest = read_manifest(project.manifest)
    scripts = _scripts(project, manifest)
    content = {name: path for name in scripts if (path := project.folder / name).is_file()}
    elsewhere = {project.manifest.name, MANIFEST, PARAMETERS, *content, *_templates(project)}
    for name, path in _application(project, files).items():
        if name not in elsewhere:
            content[f"{manifest.app_folder}/{name}"] = path
    _refuse_missing(scripts, manifest, content, project.manifest)
    parameters = _parameters(project, manifest, content, app_parameter)
    for path in sorted(wheels.iterdir()) if wheels else ():
        content[f"{manifest.app_folder}/{wheelhouse.FOLDER}/{path.name}"] = path
    root: dict[str, Content] = {MANIFEST: project.manifest, PARAMETERS: parameters}
    if system_info:
        root[systeminfo.SYSTEM_INFO_NAME] = systeminfo.SYSTEM_INFO
    write_archive(destination, root | content)
    return destination


def _parameters(
    project: Project, manifest: Manifest, content: Mapping[str, Path], app_parameter: str
) -> Content:
    """Parameters.xml, once each of its entries has found what it is to change."""
    path = project.parameters
    if not path.is_file():
        raise DeployError(
            "D27",
            f"{path}: there is none, and no package is one without; it must have a parameter "
            "with the tag iisApp at least",
        )
    text = read_text(path)
    check_matches(parse_parameters(text, str(path)), manifest, content, str(path))
    return name_app_parameter(text, str(path), app_parameter) if app_parameter else path


def _scripts(project: Project, manifest: Manifest) -> dict[str, Provider]:
    """The scripts that the manifest names, by the names that they would have in the package."""
    scripts = {}
    for each in manifest.providers:
        # With an equals sign it is a connection string, as of a package that holds a database.
        if each.name in _SCRIPTS and "=" not in each.path:
            name = each.path.replace("\\", "/")
            if fault := entries.fault_of(name):
                raise _no_script(each, project.manifest, f"{each.path!r} {fault}")
            scripts[name] = each
    return scripts


def _refuse_missing(
    scripts: Mapping[str, Provider], manifest: Manifest, content: Iterable[str], file: Path
) -> None:
    aliases = (each.attributes.get("to", "") for each in manifest.providers)
    there = {name.lower() for name in (*content, *aliases)}
    for name, provider in scripts.items():
        if name.lower() not in there:
            raise _no_script(provider, file, f"{provider.path!r} is not among the package's files")


def _no_script(provider: Provider, file: Path, says: str) -> DeployError:
    return DeployError(
        "D37",
        f"{file}, line {provider.line}: <{provider.name}> names a script, but {says}; the path "
        "must lead from the project's folder to the script",
    )


def _templates(project: Project) -> Iterator[str]:
    for path in (project.manifest, project.stamp):
        yield path.name + TEMPLATE_SUFFIX


def _application(project: Project, files: Iterable[str]) -> dict[str, Path]:
    """From the names below the application's folder to the files."""
    folder = project.folder.resolve()
    found: dict[str, Path] = {}
    stamp = [project.stamp.name] if project.stamp.is_file() else []
    for file in (*files, *stamp):
        path = project.folder / file
        if not path.resolve().is_relative_to(folder):
            raise DeployError(
                "D23",
                f"{path} leads to {path.resolve()}, which is not in the project's folder; copy "
                "the file into it, or leave it out in MANIFEST.in",
            )
        found[Path(file).as_posix()] = path
    return found


def read_package(path: Path) -> Package:
    """What a package consists of, whoever made it.

    :raises DeployError: D26, it is damaged or has what no package may have; D28, it has no
        Manifest.xml or no Parameters.xml.
    """
    with opened(path) as archive:
        return Package(
            path=path,
            size=path.stat().st_size,
            sha1=_sha1(path),
            manifest=_at_root(archive, path, MANIFEST),
            parameters=_at_root(archive, path, PARAMETERS),
            names=archive.names,
        )


def _at_root(archive: Archive, path: Path, name: str) -> bytes:
    found = archive.find(name)
    if found is None:
        raise DeployError(
            "D28", f"{path}: no Web Deploy package with a manifest: it has no {name} at its root"
        )
    return archive.read(found, MAX_BYTES)


def _sha1(path: Path) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()
