from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from iiswsgi.deploy import cache
from iiswsgi.deploy.feed import Feed
from iiswsgi.deploy.feedwriter import write
from iiswsgi.errors import DeployError


@pytest.fixture
def webpi(tmp_path):
    """A cache with two products' downloads, two feeds, logs, and a file that is no feed."""
    for product in ("Ours", "Other"):
        folder = tmp_path / "installers" / product / "0123abcd"
        folder.mkdir(parents=True)
        folder.joinpath("x.zip").write_bytes(b"zip")
    tmp_path.joinpath("-1.xml").write_bytes(write(Feed("Ours", "https://example.com/ours")))
    tmp_path.joinpath("-2.xml").write_bytes(write(Feed("Other", "https://example.com/other")))
    tmp_path.joinpath("-3.xml").write_bytes(b"<feed><id>https://example.com/ours</id>")
    tmp_path.joinpath("logs").mkdir()
    tmp_path.joinpath("logs", "webpi.txt").write_text("log")
    return tmp_path


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_the_cache_is_where_windows_keeps_a_users_data(caplog):
    found = cache.cache_folder({"LOCALAPPDATA": "base"})
    assert found == Path("base", "Microsoft", "Web Platform Installer")
    assert not caplog.records
    assert cache.cache_folder({}) is None
    assert [record.message[:12] for record in caplog.records] == ["IISWSGI-D50:"]


def test_only_the_products_downloads_go(webpi):
    before = files(webpi)
    assert cache.remove_installers(webpi, ["Ours", "Missing"]) == [webpi / "installers" / "Ours"]
    assert files(webpi) == [f for f in before if not f.startswith("installers/Ours/")]


def test_only_the_feeds_copies_go(webpi):
    webpi.joinpath("7.xml.temp").write_bytes(webpi.joinpath("-1.xml").read_bytes())
    before = files(webpi)
    gone = cache.remove_feeds(webpi, ["https://example.com/ours"])
    assert gone == [webpi / "-1.xml", webpi / "7.xml.temp"]
    assert files(webpi) == [f for f in before if f not in ("-1.xml", "7.xml.temp")]


def test_an_empty_id_matches_nothing(webpi):
    webpi.joinpath("-4.xml").write_bytes(write(Feed("no id")))
    before = files(webpi)
    assert cache.remove_feeds(webpi, [""]) == []
    assert files(webpi) == before


@pytest.mark.parametrize(
    "product",
    ["..", ".", "", "a/b", "a\\b", "..\\..", "C:", "C:x", "\\\\host\\share", "...", "a\0"],
)
def test_no_product_leads_out_of_the_cache(webpi, product):
    before = files(webpi)
    with pytest.raises(DeployError) as caught:
        cache.remove_installers(webpi, ["Ours", product])
    assert caught.value.code == "IISWSGI-D52"
    assert files(webpi) == before


if sys.platform != "win32":  # Windows gives links to administrators only

    def test_links_are_not_followed(webpi, tmp_path_factory, caplog):
        outside = tmp_path_factory.mktemp("outside")
        outside.joinpath("kept").write_text("x")
        webpi.joinpath("installers", "Link").symlink_to(outside, target_is_directory=True)
        feed = outside / "feed.xml"
        feed.write_bytes(write(Feed("Ours", "https://example.com/ours")))
        webpi.joinpath("0.xml").symlink_to(feed)
        caplog.set_level(logging.WARNING)
        assert cache.remove_installers(webpi, ["Link"]) == []
        assert cache.remove_feeds(webpi, ["https://example.com/ours"]) == [webpi / "-1.xml"]
        assert files(outside) == ["feed.xml", "kept"]
        assert [record.message[:12] for record in caplog.records] == ["IISWSGI-D51:"]

    def test_a_linked_folder_of_downloads_is_left_alone(webpi, tmp_path_factory, caplog):
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "installers"
        webpi.joinpath("installers").rename(elsewhere)
        webpi.joinpath("installers").symlink_to(elsewhere, target_is_directory=True)
        before = files(elsewhere)
        assert cache.remove_installers(webpi, ["Ours"]) == []
        assert files(elsewhere) == before
        assert [record.message[:12] for record in caplog.records] == ["IISWSGI-D51:"]
