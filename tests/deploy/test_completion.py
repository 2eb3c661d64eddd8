from __future__ import annotations

import logging
import xml.etree.ElementTree as ET

import pytest

from iiswsgi.deploy.completion import complete
from iiswsgi.deploy.provider import ProviderOptions, decode, encode
from iiswsgi.errors import ConfigError, DeployError

FILE = "Manifest.xml.in"
OPTIONS = "MSDeploy.MSDeployProviderOptions"
KEY = "MSDeploy.MSDeployKeyAttributeName"
TEMPLATE = """\
<?xml version="1.0" encoding="utf-8"?>
<!-- what <runCommand path="x"/> does: -->
<msDeploy.iisApp>
  <iisApp path="%(PROJECT_NAME)s"  other='kept'/>
  <runCommand
      path="%SystemDrive%\\Python\\python.exe -m iiswsgi &amp;&amp; echo &quot;a > b&quot;"
      waitAttempts="10" MSDeploy.MSDeployLinkName = 'Child1'
      waitInterval="60000"
      successReturnCodes='0x0;0x2'  />
  <![CDATA[<runCommand path="y"/>]]>
</msDeploy.iisApp>
"""
PATH = '%SystemDrive%\\Python\\python.exe -m iiswsgi && echo "a > b"'


def completed(text=TEMPLATE, **variables):
    return complete(text, {"PROJECT_NAME": "App", **variables}, FILE)


def command(attributes, before=""):
    ok = "successReturnCodes='0x0'"
    return f"<a>{before}<iisApp path='App'/>\n<runCommand path='x' {ok} {attributes}/></a>"


def test_the_settings_are_encoded():
    element = ET.fromstring(completed()).find("runCommand")
    assert decode(element.get(OPTIONS)) == ProviderOptions(
        "runCommand",
        PATH,
        (("waitAttempts", "10"), ("waitInterval", "60000"), ("successReturnCodes", "0x0;0x2")),
    )


def test_the_element_says_what_its_key_is_and_keeps_its_path():
    element = ET.fromstring(completed()).find("runCommand")
    assert set(element.attrib) == {"path", "MSDeploy.MSDeployLinkName", KEY, OPTIONS}
    assert element.get(KEY) == "path"
    assert element.get("path") == PATH


def test_a_key_that_is_there_is_kept():
    element = ET.fromstring(completed(command(f"{KEY}='Path'"))).find("runCommand")
    assert element.get(KEY) == "Path"


def test_everything_else_stays_as_it_was_written():
    before, after = TEMPLATE.splitlines(), completed().splitlines()
    assert after[:3] == before[:3]
    assert after[3] == """  <iisApp path="App"  other='kept'/>"""
    assert after[4] == before[4]
    assert after[5].startswith(before[5])
    assert after[-2:] == before[-2:]


def test_a_completed_manifest_is_complete():
    assert completed(completed()) == completed()


def test_variables_of_the_target_machine_stay(caplog):
    caplog.set_level(logging.INFO)
    assert "%SystemDrive%" in completed(SYSTEMROOT="C:\\Windows")
    assert "left for the target machine: SystemDrive" in caplog.text


def test_a_listed_variable_is_filled_in_and_escaped():
    text = command("", before="<dirPath path='%X% %(x)s'/>")
    assert ET.fromstring(completed(text, X="<&'")).find("dirPath").get("path") == "<&' <&'"


def test_a_variable_that_nobody_knows_is_an_error():
    with pytest.raises(DeployError, match=r"IISWSGI-D09: Manifest.xml.in, line 2: .*NOBODY"):
        completed(command("").replace("path='x'", "path='%(NOBODY)s'"))


def test_unknown_variables_in_comments_are_prose():
    assert "%(NOBODY)s" in completed(command("", before="<!-- %(NOBODY)s -->"))


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ("waitAtempts='1'", "no setting waitAtempts; did you mean waitAttempts"),
        ("waitattempts='1'", "no setting waitattempts; did you mean waitAttempts"),
        ("xyz='1'", "no setting xyz; it has waitInterval, "),
        ("waitAttempts=''", "waitAttempts is '';"),
        ("waitAttempts='-1'", "waitAttempts is '-1'; it must be a whole number"),
        ("waitAttempts='\u0661'", "a whole number"),
        ("waitInterval='1s'", "milliseconds"),
        ("dontUseCommandExe='yes'", "true or false"),
        ("dontUseJobObject='1'", "true or false"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(attributes, says):
    with pytest.raises(DeployError, match=f"IISWSGI-D07: Manifest.xml.in, line 2: .*{says}"):
        completed(command(attributes))


@pytest.mark.parametrize("codes", ["", "0x", "0,1", "zero", "0x123456789", ";"])
def test_success_codes_that_are_no_numbers(codes):
    with pytest.raises(DeployError, match=r"IISWSGI-D07.*successReturnCodes"):
        completed(command("").replace("0x0", codes))


@pytest.mark.parametrize("codes", ["0", "0x0;0x2", "0x0; 2 ;", "-1", "0xC0000005"])
def test_success_codes_that_are(codes):
    element = ET.fromstring(completed(command("").replace("0x0", codes))).find("runCommand")
    assert dict(decode(element.get(OPTIONS)).settings)["successReturnCodes"] == codes


@pytest.mark.parametrize("path", ["", " "])
def test_a_command_is_needed(path):
    with pytest.raises(DeployError, match=r"IISWSGI-D07.*line 2.*no path"):
        completed(command("").replace("path='x'", f"path='{path}'"))


def test_an_access_list_is_checked_and_left_alone():
    acl = "<setAcl path='App' setAclAccess='Modify' setAclResourceType='File'/>"
    assert acl in completed(command("", before=acl))
    with pytest.raises(DeployError, match=r"IISWSGI-D07.*line 1.*File or Directory"):
        completed(command("", before=acl.replace("'File'", "'Folder'")))


def test_a_command_without_success_codes_is_warned_of(caplog):
    completed(command("").replace("successReturnCodes='0x0'", ""))
    assert "IISWSGI-D12: Manifest.xml.in, line 2: " in caplog.text


@pytest.mark.parametrize("name", ["runcommand", "RunCommand"])
def test_the_case_of_an_element_does_not_matter(name):
    element = ET.fromstring(completed(command("").replace("runCommand", name))).find(name)
    assert decode(element.get(OPTIONS)).provider == "runCommand"


def test_several_commands_in_their_order():
    text = command("waitAttempts='1'").replace("</a>", "<runCommand path='y'></runCommand></a>")
    first, second = ET.fromstring(completed(text)).findall("runCommand")
    assert decode(first.get(OPTIONS)).path == "x"
    assert decode(second.get(OPTIONS)) == ProviderOptions("runCommand", "y")


def test_a_command_within_something_else_is_refused():
    with pytest.raises(DeployError, match=r"IISWSGI-D07: .*line 1: .*directly below the root"):
        completed(command("", before="<alias><runCommand path='z'/></alias>"))


def test_an_encoded_attribute_that_is_there_is_kept_if_it_says_the_same():
    value = encode(ProviderOptions("runCommand", "x", (("successReturnCodes", "0x0"),)))
    assert value in completed(command(f"{OPTIONS}='{value}'"))


@pytest.mark.parametrize(
    "value",
    [
        encode(ProviderOptions("runCommand", "x", (("successReturnCodes", "0x1"),))),
        encode(ProviderOptions("iisApp", "x", (("successReturnCodes", "0x0"),))),
        encode(ProviderOptions("runCommand", "", (("successReturnCodes", "0x0"),))),
        "nonsense",
    ],
)
def test_an_encoded_attribute_that_says_something_else_is_refused(value):
    with pytest.raises(DeployError, match=r"IISWSGI-D11: Manifest.xml.in, line 2"):
        completed(command(f"{OPTIONS}='{value}'"))


def test_an_encoded_attribute_with_a_setting_that_there_is_not():
    value = encode(ProviderOptions("runCommand", "x", (("waitAtempts", "9"),)))
    text = f"<a><iisApp path='App'/>\n<runCommand path='x' {OPTIONS}='{value}'/></a>"
    with pytest.raises(DeployError, match=r"D11: .*line 2: .*it has no setting waitAtempts; did"):
        completed(text)


@pytest.mark.parametrize("provider", ["runCommand", "setAcl"])
def test_a_key_that_is_no_attribute(provider):
    text = f"<a><iisApp path='App'/>\n<{provider} path='x' {KEY}='pth'/></a>"
    with pytest.raises(DeployError, match=rf"D07: .*line 2: <{provider}>'s {KEY} is 'pth'"):
        completed(text)


def test_a_misspelt_provider_is_told_of(caplog):
    completed("<a><iisApp path='App'/>\n<runComand path='x'/></a>")
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("IISWSGI-D10: Manifest.xml.in, line 2: ")
    assert "<runComand>" in record.getMessage()


def test_a_command_that_is_too_long_is_named_with_its_line():
    with pytest.raises(DeployError, match=r"IISWSGI-D05: Manifest.xml.in, line 2: the settings"):
        completed(command("").replace("path='x'", f"path='{'x' * 70_000}'"))


def test_ends_of_lines_stay():
    text = completed(TEMPLATE.replace("\n", "\r\n"))
    assert text.count("\r\n") == text.count("\n") > 5


def test_what_is_no_xml_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"IISWSGI-C01: Manifest.xml.in, line 2"):
        completed("<a>\n<b></a>")
