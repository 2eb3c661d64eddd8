from __future__ import annotations

from pathlib import Path

import pytest

from iiswsgi.deploy import expressions
from iiswsgi.deploy.parameters import Entry, parse_parameters, read_parameters
from iiswsgi.errors import ConfigError, DeployError

SAMPLES = Path(__file__).parents[3] / "shared/samples"
APP = "<parameter name='App' tags='iisApp'/>"


def parameters(content, app=APP):
    return parse_parameters(f"<parameters>{app}\n{content}</parameters>", "Parameters.xml")


def sample(name):
    path = SAMPLES / f"gallery-{name}arameters{'-localized' * (name == 'p')}.xml"
    if not path.is_file():
        pytest.skip("the sample files, shared/samples, do not lie beside this checkout")
    return read_parameters(path)


def test_a_file_of_microsofts_gallery():
    found = sample("vacationpics-P")
    assert [p.name for p in found][:3] == [
        "Application Path",
        "SetAclParameter1",
        "Database Server",
    ]
    assert found[0].tags == ("iisapp",)
    assert found[0].default is None
    assert found[0].validations == ("AllowEmpty",)
    assert found[1].default == "{Application Path}/App_Data"
    assert found[-1].entries[0].kind == "XmlFile"


def test_a_file_with_the_older_attribute():
    [entry] = sample("wordpress-P")[0].entries
    assert (entry.kind, entry.scope, entry.match) == ("ProviderPath", "iisapp", "wordpress")


def test_a_file_with_several_languages():
    [parameter] = sample("p")
    assert parameter.description.startswith("Full site path")


def test_everything_that_is_kept():
    content = """<Parameter name='Scaffold' value='B' tags=' New,  PassWord ,'>
      <description culture='en'>Which one?</description>
      <parameterValidation type='enumeration, allowEmpty' validationString='a, b'/>
      <parameterEntry kind='textfile' scope='\\\\x\\.py$' match='__x__'/></Parameter>"""
    found = parameters(content)[1]
    assert found.name == "Scaffold"
    assert found.description == "Which one?"
    assert found.default == "B"
    assert found.tags == ("new", "password")
    assert found.validations == ("Enumeration", "AllowEmpty")
    assert found.validation == "a, b"
    assert found.entries == (Entry("TextFile", "\\\\x\\.py$", "__x__", 5),)
    assert found.line == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<parameter/>", "no name"),
        ("<parameter name=' '/>", "no name"),
        ("<parameter name='App'/>", "'App' is in line 1 already"),
        ("<parameter name='X'/><parameter name='X'/>", "'X' is in line 2 already"),
        ("<parameter name='X' tags='Hidden'/>", "'X' is hidden"),
        ("<parameter name='X' tags='iisapp'/>", "2 have it"),
        ("<parameter name='X'><parameterEntry/></parameter>", "kind is ''; it can be Provider"),
        ("<parameter name='X'><parameterEntry kind='TextFiel'/></parameter>", "'TextFiel'"),
        ("<parameter name='X'><parameterValidation type='Regex'/></parameter>", "'regex'"),
        ("<parameter name='app'/>", "'app' is in line 1 already"),
        ("<paramter name='X'/>", "<parameters> takes no <paramter>; did you mean parameter"),
        ("<parameter name='X'><parameterEntri/></parameter>", "did you mean parameterEntry"),
        ("<parameter name='X'><description><b/></description></parameter>", "<b>; it has none"),
        ("<parameter name='X' defaultVale='a'/>", "defaultVale; did you mean defaultValue"),
        ("<parameter name='X' defaultvalue='a'/>", "defaultvalue; did you mean defaultValue"),
        ("<parameter name='X' xyz='a'/>", "no attribute xyz; it has name, friendlyName, "),
        (
            "<parameter name='X'><parameterEntry kind='TextFile' mtach='a'/></parameter>",
            "<parameterEntry> has no attribute mtach; did you mean match",
        ),
        (
            "<parameter name='X'><parameterEntry kind='TextFile' scpoe='a'/></parameter>",
            "no attribute scpoe; did you mean scope",
        ),
        (
            "<parameter name='X'><parameterEntry kind='TextFile' scope='a'/></parameter>",
            "a TextFile entry has no match",
        ),
        (
            "<parameter name='X'><parameterValidation type='Enumeration'/></parameter>",
            "the type Enumeration has no validationString",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content, says):
    with pytest.raises(DeployError, match=f"IISWSGI-D13: Parameters.xml, line 2: .*{says}"):
        parameters(content)


def validated(default, kind, string):
    validation = f"<parameterValidation kind='{kind}' validationString='{string}'/>"
    return parameters(f"<parameter name='X' defaultValue='{default}'>{validation}</parameter>")


@pytest.mark.parametrize(
    ("default", "kind", "string"),
    [
        ("b", "Enumeration", "a, B"),
        ("TRUE", "Boolean", ""),
        ("a1", "RegularExpression", "^[a-z]+[0-9]$"),
        ("{App}/x", "Enumeration", "a"),
        ("", "RegularExpression,AllowEmpty", "^a"),
        ("x", r"RegularExpression", r"\p{Lu}"),
        ("x", "AllowEmpty", ""),
    ],
)
def test_a_default_that_its_validation_allows(default, kind, string):
    assert validated(default, kind, string)[1].default == default


@pytest.mark.parametrize(
    ("default", "kind", "string"),
    [
        ("c", "Enumeration", "a,b"),
        ("yes", "Boolean", ""),
        ("1a", "RegularExpression", "^[a-z]+$"),
        ("c", "Enumeration,AllowEmpty", "a"),
    ],
)
def test_a_default_that_its_validation_refuses(default, kind, string):
    with pytest.raises(DeployError, match=r"IISWSGI-D13: .*line 2: the default '.*' is not what"):
        validated(default, kind, string)


def test_a_default_that_no_search_comes_to_an_end_with(monkeypatch):
    monkeypatch.setattr(expressions, "SECONDS", 0.5)
    assert validated("a" * 60 + "!", "RegularExpression", "(a+)+$")


def test_what_belongs_to_xml_is_no_unknown_attribute():
    assert parameters("<parameter name='X' xml:lang='en' xmlns='u' xmlns:x='v' x:y=''/>")


def test_the_application_must_be_asked_for():
    with pytest.raises(DeployError, match=r"IISWSGI-D13: .*line 1: .*tag iisApp.*; 0 have it"):
        parameters("", app="")


def test_another_root_is_refused():
    with pytest.raises(DeployError, match=r"IISWSGI-D13: x, line 1: .*<setParameters>"):
        parse_parameters("<setParameters/>", "x")


def test_what_is_no_xml_is_refused():
    with pytest.raises(ConfigError, match="IISWSGI-C01: x, line 1"):
        parse_parameters("<parameters>", "x")


def entry(scope="x", match="x", kind="TextFile"):
    attributes = f"kind='{kind}' scope='{scope}' match='{match}'"
    return f"<parameter name='X'><parameterEntry {attributes}/></parameter>"


@pytest.mark.parametrize(
    "content",
    [
        entry(scope="("),
        entry(match="*"),
        entry(match="[", kind="ProviderPath"),
        entry(scope="a{2,1}", kind="XmlFile"),
        entry(match="a{99999999999}"),
        entry(match="(?n)("),
        entry(match="(?&lt;=a+)*b)"),
        entry(match=r"\p{Lu}[x"),
        entry(match=r"\p"),
        entry(match="(" * 5000 + ")" * 5000),
        "<parameter name='X'><parameterValidation type='RegularExpression' "
        "validationString='('/></parameter>",
    ],
)
def test_an_expression_that_does_not_compile(content):
    with pytest.raises(DeployError, match=r"IISWSGI-D14: Parameters\.xml, line 2: "):
        parameters(content)


@pytest.mark.parametrize(
    "match",
    [
        "(?&lt;name>a)", "(?&apos;name&apos;a)", r"\p{Lu}", r"(?&lt;a-b>x)", r"\Ga\z",
        r"(?&lt;=level\s*=\s*)INFO", "(?&lt;=a|bb)", "(?&lt;!foo|ba)", "level = (?i)info",
        "(?n)(a)", "(?in:a)", "(?-i)a", "(?m-i)a", "(?m-i:a)", r"\e", r"\cA", "(?&lt;1>a)",
        "(?&lt;I>x)?(?(I)a|X)", "(?(?=a)b|c)", r"(?&lt;n>a)\k&lt;n>", "(?&lt;n>a)|(?&lt;n>b)",
        r"[\p{Lu}\e]+", "[a-z-[aeiou]]+", "(?>a+)b", r"(?#\()\(\?&lt;\(", r"a\Z",
    ],
)  # fmt: skip
def test_an_expression_of_dotnet_alone_is_left_to_it(match):
    assert parameters(entry(match=match))[1].entries


def test_an_xpath_is_no_regular_expression():
    assert parameters(entry(match="//*[", kind="XmlFile"))[1].entries
