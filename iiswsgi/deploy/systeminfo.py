"""What Azure Pipelines' IIS task looks for in a zip file before it takes it for a package.

The task (azure-pipelines-tasks-common-packages: ziputility.ts, msdeployutility.ts) hands a zip file
to Web Deploy as a package only if ``parameters.xml`` and ``systeminfo.xml`` are at its root, in any
case; and it always sets a parameter of a name of its own.
"""

from __future__ import annotations

import re

from iiswsgi.deploy.parameters import parse_parameters
from iiswsgi.errors import DeployError
from iiswsgi.iis import document

__all__ = ["AZURE_PARAMETER", "SYSTEM_INFO", "SYSTEM_INFO_NAME", "name_app_parameter"]

AZURE_PARAMETER = "IIS Web Application Name"
"""The parameter that the task sets to where the application is to go."""

SYSTEM_INFO_NAME = "systemInfo.xml"

SYSTEM_INFO = b"""\
<?xml version="1.0" encoding="utf-8"?>
<systemInfo osVersion="" winDir="" machineName="" processorArchitecture="" msdeployVersion="1.0"
            buildVersion="7.1.0.0">
  <iisSystemInfo iisMajorVersion="7" iisMinorVersion="0"/>
</systemInfo>
"""
"""What Web Deploy writes of the machine that a package was made on; here it says nothing of any."""

_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and ends of lines."""


def name_app_parameter(text: str, file: str, name: str) -> bytes:
    """Parameters.xml with the parameter of the application's place under another name.

    Defaults of other parameters that refer to it by ``{its name}`` follow.

    :param text: a Parameters.xml that came from *file*.
    :raises DeployError: D34, another parameter has the name, or it can be none's; D13, D14, as
        parameters.py has them.
    :raises ConfigError: C01, it is no XML.
    """
    if not name.strip() or _NO_NAME.search(name):
        raise DeployError(
            "D34", f"{name!r} can be no parameter's name; it must be a line of visible characters"
        )
    parameters = parse_parameters(text, file)
    [app] = [each for each in parameters if "iisapp" in each.tags]
    for each in parameters:
        if each is not app and each.name.lower() == name.lower():
            raise DeployError(
                "D34",
                f"{file}, line {each.line}: this parameter is called {each.name!r} already, "
                f"which the one of line {app.line} with the tag iisApp is to be",
            )
    reference = re.compile(re.escape(f"{{{app.name}}}"), re.IGNORECASE)
    root = document.parse(text.encode("utf-8"), file)
    for element in root.children:
        attributes = element.attributes
        if attributes.get("name") == app.name:
            attributes["name"] = name
        for attribute in {"defaultValue", "value"} & attributes.keys():
            default = attributes[attribute]
            attributes[attribute] = reference.sub(lambda _: f"{{{name}}}", default)
    return document.to_xml(root).encode()
