"""What the gateway wants to know of an INI file and of Paste's command line."""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from iiswsgi.errors import SettingError
from iiswsgi.runtime.settings import Options

__all__ = ["paste_command_line", "server_options", "uses"]

_OURS = ("egg:iiswsgi#iis", "egg:iiswsgi")
"""Values of ``use`` that mean this server."""


def server_options(path: str, variables: Mapping[str, str]) -> Options:
    """The options of ``[server:iis]``, or of ``[server:main]`` where that uses this server.

    An INI file that names another server only is served with the defaults.

    :param variables: ``name=value`` from the command line, for ``%(name)s`` in the file.
    :raises SettingError: S15, the file cannot be used.
    """
    from iiswsgi.later import PASTE_DEPLOY_SPARES, spared

    with spared(*PASTE_DEPLOY_SPARES):
        from paste.deploy import loadwsgi  # slow to import, and not needed to say what is wrong

    options = Options()
    try:
        loader = loadwsgi.ConfigLoader(path)
        loader.update_defaults(dict(variables), overwrite=False)
        for name in ("iis", "main"):
            section = f"server:{name}"
            if not loader.parser.has_section(section):
                continue
            if name == "iis" or loader.parser.get(section, "use", fallback="") in _OURS:
                context = loader.get_context(loadwsgi.SERVER, name, dict(variables))
                options.add(f"[{section}] of {path}", context.local_conf)
                break
    except (OSError, ValueError, LookupError, ImportError, configparser.Error) as error:
        from iiswsgi.runtime.inifault import fault  # only for this sentence

        raise SettingError("S15", f"{path} cannot be used: {fault(error)}") from error
    return options


def uses(path: str, name: str) -> bool:
    """Whether the INI file has ``%(name)s`` in it."""
    with open(path, "rb") as file:  # in any encoding: it is whether it can be meant, not what for
        return f"%({name})s".encode() in file.read()


def paste_command_line() -> tuple[str | None, int | None]:
    """The INI file and the verbosity where ``paster serve -s`` runs; None for what is not known.

    With ``-s egg:iiswsgi#iis`` PasteScript hands the server no options, not even the file's name,
    though the file may well have a ``[server:iis]``. Its own parser is asked, never imported.
    """
    module: Any = sys.modules.get("paste.script.serve")
    if module is None or "serve" not in sys.argv:
        return None, None
    parser = module.ServeCommand.parser
    try:
        options, rest = parser.parse_args(sys.argv[sys.argv.index("serve") + 1 :])
    except SystemExit:  # not the command line that PasteScript has accepted
        return None, None
    path = _ini_path(rest[0]) if rest and options.server else None
    return path, int(options.verbose) - int(options.quiet)


def _ini_path(served: str) -> str | None:
    """The INI file that PasteScript is to serve an application from; None where there is none.

    :param served: ``app.ini``, ``app.ini#section``, ``config:app.ini``; ``egg:`` and ``call:`` name
        the application itself. Read as PasteScript and PasteDeploy do: a drive is no scheme.
    """
    where = served.partition("#")[0]
    scheme = re.match("([a-z]{2,}):", where, re.IGNORECASE)
    if scheme is None:
        return unquote(where)
    return unquote(where[scheme.end() :]) if scheme[1].lower() == "config" else None
