"""The setuptools command ``bdist_webpi``: a feed of the Web Platform Installer, from packages."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar

from setuptools import Command

from iiswsgi.deploy import feedsource, feedtemplate, feedwriter, webpi
from iiswsgi.deploy.archive import source_date_epoch
from iiswsgi.deploy.feed import Entry
from iiswsgi.deploy.feedreader import parse_feed
from iiswsgi.deploy.package import SUFFIX, read_package
from iiswsgi.deploy.project import MANIFEST, TEMPLATE_SUFFIX, Project
from iiswsgi.deploy.pythons import target_python
from iiswsgi.errors import DeployError
from iiswsgi.options import paths, project_of, reported

__all__ = ["bdist_webpi"]

EGGS = ("webpi_eggs", "webpi-eggs")
"""The extra with the Python distributions that get entries; setuptools may rewrite the name."""
UTC = timezone.utc

_log = logging.getLogger(__name__)


class bdist_webpi(Command):  # noqa: N801 - the name is the command's
    """Make a feed with an entry for each package and for each distribution of webpi_eggs."""

    description = "make a Web Platform Installer feed of packages (legacy: WebPI is retired)"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        (
            "msdeploy-bdists=",
            "m",
            "folders of the projects whose packages get entries, separated by blanks; their "
            "packages have been built [default: this project, if it has a Manifest.xml.in]",
        ),
        (
            "template=",
            "t",
            "a feed that the entries are put into [default: a feed of its own]",
        ),
        ("dist-dir=", "d", "folder for the feed [default: dist]"),
        (
            "msdeploy-url-template=",
            "u",
            "where packages will be downloaded from, with {name}, {version}, {msdeploy_file}; "
            "{msdeploy_package_url} is the file itself, for a local trial [default: setup's "
            "keyword msdeploy_url_template]",
        ),
    ]

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.msdeploy_bdists: object = None
        self.template: str | None = None
        self.dist_dir: str | None = None
        self.msdeploy_url_template: str | None = None
        self._now = datetime.now(UTC)
        self._python = ""

    def finalize_options(self) -> None:
        """Check the options."""
        if self.msdeploy_bdists is None:
            is_application = os.path.isfile(MANIFEST + TEMPLATE_SUFFIX)
            self.msdeploy_bdists = [os.curdir] if is_application else []
        self.msdeploy_bdists = paths(self.msdeploy_bdists)
        self.ensure_filename("template")
        self.dist_dir = self.dist_dir or "dist"

    def run(self) -> None:
        """Collect the entries, and write the feed into dist_dir."""
        with reported():
            project = project_of(self.distribution)
            self._now = _moment()
            self._python = self._server_python()
            feed = webpi.make_feed(project, self._entries(project), self._now)
            if self.template:
                template = Path(self.template)
                data = feedtemplate.write_into(template.read_bytes(), str(template), feed)
            else:
                data = feedwriter.write(feed)
            target = Path(str(self.dist_dir), feedsource.feed_name(project, self._python)).resolve()
            entries = parse_feed(data, str(target)).entries
        self.mkpath(str(target.parent))
        target.write_bytes(data)
        self.distribution.dist_files.append((self.get_command_name(), self._python, str(target)))
        for product in webpi.missing_products(entries):
            _log.warning(
                "IISWSGI-D48: the feed has no product %s, which an entry depends on or relates to; "
                "add it to %s or to a template, for Microsoft's own feed is empty",
                product,
                EGGS[0],
            )
        _log.info("wrote the feed %s; products in it: %d", target.as_uri(), len(entries))

    def _entries(self, project: Project) -> list[Entry]:
        """One entry a product: the applications, then the distributions of webpi_eggs."""
        extras = self.distribution.extras_require or {}
        eggs = [requirement for name in EGGS for requirement in extras.get(name, ())]
        found = [
            *(
                entry
                for folder in paths(self.msdeploy_bdists)
                for entry in self._at(folder, project)
            ),
            *(webpi.python_entry(requirement, self._python, self._now) for requirement in eggs),
        ]
        if not found:
            raise DeployError(
                "D46",
                f"{project.name} has nothing for a feed: give --msdeploy-bdists, or name "
                f"distributions in extras_require[{EGGS[0]!r}]",
            )
        return list({entry.product_id: entry for entry in reversed(found)}.values())[::-1]

    def _at(self, folder: str, project: Project) -> tuple[Entry, ...]:
        """The entries of the project in *folder*, be it this one or another."""
        template = self.msdeploy_url_template
        if os.path.realpath(folder) != os.path.realpath(project.folder):
            options = [f"--msdeploy-url-template={template}"] if template else []
            return feedsource.entries_of(Path(folder), self.get_command_name(), options)
        path = self._package(project)
        url = webpi.package_url(template or project.msdeploy_url_template, project, path)
        return (webpi.application(project, read_package(path), url, self._now),)

    def _server_python(self) -> str:
        """The version that packages are made for, and that runs pip: bdist_msdeploy's option."""
        package = self.get_finalized_command("bdist_msdeploy")
        return target_python(package.python_version, package.plat_name).version

    def _package(self, project: Project) -> Path:
        """The package: the one that was built in this run, or one that is there."""
        built = [Path(file) for _, _, file in self.distribution.dist_files if file.endswith(SUFFIX)]
        if built:
            return built[-1].resolve()
        folder = project.folder / str(self.get_finalized_command("bdist_msdeploy").dist_dir)
        return feedsource.find_package(folder, project, self._python).resolve()


def _moment() -> datetime:
    """When the feed is made, or what SOURCE_DATE_EPOCH says."""
    epoch = source_date_epoch()
    if epoch is None:
        return datetime.now(UTC)
    # datetime.fromtimestamp ends with the year 3000 on Windows.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)
