"""What is read from a wheel."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from deploy import wheels as made
from iiswsgi.deploy.wheels import parse_requirement, read_wheel
from iiswsgi.errors import DeployError


def test_name_version_and_requirements(tmp_path):
    path = made.toy(tmp_path, "Some_Thing", "1.2.post1", ["other>=2; os_name == 'nt'"])
    wheel = read_wheel(path)
    assert (wheel.name, str(wheel.version)) == ("some-thing", "1.2.post1")
    assert [str(each) for each in wheel.requires] == ['other>=2; os_name == "nt"']


def test_the_line_of_the_lock_holds_the_hash(tmp_path):
    path = made.toy(tmp_path, "thing")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_wheel(path).locked() == f"thing==1.0 --hash=sha256:{digest}"


def refusal(path):
    with pytest.raises(DeployError) as caught:
        read_wheel(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["thing.whl", "thing-x-py3-none-any.whl", "thing-1.tar.gz"])
def test_a_file_that_is_not_named_as_a_wheel(tmp_path, name):
    assert "IISWSGI-D32: " in refusal(tmp_path / name)


def test_a_file_that_is_no_archive(tmp_path):
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    path.write_bytes(b"<html>not found</html>")
    assert f"IISWSGI-D26: {path}" in refusal(path)


@pytest.mark.parametrize("count", [0, 2])
def test_not_one_metadata_file(tmp_path, count):
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vendored/thing.dist-info/METADATA", "")
        for number in range(count):
            archive.writestr(f"thing-{number}.dist-info/METADATA", "")
    assert f"it has {count} METADATA files" in refusal(path)


def test_a_requirement_that_is_none_names_the_wheel(tmp_path):
    path = made.toy(tmp_path, "thing", requires=["what is this"])
    assert f"IISWSGI-D32: {path}: 'what is this' is no requirement: " in refusal(path)


def test_an_address_is_no_requirement_for_a_wheelhouse():
    with pytest.raises(DeployError, match=r"IISWSGI-D32: the project: .* names an address"):
        parse_requirement("thing @ https://example.com/thing.zip", "the project")


@pytest.mark.parametrize("text", ["thing @ https://jo:x1y2@host/a.zip", "a b https://jo:x1y2@host"])
def test_the_password_of_an_address_is_not_told(text):
    with pytest.raises(DeployError, match="IISWSGI-D32") as caught:
        parse_requirement(text, "the project")
    assert "x1y2" not in str(caught.value)
