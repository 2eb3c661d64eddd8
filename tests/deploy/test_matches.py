from __future__ import annotations

import logging

import pytest

from iiswsgi.deploy import expressions, matches
from iiswsgi.deploy.manifest import parse_manifest
from iiswsgi.deploy.matches import check_matches
from iiswsgi.deploy.parameters import parse_parameters
from iiswsgi.errors import DeployError

MANIFEST = parse_manifest(
    "<m><iisApp path='My App'/><setAcl path='My App/logs'/><dbFullSql path='install.sql'/>"
    "<runCommand path='x'/><alias from='My App/a.txt' to='My App/b.txt'/></m>",
    "Manifest.xml",
)


@pytest.fixture
def content(tmp_path):
    files = {
        "My App/web.config.in": b"<a>__project__</a>",
        "My App/sub/x.py": b"\xff\xfe" + "PlaceHolder".encode("utf-16-le"),
        "My App/latin.txt": "Größe: PLACE".encode("latin-1"),
        "My App/a.txt": b"alias me",
        "install.sql": b"CREATE PlaceHolderForDb",
    }
    result = {}
    for number, (name, data) in enumerate(files.items()):
        result[name] = tmp_path / str(number)
        result[name].write_bytes(data)
    return result


def check(content, kind, scope, match=""):
    text = f"""<parameters><parameter name='App' tags='iisApp'>
      <parameterEntry kind='{kind}' scope='{scope}' match='{match}'/></parameter></parameters>"""
    check_matches(parse_parameters(text, "P"), MANIFEST, content, "Parameters.xml")


@pytest.mark.parametrize(
    ("kind", "scope", "match"),
    [
        ("ProviderPath", "iisapp", "My App"),
        ("ProviderPath", "iisApp|setAcl", "^My App/logs$"),
        ("ProviderPath", "dbFullSql", "Install.SQL"),
        ("TextFile", "\\\\web\\.config\\.in$", "__project__"),
        ("TextFile", "\\\\My App\\\\sub\\\\", "placeholder"),
        ("TextFile", "latin", "größe: (?&lt;x&gt;PLACE)"),
        ("TextFile", "dbFullSql|dbMySql", "PlaceHolderForDb"),
        ("TextFile", "b.txt", "alias"),
        ("XmlFile", "\\\\web\\.config\\.in$", "//*[local-name()=&quot;a&quot;]"),
        ("TextFile", r"\p{L}", "whatever"),
        ("ProviderPath", "iisApp", r"\p{L}"),
        ("TextFile", "latin", r"\p{L}"),
        ("TextFile", "latin", r"PLACE\Z"),
        ("TextFile", "[a-z-[aeiou]]+", "whatever"),
        ("TextFile", r"\\l\w+\.txt$", r"pla?c{1,2}e$"),
        ("ProviderPath", "iis.*", "^My +App$"),
        ("DestinationBinding", "nowhere", "nothing"),
    ],
)
def test_what_is_found(content, kind, scope, match):
    check(content, kind, scope, match)


@pytest.mark.parametrize(
    ("kind", "scope", "match", "says"),
    [
        ("ProviderPath", "contentPath", "My App", "no provider .*'contentPath'"),
        ("ProviderPath", "iisApp", "MyApp", "'MyApp' is not in 'My App'"),
        ("TextFile", "\\\\web\\.config$", "__project__", "no file .*web"),
        ("TextFile", "web", "__Projekt__", "'__Projekt__' does not occur in My App/web.config.in"),
        ("TextFile", "/sub/", "x", "no file"),
        ("XmlFile", "\\\\app\\.config$", "//a", "no file .*app"),
        ("TextFile", r"\\\w+\.txt$", "pla?zza+", "'pla.zza.' does not occur in My App/latin.txt, "),
        ("ProviderPath", "iis.*", "My +Ap$", "'My .Ap.' is not in"),
    ],
)
def test_what_is_not(content, kind, scope, match, says):
    where = r"IISWSGI-D15: Parameters\.xml, line 2: "
    with pytest.raises(DeployError, match=f"{where}a {kind} entry matches nothing: {says}"):
        check(content, kind, scope, match)


def test_a_file_that_has_gone_is_told_of(content):
    content["My App/a.txt"].unlink()
    with pytest.raises(DeployError, match=r"IISWSGI-D06: .*cannot be read"):
        check(content, "TextFile", "a.txt", "x")


def test_a_huge_file_is_not_searched(content, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(matches, "MAX_SEARCHED", 4)
    check(content, "TextFile", "latin", "not there")
    assert "is not searched" in caplog.text


def test_a_search_without_an_end_is_given_up(content, monkeypatch, caplog):
    monkeypatch.setattr(expressions, "SECONDS", 1.0)
    content["My App/a.txt"].write_text("a" * 60 + "!", encoding="utf-8")
    check(content, "TextFile", "a.txt", "(a+)+$")
    [record] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage().startswith("IISWSGI-D29: Parameters.xml, line 2: ")
    assert "'(a+)+$'" in record.getMessage()


def test_a_file_with_two_names_is_named_once(content):
    content["sub/x.py"] = content["My App/sub/x.py"]
    with pytest.raises(DeployError, match=r"does not occur in My App/sub/x\.py$"):
        check(content, "TextFile", "x.py", "nowhere")
