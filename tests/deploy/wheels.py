"""Wheels for tests: toys, and those of what is installed here, so that no test needs an index."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent


def toy(folder, name, version="1.0", requires=(), tag="py3-none-any"):
    """A wheel with one module and what it says it requires."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    lines = [f"Requires-Dist: {line}" for line in requires]
    extras = [f"Provides-Extra: {extra}" for extra in ("fast", "all") if extra in str(requires)]
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *extras, *lines]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{info}/WHEEL", wheel_file(tag))
        archive.writestr(f"{info}/RECORD", "")
    return path


def wheel_file(tag):
    return f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"


def find_links(monkeypatch, folder):
    """Let pip know the wheels of a folder and no others."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "PIP_REQUIRE_HASHES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "nul" if sys.platform == "win32" else "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def installed(folder, *names):
    """The wheels of distributions that are installed here, and of all that they require.

    Made from their files, as pip put them there; the project itself is built from its sources.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting, done = list(names), set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in done:
            continue
        done.add(name)
        # A Windows Python of dev.py's has the metadata of older versions beside the newest.
        found = importlib.metadata.distributions(name=name)
        distribution = max(found, key=lambda one: Version(one.version))
        (built if name == "iiswsgi" else repacked)(folder, distribution)
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


def built(folder, _distribution):
    base = folder / ".build"
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", "egg_info", "--egg-base"]
    base.mkdir()
    command += [str(base), "build", "--build-base", str(base / "b"), "bdist_wheel"]
    command += ["--bdist-dir", str(base / "d"), "--dist-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, timeout=300)


def repacked(folder, distribution):
    wheel = message_from_string(distribution.read_text("WHEEL"))
    tags = wheel.get_all("Tag")
    python, abi, platform = zip(*(tag.split("-") for tag in tags), strict=True)
    tag = "-".join(".".join(sorted(set(part))) for part in (python, abi, platform))
    name = distribution.name.replace("-", "_")
    path = folder / f"{name}-{distribution.version}-{tag}.whl"
    info = f"{name}-{distribution.version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files:
            place = file.as_posix()
            if place.startswith("..") or place.endswith(".pyc") or not file.locate().is_file():
                continue
            head, slash, rest = place.partition(".dist-info/")
            place = f"{info}/{rest}" if slash and "/" not in head else place
            if rest not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                archive.write(file.locate(), place)
        archive.writestr(f"{info}/RECORD", "")
