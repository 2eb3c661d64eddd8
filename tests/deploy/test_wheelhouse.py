"""Wheels and their lock, from a folder of toy wheels instead of an index.

What is needed is worked out with a stand-in for pip, whose starting takes ten seconds on Wine; what
pip itself has to do with it is tested with pip.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deploy.wheels import find_links, toy
from iiswsgi import process
from iiswsgi.deploy import wheelhouse
from iiswsgi.deploy.pythons import own_platform, target_python
from iiswsgi.deploy.wheelhouse import make_wheelhouse
from iiswsgi.deploy.wheels import read_wheel
from iiswsgi.errors import DeployError
from iiswsgi.process import Completed


@pytest.fixture
def links(tmp_path, monkeypatch):
    """A folder that pip looks into, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    find_links(monkeypatch, folder)
    return folder


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder with the wheels that a stand-in for `pip download` finds."""
    folder = tmp_path / "index"
    folder.mkdir()

    def download(command, *, timeout, check):
        assert command[1:3] == ["-m", "pip"]
        target = Path(command[command.index("--dest") + 1])
        wheels = [read_wheel(path) for path in folder.glob("*.whl")]
        for text in command[command.index("--") + 1 :]:
            requirement = Requirement(text)
            fitting = [
                wheel
                for wheel in wheels
                if wheel.name == requirement.name and wheel.version in requirement.specifier
            ]
            if not fitting:
                return Completed(tuple(command), 1, f"ERROR: nothing for {text}\n".encode())
            shutil.copy(max(fitting, key=lambda wheel: wheel.version).path, target)
        return Completed(tuple(command), 0, b"")

    monkeypatch.setattr(process, "run", download)
    return folder


@pytest.fixture
def house(tmp_path):
    return tmp_path / "house"


def names(house):
    """What is in the lock; the wheels beside it are the same ones."""
    lines = (house / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = [line.partition(" --hash=sha256:")[0] for line in lines if line[:1] != "#"]
    assert len(list(house.iterdir())) == len(locked) + 1
    return locked


def test_all_that_is_required_in_turn(index, house):
    toy(index, "app_base", requires=["Middle.Ware>=1"])
    toy(index, "Middle_Ware", "1.5", requires=["leaf[fast]"])
    toy(index, "leaf", "2.0", requires=["wings; extra == 'fast'", "lead; extra == 'all'"])
    toy(index, "wings")
    toy(index, "unrelated")
    make_wheelhouse(["app-base"], house, target_python("3.12", None))
    assert names(house) == ["app-base==1.0", "leaf==2.0", "middle-ware==1.5", "wings==1.0"]


def test_what_only_windows_needs_is_there_and_what_only_posix_needs_is_not(index, house):
    requires = ["colours; sys_platform == 'win32'", "loops; sys_platform != 'win32'"]
    toy(index, "console", requires=[*requires, "old; python_version < '3.12'"])
    toy(index, "colours")
    make_wheelhouse(["console", "fork; os_name != 'nt'"], house, target_python("3.12", None))
    assert names(house) == ["colours==1.0", "console==1.0"]


def test_compiled_wheels_are_those_of_the_server(links, house):
    tags = ["cp311-cp311-win_amd64", "cp312-cp312-win_amd64", "cp312-cp312-win32"]
    for tag in [*tags, "cp312-cp312-manylinux2014_x86_64", "cp312-cp312-macosx_11_0_arm64"]:
        toy(links, "fast", tag=tag)
    make_wheelhouse(["fast"], house, target_python("3.12", "win_amd64"))
    assert {path.name for path in house.glob("*.whl")} == {"fast-1.0-cp312-cp312-win_amd64.whl"}


def test_a_later_constraint_chooses_an_older_version_and_drops_what_the_newer_one_needed(
    index, house
):
    toy(index, "lib", "2.0", requires=["only-for-two"])
    toy(index, "lib", "1.9")
    toy(index, "only_for_two")
    toy(index, "careful", requires=["lib<2"])
    make_wheelhouse(["lib", "careful"], house, target_python("3.12", None))
    assert names(house) == ["careful==1.0", "lib==1.9"]


def test_circles_are_no_trouble(index, house):
    toy(index, "hen", requires=["egg"])
    toy(index, "egg", requires=["hen"])
    make_wheelhouse(["hen"], house, target_python("3.12", None))
    assert names(house) == ["egg==1.0", "hen==1.0"]


def test_a_choice_that_never_comes_to_rest_ends(index, house, monkeypatch):
    monkeypatch.setattr(wheelhouse, "_MAX_ROUNDS", 4)
    toy(index, "lib", "2.0", requires=["judge"])
    toy(index, "lib", "1.0")
    toy(index, "judge", requires=["lib<2"])
    # lib 2 brings the judge, who wants lib 1, which brings no judge: lib 1 will do.
    make_wheelhouse(["lib"], house, target_python("3.12", None))
    assert names(house) == ["lib==1.0"]
    monkeypatch.setattr(wheelhouse, "_MAX_ROUNDS", 1)
    with pytest.raises(DeployError, match=r"IISWSGI-D33: .* 1 rounds; still missing: "):
        make_wheelhouse(["lib"], house.with_name("other"), target_python("3.12", None))


def test_what_cannot_be_found_is_named(links, house):
    toy(links, "app", requires=["missing-thing>=3"])
    with pytest.raises(DeployError) as caught:
        make_wheelhouse(["app"], house, target_python("3.12", None))
    assert str(caught.value).startswith("IISWSGI-D31: pip found no wheels for Python 3.12 on win_")
    assert "missing-thing>=3" in str(caught.value)


def test_a_source_archive_will_not_do_for_its_code_would_be_run(links, house):
    (links / "risky-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(DeployError, match="IISWSGI-D31: "):
        make_wheelhouse(["risky"], house, target_python("3.12", None))


def test_a_requirement_is_no_option_of_pip(index, house):
    with pytest.raises(DeployError, match="IISWSGI-D32: the project: "):
        make_wheelhouse(["--index-url=https://example.com/"], house, target_python("3.12", None))


def pip_install(house, target):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-index", "--find-links", house, "--require-hashes", "--target", target]
    lock = house / "requirements.txt"
    command = [*map(str, [*pip, *options, "-r", lock])]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.once
def test_pip_installs_what_the_lock_names_and_nothing_that_was_changed(links, house, tmp_path):
    toy(links, "app", requires=["lib"])
    toy(links, "lib")
    make_wheelhouse(["app"], house, target_python(None, own_platform()))
    result = pip_install(house, tmp_path / "installed")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "installed/lib.py").exists()

    toy(house, "lib", requires=["evil"])
    result = pip_install(house, tmp_path / "again")
    assert result.returncode != 0
    assert "HASHES" in result.stderr
