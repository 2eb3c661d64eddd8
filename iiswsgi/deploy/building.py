"""What build_msdeploy does in a project's folder: the manifest, the stamp, the checks."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from iiswsgi.deploy.completion import complete
from iiswsgi.deploy.manifest import Manifest, parse_manifest, read_manifest, warn_if_unknown
from iiswsgi.deploy.matches import check_matches
from iiswsgi.deploy.misspelt import warn_of_slips
from iiswsgi.deploy.parameters import read_parameters
from iiswsgi.deploy.project import STAMP, TEMPLATE_SUFFIX, Project
from iiswsgi.deploy.source import read_text, refuse_left_over, write_text
from iiswsgi.errors import DeployError
from iiswsgi.iis.template import fill

__all__ = ["build", "template_of", "variables_of"]

log = logging.getLogger(__name__)

MAX_FILES = 65_536
"""Files that are looked at; a package of Web Deploy has no more (dd569019)."""

_NO_SOURCES = ("build", "dist", "__pycache__", "node_modules")
_ENVIRONMENT = "pyvenv.cfg"

_BY_STAMP = re.compile(
    r"(iiswsgi_install|iiswsgi\.deploy\.bootstrap)"
    r"(?!.*\s(-[a-z]*i[a-z]*|--ignore-stamp|--path)([\s=]|$))"
)
"""The command of an installation that is told neither a folder nor to do without the stamp."""


def template_of(path: Path) -> Path:
    """The file that *path* is made of: its name with ``.in`` behind it."""
    return path.with_name(path.name + TEMPLATE_SUFFIX)


def variables_of(
    project: Project, names: Iterable[str], environ: Mapping[str, str]
) -> dict[str, str]:
    """What templates may name: the project's own variables, and *names* out of *environ*.

    :raises DeployError: D09, one of *names* is not set.
    """
    variables = {"PROJECT_NAME": project.name, "PROJECT_VERSION": project.version}
    for name in names:
        if name not in environ:
            raise DeployError(
                "D09",
                f"build_msdeploy's option variables lists {name}, which is not in the environment; "
                "set it, or take it off the list",
            )
        variables[name] = environ[name]
    return variables


def build(project: Project, variables: Mapping[str, str]) -> Manifest:
    """Write Manifest.xml and the stamp out of their templates, and check Parameters.xml.

    What has no template is left alone. Nothing is written unless the manifest is right.

    :param variables: what the templates may name; see :func:`variables_of`.
    :raises DeployError: D06 to D09, D11, D13 to D15, what is wrong with the project's files; D16,
        there is neither a Manifest.xml nor a template for one.
    :raises ConfigError: C01, one of them is no well-formed XML.
    """
    manifest = _build_manifest(project, variables)
    _build_stamp(project, variables)
    # A folder that was unpacked from a package has none: it is at the package's root, and what
    # its entries would look for has been replaced.
    if project.parameters.is_file():
        _warn_of_stamp(project, manifest)
        parameters = read_parameters(project.parameters)
        content = dict(_content(project.folder, manifest.app_folder))
        warn_of_slips(parameters, str(project.parameters))
        check_matches(parameters, manifest, content, str(project.parameters))
    return manifest


def _build_manifest(project: Project, variables: Mapping[str, str]) -> Manifest:
    template = template_of(project.manifest)
    if not template.is_file():
        if not project.manifest.is_file():
            raise DeployError(
                "D16", f"there is no {template}, so no Web Deploy package can be made; write one"
            )
        log.info("%s is taken as it is: there is no %s", project.manifest, template.name)
        manifest = read_manifest(project.manifest)
        for provider in manifest.providers:
            warn_if_unknown(provider, str(project.manifest))
        return manifest
    text = complete(read_text(template), variables, str(template))
    log.info("writing %s", project.manifest)
    write_text(project.manifest, text)
    return parse_manifest(text, str(project.manifest))


def _build_stamp(project: Project, variables: Mapping[str, str]) -> None:
    template = template_of(project.stamp)
    if template.is_file():
        text = fill(read_text(template), variables, xml=False).text
        refuse_left_over(text, str(template), xml=False)
        log.info("writing %s", project.stamp)
        write_text(project.stamp, text)


def _warn_of_stamp(project: Project, manifest: Manifest) -> None:
    """The installer knows the stamp under one name only, and finds nothing without it."""
    if project.stamp.name == STAMP and project.stamp.is_file():
        return
    for provider in manifest.providers:
        if provider.name == "runCommand" and _BY_STAMP.search(provider.path):
            log.warning(
                "IISWSGI-D38: %s, line %d: iiswsgi_install looks for a folder with an %s, and the "
                "package will have none; write an %s, and leave build_msdeploy's option "
                "stamp_filename alone, or give the command --path",
                project.manifest,
                provider.line,
                STAMP,
                STAMP + TEMPLATE_SUFFIX,
            )


def _content(folder: Path, app_folder: str) -> Iterator[tuple[str, Path]]:
    """The files that may go into the package, by the names that they would have in it.

    bdist_msdeploy chooses among them, and checks once more what it has chosen. A SQL script may
    lie at the package's root or in the application's folder, so each file has both names.
    """
    for number, path in enumerate(_files(folder)):
        if number == MAX_FILES:
            log.info("%s has more than %d files; the rest is not looked at", folder, MAX_FILES)
            return
        name = path.relative_to(folder).as_posix()
        yield name, path
        yield f"{app_folder}/{name}", path


def _files(folder: Path) -> Iterator[Path]:
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _may_hold_sources(Path(current, name)))
        yield from (Path(current, name) for name in sorted(files))


def _may_hold_sources(folder: Path) -> bool:
    return not (
        folder.name.startswith(".")
        or folder.name in _NO_SOURCES
        or folder.name.endswith(".egg-info")
        or (folder / _ENVIRONMENT).is_file()
    )
