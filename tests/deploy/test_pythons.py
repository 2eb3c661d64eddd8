"""For which Python wheels are chosen."""

from __future__ import annotations

import sys

import pytest
from packaging.markers import Marker

from iiswsgi.deploy.pythons import IIS, own_platform, target_python
from iiswsgi.errors import DeployError

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_by_default_this_version_on_a_server_with_iis():
    assert target_python(None, None) == (OWN, "win_amd64")


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ('sys_platform == "win32"', True),
        ('os_name == "posix"', False),
        ('platform_system == "Windows" and platform_machine == "ARM64"', True),
        ('python_version < "3.9"', False),
        ('python_version >= "3.8" and python_full_version < "3.8.4"', False),
        ('python_version == "3.12"', True),
        ('implementation_name == "pypy"', False),
    ],
)
def test_markers_are_those_of_the_server(marker, applies):
    environment = target_python("3.12", "win_arm64").markers()
    assert Marker(marker).evaluate(environment) is applies


def test_pip_is_told_of_the_server():
    arguments = " ".join(target_python("3.12", "win32").pip_arguments())
    assert "--only-binary :all:" in arguments
    assert "--python-version 3.12 --platform win32" in arguments


def test_for_this_python_itself_pip_knows_best():
    target = target_python(OWN, own_platform())
    assert target.is_this
    assert target.pip_arguments() == ["--only-binary", ":all:"]
    assert target.markers()["sys_platform"] == sys.platform


@pytest.mark.parametrize("version", ["3", "2.7", "3.11.4", "py3.11", "3.x", "3.111"])
def test_no_python(version):
    with pytest.raises(DeployError, match="IISWSGI-D30: the Python version"):
        target_python(version, None)


@pytest.mark.parametrize("platform", ["any", "windows", "win-amd64", "solaris_sparc"])
def test_no_platform_of_iis(platform):
    with pytest.raises(DeployError, match=f"IISWSGI-D30: no wheels .*{IIS}"):
        target_python("3.12", platform)
