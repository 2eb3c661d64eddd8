"""Reading and unpacking zip files that somebody else made."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import struct
import zipfile

import pytest

from iiswsgi.deploy import entries, unpack
from iiswsgi.deploy.archive import write_archive
from iiswsgi.deploy.unpack import opened
from iiswsgi.errors import DeployError


def hostile(path, *infos, content=b"x"):
    """A zip file with entries as they are given, whatever they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for info in infos:
            archive.writestr(info, content)
    return path


def entry(name, mode=0, system=0):
    info = zipfile.ZipInfo("harmless")
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    info.create_system = system
    return info


def refusal(path):
    with pytest.raises(DeployError) as caught, opened(path):
        pass
    text = str(caught.value)
    assert text.startswith(f"IISWSGI-D26: {path}: no package that can be used: ")
    return text


def test_what_was_written_is_read_and_unpacked(tmp_path):
    content = {"Manifest.xml": b"<m/>", "app/Ä/b.txt": b"b" * 100_000, "app/empty": b""}
    write_archive(tmp_path / "x.zip", content)
    with opened(tmp_path / "x.zip") as archive:
        assert set(archive.names) == set(content)
        assert archive.read("app/Ä/b.txt", 100_000) == content["app/Ä/b.txt"]
        assert archive.find("manifest.XML") == "Manifest.xml"
        assert archive.find("nothing") is None
        archive.unpack(tmp_path / "folder")
    for name, data in content.items():
        assert (tmp_path / "folder" / name).read_bytes() == data


def test_folder_entries_and_unix_modes_do_not_matter(tmp_path):
    infos = [entry("app/", stat.S_IFDIR | 0o755, 3), entry("app/x", stat.S_IFREG | 0o777, 3)]
    with opened(hostile(tmp_path / "x.zip", *infos)) as archive:
        assert archive.names == ("app/x",)


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil", "\\\\h\\s\\x", "a/../", "x:y"],
)
def test_names_that_lead_out_are_refused_before_anything_is_written(tmp_path, name):
    path = hostile(tmp_path / "x.zip", entry("good.txt"), entry(name))
    assert repr(name) in refusal(path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.zip"]


def test_a_symbolic_link_is_refused(tmp_path):
    link = entry("app/link", stat.S_IFLNK | 0o777, 3)
    assert "is a symbolic link" in refusal(hostile(tmp_path / "x.zip", link, content=b"/etc"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/b")])
def test_two_entries_of_one_name_are_refused(tmp_path, names):
    assert "one file on Windows" in refusal(hostile(tmp_path / "x.zip", *map(entry, names)))


def test_an_encrypted_entry_is_refused(tmp_path):
    path = hostile(tmp_path / "x.zip", entry("a"))
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\1\2")
    data[place + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted" in refusal(path)


def test_too_many_entries_are_refused(tmp_path):
    path = hostile(tmp_path / "x.zip", *(entry(str(n)) for n in range(entries.MAX_FILES + 1)))
    assert f"{entries.MAX_FILES + 1} entries" in refusal(path)


def declare(path, size):
    """Write another unpacked size into the first entry of the central directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, size)
    path.write_bytes(data)
    return path


def test_an_entry_over_the_limit_is_refused(tmp_path):
    path = declare(hostile(tmp_path / "x.zip", entry("bomb")), entries.MAX_FILE_BYTES + 1)
    assert "2147483648 bytes" in refusal(path)


def test_a_bomb_is_refused_by_the_sum_of_its_files(tmp_path):
    sizes = io.BytesIO()
    with zipfile.ZipFile(sizes, "w") as archive:
        for number in range(5):
            archive.writestr(str(number), b"")
            archive.filelist[-1].file_size = entries.MAX_FILE_BYTES
    (tmp_path / "x.zip").write_bytes(sizes.getvalue())
    assert f"more than {unpack.MAX_UNPACKED} bytes" in refusal(tmp_path / "x.zip")


def test_an_entry_that_is_larger_than_it_says_does_not_grow(tmp_path):
    path = hostile(tmp_path / "x.zip", entry("a"), content=bytes(100_000))
    with opened(declare(path, 10)) as archive, pytest.raises(DeployError, match="IISWSGI-D26"):
        archive.unpack(tmp_path / "folder")
    assert (tmp_path / "folder/a").stat().st_size <= 10


def test_a_damaged_entry_is_one_sentence(tmp_path):
    path = tmp_path / "x.zip"
    write_archive(path, {"a": bytes(range(256)) * 100})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with opened(path) as archive, pytest.raises(DeployError, match="IISWSGI-D26"):
        archive.read("a", 100_000)


def test_more_than_the_limit_is_not_read(tmp_path):
    write_archive(tmp_path / "x.zip", {"a": bytes(11)})
    with opened(tmp_path / "x.zip") as archive, pytest.raises(DeployError, match="10 are the most"):
        archive.read("a", 10)


def test_a_list_of_entries_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "_MAX_DIRECTORY", 70_000)
    path = hostile(tmp_path / "x.zip", *(entry(str(n)) for n in range(2_000)))
    assert "list of entries" in refusal(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 50, b"PK\5\6" + bytes(18)[:10]])
def test_what_is_no_zip_file_is_refused(tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    refusal(tmp_path / "x.zip")


def test_whatever_is_changed_in_a_package_it_is_read_or_refused(tmp_path):
    path = tmp_path / "x.zip"
    content = {"Manifest.xml": b"<m/>" * 50, "app/a": b"a", "Parameters.xml": b"<p/>"}
    write_archive(path, content)
    original = path.read_bytes()
    chance = random.Random(4)
    for number in range(300):
        data = bytearray(original)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice(
                [0, 1, 0x2F, 0xFF, chance.randrange(256)]
            )
        path.write_bytes(data)
        with contextlib.suppress(DeployError), opened(path) as archive:
            archive.unpack(tmp_path / "out" / str(number))
    inside = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")}
    assert inside <= {"x.zip", "out"}


def test_a_missing_file_is_refused(tmp_path):
    refusal(tmp_path / "missing.zip")


def test_a_package_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    write_archive(path, {"Manifest.xml": b"<m/>" * 50, "app/a": b"a"})
    data = path.read_bytes()
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        refusal(path)
