r"""A double of IIS's appcmd.exe. It is not Microsoft's program, and proves nothing about that.

It keeps a real applicationHost.config and knows the few commands that this project sends, in the
forms of Microsoft's documentation. What it refuses it refuses as loudly as it can: unknown
attributes, values that are no numbers, the same key twice, a removal that hits nothing, quotation
marks that the C library of the real one would take apart.

On Windows it reads its command line itself, by the rules of the C library before 2008, with which
appcmd.exe is built; Python's own reading follows later ones.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

FASTCGI = "system.webServer/fastCgi"
NUMBERS = [
    "maxInstances",
    "idleTimeout",
    "activityTimeout",
    "requestTimeout",
    "instanceMaxRequests",
    "queueLength",
    "signalBeforeTerminateSeconds",
    "rapidFailsPerMinute",
]
TEXTS = ["fullPath", "arguments", "monitorChangesTo", "stderrMode", "protocol", "flushNamedPipe"]
INVALID_DATA, INVALID_PARAMETER, DUPLICATE, NOT_FOUND = 13, 87, 183, 1168


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def main(program, arguments):
    try:
        options = [argument for argument in arguments if argument[:1] in "/-"]
        words = [argument for argument in arguments if argument[:1] not in "/-"]
        config = find_config(Path(program), options)
        command = COMMANDS.get(" ".join(words).lower())
        if command is None:
            raise Refused(INVALID_PARAMETER, f"Unknown command {' '.join(words)}")
        output = command(config, options)
    except Refused as refused:
        output = f"ERROR ( message:{refused} )\n"
        status = refused.status
    else:
        status = 0
    sys.stdout.buffer.write(output.encode())
    return status


def find_config(program, options):
    given = option(options, "apphostconfig")
    config = Path(given) if given else program.parent / "config" / "applicationHost.config"
    if not config.is_file():
        raise Refused(NOT_FOUND, f"Cannot read configuration file {config}")
    return config


def option(options, name):
    for text in options:
        found, colon, value = text[1:].partition(":")
        if colon and found.lower() == name:
            return value
    return ""


def list_config(config, options):
    section = checked_section(options)
    found = ElementTree.parse(config).getroot().find(section)
    element = ElementTree.Element(section.replace("/", "-"))
    element.extend([] if found is None else list(found))
    attributes = {
        "CONFIG.SECTION": section,
        "path": "MACHINE/WEBROOT/APPHOST",
        "overrideMode": "Inherit",
        "locked": "false",
    }
    answer = ElementTree.Element("CONFIG", attributes)
    answer.append(element)
    return as_answer([answer], options)


def list_vdir(config, options):
    found = []
    root = ElementTree.parse(config).getroot()
    for site in root.findall("system.applicationHost/sites/site"):
        for application in site.findall("application"):
            for directory in application.findall("virtualDirectory"):
                app_name = site.get("name") + application.get("path")
                name = app_name.rstrip("/") + directory.get("path")
                attributes = {
                    "VDIR.NAME": name,
                    "physicalPath": directory.get("physicalPath"),
                    "path": directory.get("path"),
                    "APP.NAME": app_name,
                }
                found.append(ElementTree.Element("VDIR", attributes))
    return as_answer(found, options)


def as_answer(elements, options):
    if "/xml" not in options:
        raise Refused(INVALID_PARAMETER, "this double lists as /xml only")
    root = ElementTree.Element("appcmd")
    root.extend(elements)
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def set_config(config, options):
    section = checked_section(options)
    if option(options, "commit").lower() != "apphost":
        raise Refused(INVALID_PARAMETER, "fastCgi counts in applicationHost.config only: /commit")
    tree = ElementTree.parse(config)
    collection = tree.getroot().find(section)
    changes = [text for text in options if re.match(r"/[+-]\[", text)]
    if collection is None or not changes:
        raise Refused(INVALID_PARAMETER, "nothing to change")
    for change in changes:
        apply(collection, change)
    ElementTree.indent(tree, "  ")
    temporary = config.with_name(config.name + ".new")
    tree.write(temporary, encoding="utf-8", xml_declaration=True)
    temporary.replace(config)
    return f'Applied configuration changes to section "{section}" for "MACHINE/WEBROOT/APPHOST"\n'


def checked_section(options):
    section = option(options, "section")
    if section != FASTCGI:
        raise Refused(INVALID_PARAMETER, f'Unknown config section "{section}"')
    return section


def apply(collection, change):
    first, rest = indexer(change[2:])
    if not rest:
        if change[1] == "+":
            add(collection, "application", first, ("fullPath", "arguments"), [*NUMBERS, *TEXTS])
        else:
            remove(collection, first)
        return
    if change[1] != "+" or not rest.startswith(".environmentVariables.["):
        raise Refused(INVALID_PARAMETER, f"Unknown property path {rest}")
    variable, rest = indexer(rest[len(".environmentVariables.") :])
    if rest:
        raise Refused(INVALID_PARAMETER, f"Nothing may follow here: {rest}")
    application = the_one(collection, first)
    variables = application.find("environmentVariables")
    if variables is None:
        variables = ElementTree.SubElement(application, "environmentVariables")
    add(variables, "environmentVariable", variable, ("name",), ["name", "value"])


def indexer(text):
    """The pairs in ``[name='value',…]``, in which a quote is written twice; and what follows."""
    malformed = Refused(
        INVALID_DATA,
        "Malformed collection indexer; format is [@position,name='value',name2='value2',...]. "
        f"The []=', characters must be escaped by placing them in single quotes. Got: {text}",
    )
    pair = r"(\w+)='((?:[^']|'')*)'"
    whole = re.match(rf"\[{pair}(?:,{pair})*\]", text)
    if whole is None:
        raise malformed
    pairs = [(m[1], m[2].replace("''", "'")) for m in re.finditer(pair, whole[0])]
    if len({name for name, _ in pairs}) != len(pairs):
        raise malformed
    return dict(pairs), text[whole.end() :]


def add(collection, tag, given, key, known):
    for name, value in given.items():
        if name not in known:
            raise Refused(INVALID_PARAMETER, f'Unknown attribute "{name}"')
        if name in NUMBERS and not value.isdigit():
            raise Refused(INVALID_DATA, f'The value "{value}" of "{name}" is no number')
    if not given.get(key[0]):
        raise Refused(INVALID_DATA, f'Missing required attribute "{key[0]}"')
    for element in collection:
        if all(element.get(name, "") == given.get(name, "") for name in key):
            raise Refused(
                DUPLICATE,
                f"New {tag} object missing required attributes. Cannot add duplicate collection "
                "entry",
            )
    ElementTree.SubElement(collection, tag, given)


def remove(collection, given):
    collection.remove(the_one(collection, given))


def the_one(collection, given):
    for element in collection:
        if all(element.get(name, "") == value for name, value in given.items()):
            return element
    raise Refused(NOT_FOUND, "Cannot find requested collection element.")


def split_as_before_2008(text):
    r"""The arguments in a command line, by the rules of Microsoft's C library before 2008.

    Two marks within marks are a letter, and end the quotation.
    """
    arguments, position = [], 0
    while match := re.compile(r"[ \t]*(?=[^ \t])").match(text, position):
        argument, position = one_argument(text, match.end())
        arguments.append(argument)
    return arguments


def one_argument(text, position):
    argument, quoted = "", False
    while position < len(text) and (quoted or text[position] not in " \t"):
        backslashes = re.compile(r"\\*").match(text, position)[0]
        position += len(backslashes)
        if text[position : position + 1] != '"':
            argument += backslashes
            if not backslashes:
                argument += text[position]
                position += 1
            continue
        argument += backslashes[: len(backslashes) // 2]
        if len(backslashes) % 2:
            argument += '"'
        elif quoted and text[position + 1 : position + 2] == '"':
            argument += '"'
            position += 1
            quoted = False
        else:
            quoted = not quoted
        position += 1
    return argument, position


COMMANDS = {"list config": list_config, "list vdir": list_vdir, "set config": set_config}


def own_command_line():
    """This program's path and its arguments."""
    if sys.platform != "win32":
        return sys.argv[1], sys.argv[2:]
    import ctypes

    ctypes.windll.kernel32.GetCommandLineW.restype = ctypes.c_wchar_p
    # python.exe, appcmd.exe, and what appcmd.exe was given.
    _python, program, *arguments = split_as_before_2008(ctypes.windll.kernel32.GetCommandLineW())
    return program, arguments


if __name__ == "__main__":
    sys.exit(main(*own_command_line()))
