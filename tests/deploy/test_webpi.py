from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path

import pytest

from iiswsgi.deploy import feedwriter, webpi
from iiswsgi.deploy.feed import Entry, Rule
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.package import Package
from iiswsgi.deploy.project import Project
from iiswsgi.errors import DeployError

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=timezone(timedelta(hours=1)))
PACKAGE = Package(Path("x.zip"), 10_399_500, "0a" * 20, b"", b"", ())
URL = "https://example.com/x.zip"


def project(folder=Path("folder"), **fields):
    files = {name: folder / name for name in ("manifest", "parameters", "stamp")}
    return Project(**{"folder": folder, "name": "Sample", "version": "1.0", **files, **fields})


def code_of(call, *args):
    with pytest.raises(DeployError) as caught:
        call(*args)
    return caught.value.code, caught.value.sentence


def test_an_application_says_what_its_keywords_say():
    entry = webpi.application(
        project(
            title="The <Sample>",
            description="Short.",
            long_description="Long.",
            author="Me",
            author_url="https://example.com/me",
            url="https://example.com/",
            keywords=("wiki", "Python", "web page"),
            license_url="https://example.com/license",
            display_url="https://example.com/display",
            help_url="https://example.com/help",
            icon_url="https://example.com/icon",
            screenshot_url="https://example.com/screen",
            published="2026-11-01",
            discovery_file="%SystemDrive%\\x",
            install_msdeploy=("virtualenv>=20", "other"),
            install_webpi=("SQLExpress",),
        ),
        PACKAGE,
        URL,
        NOW,
    )
    assert (entry.product_id, entry.title, entry.version) == ("Sample", "The <Sample>", "1.0")
    assert (entry.summary, entry.long_summary) == ("Short.", "Long.")
    assert (entry.updated, entry.published) == ("2026-11-20T12:00:00Z", "2026-11-01T00:00:00Z")
    assert entry.keywords == ("Python", "wiki", "web_page")
    assert list(entry.dependency.products()) == ["virtualenv", "other"]
    assert entry.related == ("SQLExpress",)
    assert entry.discovery == Rule("file", (("filePath", "%SystemDrive%\\x"),))
    (installer,) = entry.installers
    assert (installer.url, installer.size, installer.sha1) == (URL, 10156, "0a" * 20)
    assert installer.display_url == "https://example.com/display"
    assert installer.help_url == "https://example.com/help"
    assert installer.license_url == "https://example.com/license"
    assert entry.is_application


def test_keywords_may_be_separated_by_blanks():
    entry = webpi.application(project(keywords=("wsgi iis",)), PACKAGE, URL, NOW)
    assert entry.keywords == ("Python", "wsgi", "iis")


def test_an_author_may_stand_in_the_address():
    entry = webpi.application(
        project(author_email="Ann Other <ann@example.com>"), PACKAGE, URL, NOW
    )
    assert entry.author == "Ann Other"
    entry = webpi.application(project(author_email="ann@example.com"), PACKAGE, URL, NOW)
    assert entry.author == ""


def test_a_project_that_says_little_has_an_entry_too():
    entry = webpi.application(project(), PACKAGE._replace(size=3), URL, NOW)
    assert (entry.title, entry.summary) == ("Sample", "Sample")
    assert re.fullmatch("urn:uuid:[0-9a-f-]{36}", entry.id)
    assert (entry.dependency, entry.discovery, entry.related) == (None, None, ())
    assert entry.installers[0].size == 1


def test_the_feed_is_read_back():
    entries = [
        webpi.application(project(keywords=("web page", "wiki")), PACKAGE, URL, NOW),
        webpi.python_entry("pytest", "3.11", NOW),
    ]
    feed = webpi.make_feed(project(description="About it", author="Me"), entries, NOW)
    assert feed.keywords == (("Python", "Python"), ("web_page", "web page"), ("wiki", "wiki"))
    (tab,) = feed.tabs
    assert (tab.name, tab.keywords) == ("Sample", ("Python", "web_page", "wiki"))
    assert parse_feed(feedwriter.write(feed), "f") == feed


def test_the_id_stays_and_is_the_projects():
    assert webpi.feed_id(project(url="https://example.com/")) == "https://example.com/"
    assert webpi.feed_id(project()) == webpi.feed_id(project(version="2"))
    assert webpi.feed_id(project()) != webpi.feed_id(project(name="Other"))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("2026-11-20T01:02:03", "2026-11-20T01:02:03Z"),
        ("2026-11-20T01:02:03Z", "2026-11-20T01:02:03Z"),
        ("2026-11-20T01:02:03+02:00", "2026-11-19T23:02:03Z"),
    ],
)
def test_published_is_a_moment(text, moment):
    assert webpi.application(project(published=text), PACKAGE, URL, NOW).published == moment


@pytest.mark.parametrize("text", ["yesterday", "20.11.2026", "2026-13-01"])
def test_what_is_no_moment_is_refused(text):
    code, sentence = code_of(webpi.application, project(published=text), PACKAGE, URL, NOW)
    assert code == "IISWSGI-D42"
    assert repr(text) in sentence


def test_what_is_no_requirement_is_refused():
    wrong = project(install_msdeploy=("a b",))
    assert code_of(webpi.application, wrong, PACKAGE, URL, NOW)[0] == "IISWSGI-D45"


def test_the_password_of_an_address_is_not_told(tmp_path):
    wrong = project(install_msdeploy=("a b https://jo:x1y2@host",))
    _, requirement = code_of(webpi.application, wrong, PACKAGE, URL, NOW)
    template = "ftp://jo:x1y2@host/{name}"
    _, url = code_of(webpi.package_url, template, project(), tmp_path / "x.zip")
    assert "x1y2" not in requirement + url


def test_an_installed_distribution_is_installed_with_pip():
    version = metadata.version("pytest")
    entry = webpi.python_entry("pytest>=1", "3.11", NOW)
    assert (entry.product_id, entry.version) == ("pytest", version)
    assert entry.summary
    assert not entry.is_application
    (command,) = entry.installers[0].commands
    assert command.program == "%ProgramFiles%\\Python311\\python.exe"
    assert command.arguments == f"-m pip install pytest=={version}"
    path = dict(entry.discovery.values)["filePath"]
    assert path.endswith(f"\\Python311\\Lib\\site-packages\\pytest-{version}.dist-info\\METADATA")


@pytest.mark.parametrize(
    ("requirement", "code"), [("no-such-distribution", "D44"), ("a b", "D45"), ("", "D45")]
)
def test_a_distribution_that_is_not_there_is_one_sentence(requirement, code):
    assert code_of(webpi.python_entry, requirement, "3.11", NOW)[0] == f"IISWSGI-{code}"


def test_products_that_nothing_defines_are_named():
    dependency = Rule(
        "and", (), (Rule("productId", (("", "B"),)), Rule("idref", (("", "WDeploy"),)))
    )
    entries = [Entry("A", dependency=dependency, related=("SQL", "B")), Entry("B")]
    assert webpi.missing_products(entries) == ["SQL", "WDeploy"]


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://example.com/{version}/{msdeploy_file}", "https://example.com/1.0/my%20file.zip"),
        ("http://example.com/{letter}/{name}", "http://example.com/m/Sample"),
        ("{url}/{msdeploy_file}", "https://example.com/my%20file.zip"),
        ("file:///{{x}}", "file:///{x}"),
    ],
)
def test_the_template_becomes_a_url(template, url, tmp_path):
    package = tmp_path / "my file.zip"
    assert webpi.package_url(template, project(url="https://example.com"), package) == url


def test_a_local_trial_uses_the_file_itself(tmp_path):
    package = tmp_path / "ü x.zip"
    url = webpi.package_url("{msdeploy_package_url}", project(), package)
    assert url == package.as_uri()
    assert url.startswith("file:///")
    assert url.endswith("/%C3%BC%20x.zip")


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{",
        "{}",
        "{0}",
        "https://example.com/{nam}",
        "https://example.com/{name.__class__}",
        "https://example.com/{name[0]}",
        "https://example.com/{name!r}",
        "https://example.com/{version:>1000000}",
        "{msdeploy_file}",
        "ftp://example.com/{name}",
        "javascript:alert(1)",
        "https://example.com/a b",
        "http://[/x",
    ],
)
def test_what_is_no_template_is_refused(template, tmp_path):
    code, _ = code_of(webpi.package_url, template, project(), tmp_path / "x.zip")
    assert code == "IISWSGI-D43"
