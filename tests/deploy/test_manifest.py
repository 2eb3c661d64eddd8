from __future__ import annotations

from pathlib import Path

import pytest

from iiswsgi.deploy.manifest import parse_manifest, read_manifest
from iiswsgi.errors import ConfigError, DeployError

SAMPLES = Path(__file__).parents[3] / "shared/samples"


def manifest(content, root="msdeploy.iisApp"):
    return parse_manifest(f"<{root}>{content}</{root}>", "Manifest.xml")


@pytest.mark.parametrize(
    ("name", "folder", "providers"),
    [
        ("vacationpics", "Vacation Pictures", ["iisApp", "setAcl", "dbFullSql", "dbFullSql"]),
        ("wordpress", "wordpress", ["iisApp", "dbMySql", "alias", "setAcl"]),
    ],
)
def test_manifests_of_microsofts_gallery_are_read(name, folder, providers):
    path = SAMPLES / f"gallery-{name}-Manifest.xml"
    if not path.is_file():
        pytest.skip("the sample files, shared/samples, do not lie beside this checkout")
    found = read_manifest(path)
    assert found.app_folder == folder
    assert [provider.name for provider in found.providers] == providers


@pytest.mark.parametrize("root", ["msdeploy.iisApp", "MSDeploy.iisApp", "sitemanifest", "x"])
def test_any_root_and_any_case_do(root):
    assert manifest("<IISAPP path='App'/>", root).app_folder == "App"


def test_settings_are_what_is_neither_the_path_nor_web_deploys():
    content = "<iisApp path='a'/><runCommand path='c' b='1' MSDeploy.X='2' a='3'/>"
    assert manifest(content).providers[1].settings == {"b": "1", "a": "3"}
    assert manifest(content).providers[1].path == "c"


@pytest.mark.parametrize("content", ["", "<runCommand path='x'/>", "<iisApp path='a'/>" * 2])
def test_one_application_is_named(content):
    with pytest.raises(DeployError, match=r"IISWSGI-D08: Manifest\.xml, line 1: .*<iisApp"):
        manifest(content)


@pytest.mark.parametrize(
    "path", ["", " ", "..", "a/../..", "../a", "/a", "\\a", "C:\\a", "a:b", ".", "\\\\server\\a"]
)
def test_the_application_has_a_folder_in_the_package(path):
    with pytest.raises(DeployError, match=r"IISWSGI-D08: .*line 2.*folder"):
        manifest(f"\n<iisApp path='{path}'/>")


def test_a_manifest_of_thousands_of_steps_is_refused():
    with pytest.raises(DeployError, match=r"IISWSGI-D08: .*1001 providers"):
        manifest("<iisApp path='a'/>" + "<runCommand/>" * 1000)


def test_a_folder_may_lie_in_another_one():
    assert manifest("<iisApp path='Apps\\My App\\'/>").app_folder == "Apps/My App"


def test_a_doctype_is_refused():
    with pytest.raises(ConfigError, match="IISWSGI-C01"):
        parse_manifest("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "Manifest.xml")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<a>\n\n\xff</a>", "line 3, is not UTF-8"),
        ("<a/>".encode("utf-16"), "is not UTF-8"),
        (
            b"<?xml version='1.0' encoding='iso-8859-1'?><a/>",
            "line 1, declares .* iso-8859-1",
        ),
        (b"<a>" + b" " * (8 << 20) + b"</a>", "more than"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_text_of_ours_is_refused(tmp_path, data, says):
    path = tmp_path / "Manifest.xml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DeployError, match=f"IISWSGI-D06: .*Manifest.xml.*{says}"):
        read_manifest(path)


def test_a_byte_order_mark_is_no_trouble(tmp_path):
    path = tmp_path / "Manifest.xml"
    text = "<?xml version='1.0' encoding='utf-8'?><a><iisApp path='ü'/></a>"
    path.write_text(text, encoding="utf-8-sig")
    assert read_manifest(path).app_folder == "ü"
