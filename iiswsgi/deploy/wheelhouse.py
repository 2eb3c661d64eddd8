"""A folder of wheels with a lock, so that a server needs no internet to install an application.

The wheels are those of the server's Python, whatever machine this is. pip finds and downloads each;
which ones are needed is worked out here, because pip asks this machine's Python that and not the
server's. Nothing is installed, and no code of a project is run: only wheels are taken.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from iiswsgi import process
from iiswsgi.deploy.pythons import TargetPython
from iiswsgi.deploy.wheels import Wheel, parse_requirement, read_wheel
from iiswsgi.errors import DeployError

__all__ = ["FOLDER", "LOCK", "make_wheelhouse"]

log = logging.getLogger(__name__)

FOLDER = "wheelhouse"
"""The name of the folder in an application's."""
LOCK = "requirements.txt"
"""The name of the lock in that folder."""

_MAX_ROUNDS = 50
"""Downloads until all that is required is there. Each takes everything that the wheels so far name,
so that the longest chain of requirements counts, and none has ten links."""

_PATIENCE = 1800.0
"""Seconds for one of these downloads: a gigabyte on a slow line."""

_HEAD = """\
# Wheels for Python {version} on {platform}. In the folder above:
# python -m pip install --no-index --find-links {folder} --require-hashes -r {folder}/{lock}
"""


def make_wheelhouse(requirements: Sequence[str], folder: Path, target: TargetPython) -> None:
    """Fill *folder* with the wheels of *requirements* and of all that they require, and the lock.

    :param folder: must be empty or not be there.
    :raises DeployError: D26, a wheel is damaged; D31, pip found or downloaded something not; D32,
        a requirement cannot be met with wheels; D33, the requirements lead round in circles.
    """
    markers = target.markers()
    folder.mkdir(parents=True, exist_ok=True)
    roots = [parse_requirement(text, "the project") for text in requirements]
    roots = [root for root in roots if _applies(root, markers, "")]
    chosen: dict[str, Wheel] = {}
    for _round in range(_MAX_ROUNDS):
        wanted = _wanted(roots, chosen, markers)
        missing = [
            name for name, versions in wanted.items() if not _met(versions, chosen.get(name))
        ]
        if not missing:
            break
        _discard(missing, chosen)
        _download([f"{name}{wanted[name]}" for name in missing], folder, target)
        chosen = {wheel.name: wheel for wheel in map(read_wheel, sorted(folder.glob("*.whl")))}
    else:
        raise DeployError(
            "D33", f"no set of wheels was found in {_MAX_ROUNDS} rounds; still missing: {missing}"
        )
    _discard(chosen.keys() - wanted.keys(), chosen)
    _write_lock(folder / LOCK, chosen, target)


def _wanted(
    roots: Iterable[Requirement], chosen: Mapping[str, Wheel], markers: Mapping[str, str]
) -> dict[str, SpecifierSet]:
    """The names that the roots and the chosen wheels require, with the versions that will do."""
    wanted: dict[str, SpecifierSet] = {}
    followed: set[tuple[str, str]] = set()
    waiting = deque(roots)
    while waiting:
        requirement = waiting.popleft()
        name = canonicalize_name(requirement.name)
        wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
        for extra in ("", *requirement.extras):
            if name in chosen and (name, extra) not in followed:
                followed.add((name, extra))
                requires = chosen[name].requires
                waiting.extend(each for each in requires if _applies(each, markers, extra))
    return wanted


def _applies(requirement: Requirement, markers: Mapping[str, str], extra: str) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({**markers, "extra": extra})


def _met(versions: SpecifierSet, wheel: Wheel | None) -> bool:
    # Whether a pre-release will do was pip's decision.
    return wheel is not None and versions.contains(wheel.version, prereleases=True)


def _discard(names: Iterable[str], chosen: dict[str, Wheel]) -> None:
    for name in list(names):
        if name in chosen:
            chosen.pop(name).path.unlink()


def _download(requirements: Sequence[str], folder: Path, target: TargetPython) -> None:
    log.info("downloading for Python %s on %s: %s", *target, ", ".join(requirements))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    options = ["--quiet", "--no-deps", "--dest", str(folder), *target.pip_arguments()]
    done = process.run([*pip, *options, "--", *requirements], timeout=_PATIENCE, check=False)
    if done.status != 0:
        lines = done.text.splitlines()
        errors = [line.strip() for line in lines if "ERROR:" in line] or lines[-1:]
        raise DeployError(
            "D31",
            f"pip found no wheels for Python {target.version} on {target.platform} (status "
            f"{done.status}): {' '.join(errors)[:2000]}",
        )


def _write_lock(path: Path, chosen: Mapping[str, Wheel], target: TargetPython) -> None:
    head = _HEAD.format(**target._asdict(), folder=FOLDER, lock=LOCK)
    lines = [f"{chosen[name].locked()}\n" for name in sorted(chosen)]
    path.write_text(head + "".join(lines), encoding="utf-8", newline="\n")
