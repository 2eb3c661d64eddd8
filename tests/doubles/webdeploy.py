r"""A double of what msdeploy.exe does with a package. It is not Microsoft's program.

It follows Microsoft's documentation ("Reference for the Web Application Package", "Web Deploy
Parameterization") and reads a package with its own eyes: of the product it uses only the decoder of
a runCommand's settings, which is tested with values that msdeploy.exe has written.

A command is run as cmd.exe runs it; elsewhere than on Windows what it does is done here: the
variables are put in, and backslashes become slashes.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

from doubles import windows_launcher
from iiswsgi.deploy.provider import decode


@dataclass
class Provider:
    """An element of the manifest, with the path that the parameters have given it."""

    name: str
    path: str
    original: str
    settings: dict[str, str]


class WebDeploy:
    """Installs a package to a site, like ``msdeploy -verb:sync -dest:auto``.

    :param site: the folder of "Default Web Site".
    :param environ: the environment variables of the commands.
    """

    def __init__(self, package, site, environ):
        with zipfile.ZipFile(package) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.site = site
        self.environ = environ
        self.parameters = ElementTree.fromstring(self.files.pop("Parameters.xml"))
        manifest = ElementTree.fromstring(self.files.pop("Manifest.xml"))
        self.providers = [provider_of(element) for element in manifest]

    def sync(self, **values):
        """Apply the parameters, unpack, run the commands; the folder and what was printed.

        :param values: by the parameters' names, ``_`` for a blank.
        """
        values = {name.replace("_", " "): value for name, value in values.items()}
        for parameter in self.parameters.findall("parameter"):
            value = self.value(parameter.get("name"), values)
            for entry in parameter.findall("parameterEntry"):
                self.apply(entry.attrib, value)
        output = ""
        for provider in self.providers:
            if provider.name == "iisApp":
                folder = self.unpack(provider)
            else:
                output += self.command(provider)
        return folder, output

    def value(self, name, values):
        """An answer, or the default with other parameters' answers in it."""
        if name in values:
            return values[name]
        [parameter] = [p for p in self.parameters.iter("parameter") if p.get("name") == name]
        default = parameter.get("defaultValue")
        assert default is not None, f"the parameter {name!r} must be set"
        return re.sub("{([^}]+)}", lambda match: self.value(match[1], values), default)

    def apply(self, entry, value):
        kind, scope, match = (entry[name] for name in ("kind", "scope", "match"))
        hits = 0
        if kind == "ProviderPath":
            for provider in self.providers:
                if re.search(scope, provider.name, re.I) and re.search(match, provider.path):
                    provider.path = re.sub(match, lambda _: value, provider.path)
                    hits += 1
        for name, data in self.files.items():
            if kind != "ProviderPath" and re.search(scope, "\\" + name.replace("/", "\\"), re.I):
                change = {"TextFile": in_text, "XmlFile": in_xml}[kind]
                self.files[name], count = change(data, match, value)
                hits += count
        assert hits, f"an entry found nothing: {entry}"

    def unpack(self, provider):
        site, _, below = provider.path.partition("/")
        assert site == "Default Web Site"
        folder = self.site / below
        for name, data in self.files.items():
            assert name.startswith(provider.original + "/"), f"{name} belongs to no provider"
            path = folder / name[len(provider.original) + 1 :]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    def command(self, provider):
        assert provider.name == "runCommand"
        settings = provider.settings
        codes = [int(code, 0) for code in settings["successReturnCodes"].split(";")]
        limit = int(settings["waitAttempts"]) * int(settings["waitInterval"]) / 1000
        result = subprocess.run(
            command_line(provider.path, self.environ),
            cwd=self.site.parent,  # no folder that has to do with the application
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit,
            check=False,
        )
        output = result.stdout.decode("utf-8", "replace")
        assert result.returncode in codes, output
        return output


def provider_of(element):
    """An element as Web Deploy understands it in a package.

    A runCommand's settings are heeded only where they are encoded, and the command is run only
    where the key is named; both were found out by people who had it otherwise.
    """
    path = element.get("path")
    if element.tag != "runCommand":
        return Provider(element.tag, path, path, {})
    assert element.get("MSDeploy.MSDeployKeyAttributeName") == "path"
    options = decode(element.get("MSDeploy.MSDeployProviderOptions"))
    assert options.provider == "runCommand"
    return Provider(element.tag, options.path, options.path, dict(options.settings))


def in_text(data, match, value):
    text, count = re.subn(match, lambda _: value, data.decode("utf-8"))
    return text.encode("utf-8"), count


def in_xml(data, match, value):
    """The attributes that an XPath of the simplest form finds: elements, then an attribute."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.fromstring(data, parser)
    path, _, attribute = match.rpartition("/@")
    assert path.startswith(f"/{root.tag}/")
    found = root.findall("." + path.removeprefix(f"/{root.tag}"))
    for element in found:
        element.set(attribute, value)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), len(found)


def command_line(text, environ):
    """What is started for a command; the variables are put in here, by *environ*.

    cmd.exe would do so itself, but Wine gives every process a ProgramFiles of its own.
    """
    known = {name.upper(): value for name, value in environ.items()}
    text = re.sub("%([^%]+)%", lambda match: known.get(match[1].upper(), match[0]), text)
    if sys.platform == "win32":
        return f'{environ["COMSPEC"]} /c "{text}"'
    return shlex.split(text.replace("\\", "/"))


def install_program(path, module):
    """Put a program there that calls a module's main(), as pip's console scripts do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    main = f"import sys\nfrom {module} import main\nsys.exit(main())\n"
    if sys.platform == "win32":
        path.write_bytes(windows_launcher(main))
    else:
        path.write_text(f"#!{os.path.abspath(sys.executable)}\n{main}", encoding="utf-8")
        path.chmod(0o755)
