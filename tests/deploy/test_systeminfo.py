"""What makes a package one for Azure Pipelines."""

from __future__ import annotations

import pytest

from iiswsgi.deploy.systeminfo import AZURE_PARAMETER, SYSTEM_INFO, name_app_parameter
from iiswsgi.errors import ConfigError, DeployError
from iiswsgi.iis import document

PARAMETERS = """\
<parameters>
  <parameter name="Application Path" defaultValue="Site/app &amp; more" tags="New, iisapp">
    <parameterEntry kind="ProviderPath" scope="iisApp" match="^app$"/>
    <description culture="de">Der &lt;Ort&gt;</description>
  </parameter>
  <parameter name="Acl" defaultValue="{Application Path}/App_Data" tags="Hidden">
    <parameterEntry kind="ProviderPath" scope="setAcl" match="App_Data"/>
  </parameter>
  <parameter name="Mail" defaultValue="{Mail Server}"/>
</parameters>
"""


def named(text, name):
    return name_app_parameter(text, "Parameters.xml", name)


def parameters(data):
    root = document.parse(data, "Parameters.xml")
    return {each.attributes["name"]: each for each in root.children}


def test_the_parameter_is_called_as_the_task_calls_it():
    found = parameters(named(PARAMETERS, AZURE_PARAMETER))
    assert list(found) == [AZURE_PARAMETER, "Acl", "Mail"]
    app = found[AZURE_PARAMETER]
    assert app.attributes["defaultValue"] == "Site/app & more"
    assert [child.tag for child in app.children] == ["parameterEntry", "description"]
    assert app.children[1].text == "Der <Ort>"


def test_references_follow_and_others_stay():
    found = parameters(named(PARAMETERS, "Where"))
    assert found["Acl"].attributes["defaultValue"] == "{Where}/App_Data"
    assert found["Mail"].attributes["defaultValue"] == "{Mail Server}"


def test_the_same_name_again_changes_nothing():
    found = parameters(named(PARAMETERS, "Application Path"))
    assert found["Acl"].attributes["defaultValue"] == "{Application Path}/App_Data"


def test_none_is_the_applications():
    with pytest.raises(DeployError, match="IISWSGI-D13: "):
        named(PARAMETERS.replace("iisapp", "other"), "x")


def test_the_name_is_another_ones_already():
    with pytest.raises(DeployError, match=r"IISWSGI-D34: Parameters.xml, line 9: "):
        named(PARAMETERS, "mail")


@pytest.mark.parametrize("name", [" ", "a\x01b", "a\nb", "a\x7f", "\udc80", "\uffff"])
def test_what_can_be_no_name(name):
    with pytest.raises(DeployError, match=r"IISWSGI-D34: .* can be no parameter's name"):
        named(PARAMETERS, name)


@pytest.mark.parametrize("name", ["Größe & <Ort>", "\U0001f600 x", "\u3000アプリ"])
def test_what_can_be_a_name(name):
    assert name in parameters(named(PARAMETERS, name))


def test_a_reference_in_other_letters_follows_too():
    found = parameters(named(PARAMETERS.replace("{Application", "{application"), r"A\1"))
    assert found["Acl"].attributes["defaultValue"] == r"{A\1}/App_Data"


def test_a_file_with_entities_is_refused():
    with pytest.raises(ConfigError, match="DOCTYPE"):
        named("<!DOCTYPE x [<!ENTITY a 'b'>]><parameters/>", "x")


def test_the_system_info_names_no_machine():
    root = document.parse(SYSTEM_INFO, "systemInfo.xml")
    assert root.tag == "systemInfo"
    assert {root.attributes[name] for name in ("osVersion", "winDir", "machineName")} == {""}
