"""What the setuptools commands share: the setup keywords, the project, errors, joining `build`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from setuptools import Distribution
from setuptools.config.pyprojecttoml import load_file
from setuptools.errors import BaseError, OptionError, SetupError

from iiswsgi.deploy.project import (
    LISTS,
    MANIFEST,
    PARAMETERS,
    STAMP,
    STRINGS,
    TEMPLATE_SUFFIX,
    Project,
)
from iiswsgi.errors import DeployError, Error

__all__ = [
    "check_list",
    "check_string",
    "join_build",
    "paths",
    "project_of",
    "pyproject_of",
    "reported",
]

PYPROJECT = "pyproject.toml"


@contextmanager
def reported(kind: type[Exception] = BaseError) -> Iterator[None]:
    """What a command's run() does its work in: our errors become setuptools', a line each."""
    try:
        yield
    except Error as error:
        raise kind(str(error)) from error


def check_string(_distribution: Distribution, keyword: str, value: Any) -> None:
    """Validate a setup keyword that takes a text, as setuptools calls it."""
    with reported(SetupError):
        _string(f"the setup keyword {keyword}", value)


def check_list(_distribution: Distribution, keyword: str, value: Any) -> None:
    """Validate a setup keyword that takes a list of texts, as setuptools calls it."""
    with reported(SetupError):
        _list(f"the setup keyword {keyword}", value)


def _string(what: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise DeployError("D01", f"{what} is {value!r}; it must be a text")


def _list(what: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):  # as it comes from a configuration file: one a line
        value = [line.strip() for line in value.splitlines() if line.strip()]
    items = () if value is None else value
    if isinstance(items, (list, tuple)) and all(isinstance(i, str) and i.strip() for i in items):
        return tuple(items)
    raise DeployError("D01", f"{what} is {value!r}; it must be a list of texts")


def project_of(distribution: Distribution) -> Project:
    """What *distribution* says of the project in its folder.

    :raises DeployError: D01, a setup keyword is not what it must be; D02, no name.
    """
    metadata = distribution.metadata
    folder = Path(os.path.abspath(distribution.src_root or os.curdir))
    if not metadata.name:
        raise DeployError("D02", f"the project in {folder} has no name; give it one in setup()")
    table = _tool_table(folder)

    def given(name: str) -> tuple[str, Any]:
        value = getattr(distribution, name, None)
        return f"the setup keyword {name}", table.get(name) if value is None else value

    keywords: dict[str, Any] = {
        **{name: _string(*given(name)) for name in STRINGS},
        **{name: _list(*given(name)) for name in LISTS},
    }
    return Project(
        folder=folder,
        name=metadata.get_name(),
        version=metadata.get_version(),
        manifest=folder / _chosen(distribution, "manifest_name", MANIFEST),
        parameters=folder / PARAMETERS,
        stamp=folder / _chosen(distribution, "stamp_filename", STAMP),
        description=metadata.description or "",
        long_description=metadata.long_description or "",
        author=metadata.author or "",
        author_email=metadata.author_email or "",
        url=metadata.url or (metadata.project_urls or {}).get("Homepage", ""),
        license=getattr(metadata, "license_expression", None) or metadata.license or "",
        keywords=tuple(metadata.get_keywords() or ()),
        requires=tuple(map(str, getattr(distribution, "install_requires", None) or ())),
        requires_python=str(getattr(distribution, "python_requires", None) or ""),
        **keywords,
    )


def pyproject_of(folder: Path) -> dict[str, Any]:
    """What is in a project's pyproject.toml, which setuptools has read without complaint."""
    path = folder / PYPROJECT
    return dict(load_file(path)) if path.is_file() else {}


def _tool_table(folder: Path) -> dict[str, Any]:
    """The setup keywords of a project that has no setup(): pyproject.toml's ``[tool.iiswsgi]``."""
    path = folder / PYPROJECT
    table = pyproject_of(folder).get("tool", {}).get("iiswsgi", {})
    if not isinstance(table, dict):
        raise DeployError("D01", f"{path}: [tool] has iiswsgi = {table!r}; it must be a table")
    for name, value in table.items():
        if name not in (*STRINGS, *LISTS):
            raise DeployError(
                "D01",
                f"{path} has {name} in [tool.iiswsgi], which is no keyword of iiswsgi; there are "
                f"{', '.join((*STRINGS, *LISTS))}",
            )
        check = _string if name in STRINGS else _list
        check(f"{path}: {name} of [tool.iiswsgi]", value)
    return table


def _chosen(distribution: Distribution, option: str, default: str) -> str:
    """A name that build_msdeploy was given, on the command line or in a configuration file."""
    _source, value = distribution.get_option_dict("build_msdeploy").get(option, ("", default))
    return str(value)


def join_build(distribution: Distribution) -> None:
    """Let ``build`` run build_msdeploy in a project with a Manifest.xml.in, and in no other.

    setuptools calls this for every project in an environment that iiswsgi is installed in. The
    command class is derived for this distribution alone; no list that others see is altered.
    """
    if not os.path.isfile(MANIFEST + TEMPLATE_SUFFIX):
        return
    base = distribution.get_command_class("build")
    sub_commands = [*base.sub_commands, ("build_msdeploy", None)]
    distribution.cmdclass["build"] = type("build", (base,), {"sub_commands": sub_commands})


def paths(value: object) -> list[str]:
    """The paths of an option: a list, or a text of them with blanks between.

    A path with a blank in it stands in quotation marks; a backslash is just that.

    :raises OptionError: a quotation mark is never closed.
    """
    if isinstance(value, str):
        words = shlex.shlex(value, posix=True, punctuation_chars=False)
        words.whitespace_split, words.escape, words.commenters = True, "", ""
        try:
            return list(words)
        except ValueError as error:
            raise OptionError(f"{value!r} cannot be read as paths: {error}") from error
    return list(map(str, value)) if isinstance(value, (list, tuple)) else []
