"""The words of Parameters.xml: its elements, their attributes, and the tags that mean something.

Sources: Microsoft's "Reference for the Web Application Package", and the files of its gallery.
"""

from __future__ import annotations

from iiswsgi.deploy.settings import hint
from iiswsgi.errors import DeployError
from iiswsgi.iis.document import Element

__all__ = ["TAGS", "refuse_unknown"]

CHILDREN = {
    "parameters": ("parameter",),
    "parameter": ("parameterEntry", "parameterValidation", "description", "friendlyName"),
}
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "parameters": (),
    "parameter": ("name", "friendlyName", "description", "defaultValue", "value", "tags"),
    "parameterEntry": ("kind", "type", "scope", "match", "tags"),
    "parameterValidation": ("kind", "type", "validationString"),
    "description": ("culture",),
    "friendlyName": ("culture",),
}
TAGS = (
    "iisApp", "Hidden", "Password", "New", "NoStore", "AppURL", "Validate", "SQL", "MySQL",
    "SQLite", "VistaDB", "FlatFile", "dbServer", "dbName", "dbUsername", "dbUserPassword",
    "dbAdminUsername", "dbAdminPassword", "SqlConnectionString", "MySqlConnectionString",
    "SetAcl", "SQLCE",
)  # fmt: skip
"""Those that Web Deploy or a tool of Microsoft's knows. Any other word is legal."""


def refuse_unknown(element: Element, file: str, name: str = "parameters") -> None:
    """Complain about an element or an attribute that nobody would read, in *element* or below.

    :param name: the element's, as Microsoft writes it; in a file its case does not matter.
    :raises DeployError: D13, there is one.
    """
    attributes, children = ATTRIBUTES[name], CHILDREN.get(name, ())
    for attribute in element.attributes:
        # What has a colon belongs to XML itself or to another namespace.
        if attribute not in (*attributes, "xmlns") and ":" not in attribute:
            says = f"<{element.tag}> has no attribute {attribute}; {hint(attribute, attributes)}"
            raise DeployError("D13", f"{file}, line {element.line}: {says}")
    for child in element.children:
        known = next((each for each in children if each.lower() == child.tag.lower()), None)
        if known is None:
            says = f"<{element.tag}> takes no <{child.tag}>; {hint(child.tag, children)}"
            raise DeployError("D13", f"{file}, line {child.line}: {says}")
        refuse_unknown(child, file, known)
