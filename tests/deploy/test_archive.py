"""Writing the zip file of a package."""

from __future__ import annotations

import os
import sys
import zipfile

import pytest

from iiswsgi.deploy import archive, entries
from iiswsgi.deploy.archive import write_archive
from iiswsgi.errors import DeployError


@pytest.fixture(autouse=True)
def no_epoch(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def files(tmp_path):
    """Two files with times of their own, one of them executable."""
    for name, when in (("b.txt", 1_600_000_000), ("a.sh", 1_500_000_000)):
        path = tmp_path / name
        path.write_bytes(name.encode() * 100)
        path.chmod(0o755)
        os.utime(path, (when, when))
    return {"app/b.txt": tmp_path / "b.txt", "app/a.sh": tmp_path / "a.sh", "Z.xml": b"<z/>"}


def infos(path):
    with zipfile.ZipFile(path) as reader:
        assert reader.testzip() is None
        return reader.infolist()


def refusal(path, content):
    with pytest.raises(DeployError) as caught:
        write_archive(path, content)
    assert not path.exists()
    assert not list(path.parent.glob("*.partial"))
    return str(caught.value)


def test_entries_are_sorted_dos_entries_without_modes(files, tmp_path):
    write_archive(tmp_path / "x.zip", files)
    found = infos(tmp_path / "x.zip")
    assert [info.filename for info in found] == ["Z.xml", "app/a.sh", "app/b.txt"]
    assert {info.create_system for info in found} == {0}
    assert {info.external_attr for info in found} == {0x20}
    assert {info.compress_type for info in found} == {zipfile.ZIP_DEFLATED}


def test_without_an_epoch_files_keep_their_times_and_made_ones_get_the_newest(files, tmp_path):
    write_archive(tmp_path / "x.zip", files)
    assert [info.date_time for info in infos(tmp_path / "x.zip")] == [
        (2020, 9, 13, 12, 26, 40),
        (2017, 7, 14, 2, 40, 0),
        (2020, 9, 13, 12, 26, 40),
    ]


def test_the_same_input_gives_the_same_bytes_whatever_the_files_times(files, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_archive(tmp_path / "1.zip", files)
    os.utime(files["app/a.sh"])
    files["app/a.sh"].chmod(0o600)
    write_archive(tmp_path / "2.zip", dict(reversed(files.items())))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert {info.date_time for info in infos(tmp_path / "1.zip")} == {(2023, 11, 14, 22, 13, 20)}


@pytest.mark.parametrize(
    ("epoch", "year"), [("0", 1980), ("315532800", 1980), ("253402300799", 2107)]
)
def test_a_time_no_zip_can_hold_is_moved_to_the_nearest(tmp_path, monkeypatch, epoch, year):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    write_archive(tmp_path / "x.zip", {"a": b""})
    assert infos(tmp_path / "x.zip")[0].date_time[0] == year


@pytest.mark.parametrize("epoch", ["", "yesterday", "-1", "1.5", "9" * 40, "253402300800", "²"])
def test_a_malformed_epoch_is_refused(tmp_path, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert "IISWSGI-D24: SOURCE_DATE_EPOCH is " in refusal(tmp_path / "x.zip", {"a": b""})


if sys.platform != "win32":  # where links need rights, and lead nowhere on Wine

    def test_a_link_is_stored_as_the_file_it_leads_to(tmp_path):
        (tmp_path / "real").write_bytes(b"content")
        (tmp_path / "link").symlink_to("real")
        write_archive(tmp_path / "x.zip", {"link": tmp_path / "link"})
        with zipfile.ZipFile(tmp_path / "x.zip") as reader:
            assert reader.read("link") == b"content"
            assert reader.getinfo("link").external_attr == 0x20


def test_names_with_umlauts_are_kept(tmp_path):
    write_archive(tmp_path / "x.zip", {"Größe/é.txt": b"1"})
    [info] = infos(tmp_path / "x.zip")
    assert info.filename == "Größe/é.txt"
    assert info.flag_bits & 0x800  # the name is UTF-8


@pytest.mark.parametrize("name", ["../x", "/x", "a\\b", "C:x", "nul"])
def test_a_name_windows_cannot_hold_is_refused(tmp_path, name):
    text = refusal(tmp_path / "x.zip", {name: b""})
    assert "IISWSGI-D20: " in text
    assert repr(name) in text


def test_two_names_that_are_one_file_on_windows_are_refused(tmp_path):
    text = refusal(tmp_path / "x.zip", {"app/Read.me": b"", "app/README": b"", "app/read.ME": b""})
    assert "'app/Read.me' and 'app/read.ME' are one file on Windows" in text


def test_too_many_files_are_refused(tmp_path):
    content = dict.fromkeys(map(str, range(entries.MAX_FILES + 1)), b"")
    assert "IISWSGI-D21: " in refusal(tmp_path / "x.zip", content)


def test_too_large_a_file_is_refused(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(entries.MAX_FILE_BYTES + 1)
    text = refusal(tmp_path / "x.zip", {"app/huge": tmp_path / "huge"})
    assert "IISWSGI-D22: app/huge: 2147483648 bytes" in text


def test_what_cannot_be_read_leaves_no_half_archive(tmp_path):
    text = refusal(tmp_path / "x.zip", {"a": b"", "b": tmp_path / "missing"})
    assert "IISWSGI-D25: " in text


def test_a_folder_is_made_and_one_that_cannot_be_made_is_one_sentence(tmp_path):
    write_archive(tmp_path / "new/folder/x.zip", {"a": b""})
    with pytest.raises(DeployError, match="IISWSGI-D25: "):
        write_archive(tmp_path / "new/folder/x.zip/x.zip", {"a": b""})


def test_an_older_archive_is_replaced(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"old")
    write_archive(tmp_path / "x.zip", {"a": b"new"})
    assert [info.filename for info in infos(tmp_path / "x.zip")] == ["a"]


def test_dos_times_are_as_the_module_says():
    assert archive.time.gmtime(archive._EPOCH_OF_DOS)[:3] == (1980, 1, 1)
    assert archive.time.gmtime(archive._END_OF_DOS)[:6] == (2107, 12, 31, 23, 59, 58)
