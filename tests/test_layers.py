"""Who may import whom. The table is the architecture; the tests hold the code against it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import iiswsgi

PACKAGE = Path(iiswsgi.__file__).parent

EVERYWHERE = {"iiswsgi", "iiswsgi.errors", "iiswsgi.masking", "iiswsgi.tracebacks"}
"""What any module may import: the version, the errors, what hides secrets from people, and what
shows a traceback."""

WINDOWS_ONLY = {
    "iiswsgi.win32",
    "iiswsgi.fastcgi.transport.pipe",
    "iiswsgi.host.kernel32",
    "iiswsgi.host.pipe",
    "iiswsgi.host.windows",
}
"""Need kernel32, so they cannot be imported anywhere else."""

LOWER_ROOMS = ("iiswsgi.fastcgi", "iiswsgi.wsgi", "iiswsgi.runtime", "iiswsgi.iis")
"""Know nothing of each other."""

JOINERS = (
    "iiswsgi.extras",
    "iiswsgi.gateway",
    "iiswsgi.inifile",
    "iiswsgi.launch",
    "iiswsgi.pasteload",
    "iiswsgi.server",
    "iiswsgi.serving",
)
"""Join the lower rooms to the gateway's process."""

COMMAND_MAY_IMPORT = {"iiswsgi.deploy", "iiswsgi.options", "iiswsgi.process"}
"""What a module with a setuptools command may use; setuptools besides."""

SETUPTOOLS_COMMANDS = (
    "iiswsgi.build_msdeploy",
    "iiswsgi.install_msdeploy",
    "iiswsgi.test_msdeploy",
    "iiswsgi.bdist_msdeploy",
    "iiswsgi.bdist_webpi",
    "iiswsgi.clean_webpi",
)

MAY_IMPORT = {
    **dict.fromkeys(SETUPTOOLS_COMMANDS, COMMAND_MAY_IMPORT),
    # One request to the site through a real worker, as IIS would send it.
    "iiswsgi.test_msdeploy": {*COMMAND_MAY_IMPORT, "iiswsgi.host"},
    "iiswsgi.options": {"iiswsgi.deploy"},
    "iiswsgi.setupcommand": {"iiswsgi.options"},
    "iiswsgi.deploy": {"iiswsgi.iis", "iiswsgi.process"},
    "iiswsgi.host": {
        "iiswsgi.fastcgi.protocol",
        "iiswsgi.iis",
        "iiswsgi.locality",
        "iiswsgi.process",
    },
    "iiswsgi.locality": set(),
    "iiswsgi.masking": set(),
    "iiswsgi.tracebacks": set(),
    "iiswsgi.wsgi": {"iiswsgi.locality"},
    "iiswsgi.iis": {"iiswsgi.process"},
    "iiswsgi.server": {*LOWER_ROOMS, *JOINERS, "iiswsgi.testapp"},
    "iiswsgi.gateway": {*LOWER_ROOMS, "iiswsgi.extras"},
    "iiswsgi.extras": {*LOWER_ROOMS},
    "iiswsgi.launch": {*LOWER_ROOMS, *JOINERS},
    "iiswsgi.inifile": {
        "iiswsgi.later",
        "iiswsgi.runtime.inifault",
        "iiswsgi.runtime.settings",
    },
    "iiswsgi.logcommand": {"iiswsgi.logsearch", "iiswsgi.runtime"},
    # It reads a site as the stand-in does.
    "iiswsgi.logsearch": {"iiswsgi.host", "iiswsgi.inifile", "iiswsgi.runtime"},
    "iiswsgi.later": set(),
    "iiswsgi.pasteload": set(),
    "iiswsgi.serving": {*LOWER_ROOMS, *JOINERS, "iiswsgi.target"},
    "iiswsgi.target": set(),
    "iiswsgi.win32": set(),
    "iiswsgi.testapp": set(),
    "iiswsgi.process": set(),
}
"""Beyond EVERYWHERE and its own room; what is missing here may import nothing else."""

MAY_IMPORT_ANYTHING = {"iiswsgi.cli", "iiswsgi.commands", "iiswsgi.__main__"}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, path


MODULES = dict(modules())


def within(name, room):
    return name == room or name.startswith(room + ".")


def imports(name, path, root="iiswsgi"):
    """What of the package ``root`` a module imports, anywhere in it, type checking included."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if within(alias.name, root))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            if within(base, root):
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield full if full in MODULES else base


def room_of(name):
    """``iiswsgi.host.worker`` is of the room ``iiswsgi.host``; a plain module is its own room."""
    return ".".join(name.split(".")[:2])


def allowed(name, imported):
    if name in MAY_IMPORT_ANYTHING or imported in EVERYWHERE or imported == "iiswsgi.win32":
        return True
    room = room_of(name)
    others = MAY_IMPORT.get(room, set())
    return within(imported, room) or any(within(imported, other) for other in others)


@pytest.mark.parametrize("name", MODULES)
def test_imports_keep_to_the_rooms(name):
    wrong = sorted({i for i in imports(name, MODULES[name]) if not allowed(name, i)})
    assert not wrong, f"{name} may not import {', '.join(wrong)}"


@pytest.mark.parametrize("name", MODULES)
def test_flup_stays_in_its_modules(name):
    uses_flup = any(imports(name, MODULES[name], root="flup"))
    assert not uses_flup or within(name, "iiswsgi.fastcgi") or name == "iiswsgi.gateway"


def uses_setuptools(name):
    path = MODULES[name]
    return any(any(imports(name, path, root=r)) for r in ("setuptools", "distutils"))


@pytest.mark.parametrize("name", MODULES)
def test_setuptools_stays_in_the_commands(name):
    may = (*SETUPTOOLS_COMMANDS, "iiswsgi.options", "iiswsgi.setupcommand")
    assert name in may or not uses_setuptools(name)


@pytest.mark.parametrize("name", [*SETUPTOOLS_COMMANDS, "iiswsgi.options", "iiswsgi.setupcommand"])
def test_the_commands_use_nothing_that_setuptools_removed(name):
    gone = ("pkg_resources", "distutils", "setuptools.command.easy_install", "easy_install")
    assert not [i for root in gone for i in imports(name, MODULES[name], root=root)]


def run(program, *arguments):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


IMPORTS = """
import os, sys
for name in sys.argv[1:]:
    pid = os.fork()  # what one imports must not be there for the next
    if not pid:
        __import__(name)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"{name} cannot be imported")
"""

if sys.platform != "win32":

    def test_everything_but_the_windows_files_imports_anywhere():
        names = sorted(set(MODULES) - WINDOWS_ONLY - {"iiswsgi.__main__"})
        result = run(IMPORTS, *names)
        assert result.returncode == 0, result.stderr


def test_no_module_is_named_windows_only_in_vain():
    assert set(MODULES) >= WINDOWS_ONLY


def test_coverage_leaves_out_just_what_needs_windows():
    settings = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    section = settings.partition("[tool.coverage.report]")[2]
    left_out = re.findall(r'"(iiswsgi/.*)\.py"', section)
    assert {path.replace("/", ".") for path in left_out} == WINDOWS_ONLY


def test_the_server_needs_neither_setuptools_nor_pkg_resources():
    result = run(
        "import sys, iiswsgi.server\n"
        "print(*sorted({n.split('.')[0] for n in sys.modules}"
        " & {'setuptools', 'pkg_resources', 'distutils', 'waitress'}))"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""


def test_the_setuptools_commands_load_no_flup():
    names = ", ".join(name for name in SETUPTOOLS_COMMANDS if name in MODULES)
    result = run(f"import sys, {names}\nprint('flup' in sys.modules)")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "False"
