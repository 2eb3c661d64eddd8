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


def test_the_cache_is_where_windows_keeps_a_users_data():
    found = cache.cache_folder({"LOCALAPPDATA": "base"})
    assert found == Path("base", "Microsoft", "Web Platform Installer")
    assert cache.cache_folder({}) is None


def test_only_the_products_downloads_go(webpi):
    before = files(webpi)
    assert cache.remove_installers(webpi, ["Ours", "Missing"]) == [webpi / "installers" / "Ours"]
    assert files(webpi) == [f for f in before if not f.startswith("installers/Ours/")]


def test_only_the_feeds_copies_go(webpi):
    before = files(webpi)
    assert cache.remove_feeds(webpi, ["https://example.com/ours"]) == [webpi / "-1.xml"]
    assert files(webpi) == [f for f in before if f != "-1.xml"]


def test_an_empty_id_matches_nothing(webpi):
    webpi.joinpath("-4.xml").write_bytes(write(Feed("no id")))
    before = files(webpi)
    assert cache.remove_feeds(webpi, [""]) == []
    assert files(webpi) == before


def test_only_stamps_go(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for name in ("iis_install.stamp", "web.config"):
        site.joinpath(name).write_text("x")
    gone = cache.remove_stamps([site, tmp_path, tmp_path / "missing"], "iis_install.stamp")
    assert gone == [site / "iis_install.stamp"]
    assert files(tmp_path) == ["site/web.config"]


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
