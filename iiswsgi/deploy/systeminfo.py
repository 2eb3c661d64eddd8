"""What Azure Pipelines' IIS task looks for in a zip file before it takes it for a package.

The task (azure-pipelines-tasks-common-packages: ziputility.ts, msdeployutility.ts) hands a zip file
to Web Deploy as a package only if ``parameters.xml`` and ``systeminfo.xml`` are at its root, in any
case; and it always sets a parameter of a name of its own.
"""

from __future__ import annotations

from iiswsgi.deploy.project import PARAMETERS
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


def name_app_parameter(data: bytes, name: str) -> bytes:
    """Parameters.xml with the parameter of the application's place under another name.

    Defaults of other parameters that refer to it by ``{its name}`` follow.

    :param data: a Parameters.xml.
    :raises ConfigError: C01, it is no XML.
    :raises DeployError: D34, not one parameter has the tag iisApp, or another one has the name.
    """
    root = document.parse(data, PARAMETERS)
    parameters = [each for each in root.children if each.tag == "parameter"]
    tagged = [each for each in parameters if "iisapp" in _tags(each)]
    if len(tagged) != 1:
        raise DeployError(
            "D34",
            f"{PARAMETERS}: {len(tagged)} parameters have the tag iisApp; "
            f"one must have it to be called {name!r}",
        )
    [parameter] = tagged
    others = (each for each in parameters if each is not parameter)
    if other := next((each for each in others if each.attributes.get("name") == name), None):
        raise DeployError(
            "D34",
            f"{PARAMETERS}, line {other.line}: this parameter is called {name!r} already, "
            f"which the one of line {parameter.line} with the tag iisApp is to be",
        )
    old = parameter.attributes.get("name", "")
    parameter.attributes["name"] = name
    for each in parameters:
        for attribute in {"defaultValue", "value"} & each.attributes.keys():
            text = each.attributes[attribute]
            each.attributes[attribute] = text.replace(f"{{{old}}}", f"{{{name}}}")
    return document.to_xml(root).encode()


def _tags(parameter: document.Element) -> list[str]:
    return [tag.strip().lower() for tag in parameter.attributes.get("tags", "").split(",")]
