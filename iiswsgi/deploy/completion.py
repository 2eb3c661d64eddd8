"""``Manifest.xml.in`` to ``Manifest.xml``: variables filled in, runCommand's settings encoded.

In a package's manifest Web Deploy ignores a runCommand's settings where they are plain attributes;
it takes them from one encoded attribute, and runs the command at all only when another attribute
names the key. Everything else of the file, comments included, stays as its author wrote it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from iiswsgi.deploy import settings
from iiswsgi.deploy.manifest import KEY, OPTIONS, Provider, parse_manifest, warn_if_unknown
from iiswsgi.deploy.provider import ProviderOptions, decode, encode
from iiswsgi.deploy.source import line_of, refuse_left_over
from iiswsgi.errors import DeployError
from iiswsgi.iis.template import fill

__all__ = ["complete"]

log = logging.getLogger(__name__)

_ATTRIBUTE = re.compile(r"\s+([^\s=]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|</[^>]*>"
    r"|<(?P<tag>[^\s/>!?]+)(?P<attributes>(?:[^\"'>]|\"[^\"]*\"|'[^']*')*?)(?P<end>\s*/?>)",
    re.DOTALL,
)
"""What begins with a less-than sign in a file that is known to be well-formed."""


def complete(text: str, variables: Mapping[str, str], file: str) -> str:
    """The text of Manifest.xml.

    :param text: what is in Manifest.xml.in.
    :param variables: what ``%(NAME)s`` and ``%NAME%`` stand for. Names that are missing here are
        left for the machine that the package is installed on, such as ``%SystemDrive%``.
    :param file: how complaints call the file.
    :raises DeployError: D05 a command is too long; D07 a setting is wrong; D08 there is no
        <iisApp>; D09 a variable that only we could know is unknown; D11 an encoded attribute
        contradicts the plain ones.
    :raises ConfigError: C01, it is no well-formed XML.
    """
    filled = fill(text, variables)
    refuse_left_over(filled.text, file)
    if filled.unknown:
        log.info("%s: left for the target machine: %s", file, ", ".join(filled.unknown))
    commands = []
    for provider in parse_manifest(filled.text, file).providers:
        warn_if_unknown(provider, file)
        settings.check(provider, file)
        _check_key(provider, file)
        if provider.name == "runCommand":
            commands.append(provider)
    return _replaced(filled.text, commands, file)


def _check_key(provider: Provider, file: str) -> None:
    key = provider.attributes.get(KEY, "path")
    if key.lower() not in (name.lower() for name in ("path", *provider.attributes)):
        raise DeployError(
            "D07",
            f"{file}, line {provider.line}: <{provider.name}>'s {KEY} is {key!r}, and it has no "
            "such attribute; write path",
        )


def _replaced(text: str, commands: list[Provider], file: str) -> str:
    waiting = iter(commands)

    def replacement(match: re.Match[str]) -> str:
        # A manifest is flat, and parse_manifest has seen each of these elements.
        if (match["tag"] or "").lower() != "runcommand":
            return match[0]
        command, line = next(waiting, None), line_of(text, match.start())
        if command is None or command.line != line:
            raise DeployError(
                "D07",
                f"{file}, line {line}: <{match['tag']}> stands inside of "
                "another provider; it belongs directly below the root",
            )
        return _completed(match, command, file)

    return _MARKUP.sub(replacement, text)


def _completed(match: re.Match[str], command: Provider, file: str) -> str:
    gone = command.settings

    def kept(attribute: re.Match[str]) -> str:
        return "" if attribute[1] in gone else attribute[0]

    added = ""
    if KEY not in command.attributes:
        added += f' {KEY}="path"'
    if OPTIONS not in command.attributes:
        added += f' {OPTIONS}="{_encoded(command, file)}"'
    else:
        _compare(command, file)
    return f"<{match['tag']}{_ATTRIBUTE.sub(kept, match['attributes'])}{added}{match['end']}"


def _encoded(command: Provider, file: str) -> str:
    if "successReturnCodes" not in command.settings:
        log.warning(
            "IISWSGI-D12: %s, line %d: <runCommand> has no successReturnCodes, so Web Deploy may "
            "take a command that failed for one that did not; write successReturnCodes='0x0'",
            file,
            command.line,
        )
    options = ProviderOptions(command.name, command.path, tuple(command.settings.items()))
    try:
        return encode(options)
    except DeployError as error:
        place = f"{file}, line {command.line}"
        raise DeployError("D05", f"{place}: {error.sentence}") from error


def _compare(command: Provider, file: str) -> None:
    """The file has the encoded attribute already: it must not say something else."""
    place = f"{file}, line {command.line}: <runCommand>'s {OPTIONS}"
    try:
        options = decode(command.attributes[OPTIONS])
    except DeployError as error:
        raise DeployError("D11", f"{place}: {error.sentence}") from error
    encoded = {"path": options.path, **dict(options.settings)}
    if fault := settings.fault_of(command._replace(path=options.path, attributes=encoded)):
        raise DeployError("D11", f"{place} cannot be used: it {fault}")
    given = tuple(command.settings.items())
    if options.provider != command.name or (given and given != options.settings):
        raise DeployError(
            "D11",
            f"{place} says {options.provider} with {dict(options.settings)}, the other attributes "
            f"say {dict(given)}; remove it, build_msdeploy makes it",
        )
