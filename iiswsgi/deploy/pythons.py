"""The Python and the platform that a package's wheels are for, as pip and its markers say it."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Mapping
from typing import NamedTuple

from packaging.markers import default_environment

from iiswsgi.errors import DeployError

__all__ = ["IIS", "TargetPython", "own_platform", "target_python"]

IIS = "win_amd64"
"""The platform of nearly every server with IIS."""

_MACHINES = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}
"""What the marker ``platform_machine`` is on the platforms that IIS runs on."""


class TargetPython(NamedTuple):
    """A CPython somewhere else, or the one that runs this."""

    version: str
    """``3.11``."""
    platform: str
    """As wheels name it, such as ``win_amd64``."""

    @property
    def is_this(self) -> bool:
        """Whether it is of the version and on the platform of the Python that runs this."""
        return self == (_own_version(), own_platform())

    def pip_arguments(self) -> list[str]:
        """What makes ``pip download`` take the wheels of that Python."""
        if self.is_this:  # knows more platforms than one, manylinux for example
            return ["--only-binary", ":all:"]
        target = ["--python-version", self.version, "--platform", self.platform]
        return ["--only-binary", ":all:", "--implementation", "cp", *target]

    def markers(self) -> Mapping[str, str]:
        """The environment that requirements' markers are evaluated in.

        pip itself takes the one of the Python that runs it (pip issue 11664), and so would leave
        out on Linux what only Windows needs. The third part of the version is not known, so
        what only the first release of a version needs comes along.
        """
        environment = {name: str(value) for name, value in default_environment().items()}
        if self.is_this:
            return environment
        return environment | {
            "implementation_name": "cpython",
            "implementation_version": f"{self.version}.0",
            "os_name": "nt",
            "platform_machine": _MACHINES[self.platform],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Windows",
            "platform_version": "",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "win32",
        }


def target_python(version: str | None, platform: str | None) -> TargetPython:
    """The target from a command's options: by default this Python's version, and IIS's platform.

    :raises DeployError: D30, no such version or no platform that IIS runs on.
    """
    target = TargetPython(version or _own_version(), platform or IIS)
    if not re.fullmatch(r"3\.[0-9]{1,2}", target.version):
        raise DeployError(
            "D30", f"the Python version {version!r} is none; write it as {_own_version()}"
        )
    if target.platform not in _MACHINES and not target.is_this:
        known = ", ".join(_MACHINES)
        raise DeployError(
            "D30",
            f"no wheels can be chosen for Python {target.version} on {target.platform!r}: IIS runs "
            f"on {known}; besides, only this Python itself will do ({_own_version()} on "
            f"{own_platform()})",
        )
    return target


def _own_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def own_platform() -> str:
    """The platform of the Python that runs this, as wheels name it."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
