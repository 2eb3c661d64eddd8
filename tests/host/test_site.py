from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

import pytest

from iiswsgi.errors import ConfigError, SettingError
from iiswsgi.host.definition import load
from iiswsgi.host.pages import Report
from iiswsgi.host.site import Answer, Site
from iiswsgi.host.variables import HttpRequest

from .fakes import CONFIG, FakePool, failure, site_from


def ask(site: Site, target: str = "/", method: str = "GET") -> Answer | Report:
    return site.handle(HttpRequest(method, target), None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_from(tmp_path, CONFIG)


class TestLoad:
    def test_a_folder_or_the_file_itself(self, tmp_path: Path) -> None:
        (tmp_path / "web.config").write_text(CONFIG, encoding="utf-8")
        for argument in (tmp_path, tmp_path / "web.config"):
            definition = load(argument, {})
            assert definition.folder == tmp_path
            assert len(definition.config.handlers) == 3

    def test_a_template_is_filled_in_and_nothing_is_written(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        template = CONFIG.replace("/usr/bin/python3", "%APPL_PHYSICAL_PATH%\\py%SECRET%%NOBODY%")
        (tmp_path / "web.config.in").write_text(template, encoding="utf-8")
        with caplog.at_level(logging.INFO, "iiswsgi"):
            definition = load(tmp_path, {"SECRET": "s3cret"})
        full_path = definition.config.fastcgi_applications[0].full_path
        assert full_path.startswith(str(tmp_path))
        assert full_path.endswith("pys3cret%NOBODY%")
        assert [path.name for path in tmp_path.iterdir()] == ["web.config.in"]
        assert f"APPL_PHYSICAL_PATH={tmp_path}" in caplog.text
        assert "s3cret" not in caplog.text
        assert "IISWSGI-H33" in caplog.text

    def test_web_config_wins_over_the_template(self, tmp_path: Path) -> None:
        (tmp_path / "web.config").write_text(CONFIG, encoding="utf-8")
        (tmp_path / "web.config.in").write_text("not even XML", encoding="utf-8")
        assert load(tmp_path, {}).config.path == str(tmp_path / "web.config")

    def test_a_monitored_web_config_that_is_only_a_template(self, tmp_path: Path) -> None:
        template = CONFIG.replace(
            'arguments="one"',
            'arguments="one" monitorChangesTo="%(APPL_PHYSICAL_PATH)s\\web.config"',
        )
        (tmp_path / "web.config.in").write_text(template, encoding="utf-8")
        application = load(tmp_path, {}).config.fastcgi_applications[0]
        assert application.monitor_changes_to == str(tmp_path / "web.config.in")

    def test_applications_registered_on_the_server(self, tmp_path: Path) -> None:
        start, end = CONFIG.index("<fastCgi>"), CONFIG.index("<handlers>")
        (tmp_path / "web.config").write_text(CONFIG[:start] + CONFIG[end:], encoding="utf-8")
        registered = CONFIG[:end] + "</system.webServer></configuration>"
        apphost = tmp_path / "applicationHost.config"
        apphost.write_text(registered, encoding="utf-8")
        assert load(tmp_path, {}).config.fastcgi_applications == ()
        assert len(load(tmp_path, {}, apphost).config.fastcgi_applications) == 2

    @pytest.mark.parametrize("name", ["", "nothing", "empty"])
    def test_what_is_no_site(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(SettingError, match="IISWSGI-H31"):
            load(tmp_path / name, {})

    def test_a_template_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "web.config.in").write_bytes(b"<!-- \xe9 -->")
        with pytest.raises(ConfigError, match="IISWSGI-H32"):
            load(tmp_path, {})


class TestHandle:
    def test_the_pool_gets_iis_variables_and_the_reply_comes_back(self, site: Site) -> None:
        answer = ask(site, "/a?x=1")
        assert isinstance(answer, Answer)
        assert b"".join(answer) == b"hello"
        [pool] = FakePool.made
        assert pool.application.arguments == "one"
        variables = dict(pool.seen[0])
        assert variables["REQUEST_URI"] == "/a?x=1"
        assert variables["APPL_PHYSICAL_PATH"].startswith(str(site.definition.folder))

    def test_one_pool_for_each_application_used(self, site: Site) -> None:
        for target in ("/", "/x.two", "/y.two", "/z"):
            ask(site, target)
        assert [pool.application.arguments for pool in FakePool.made] == ["one", "two"]
        assert [len(pool.seen) for pool in FakePool.made] == [2, 2]

    def test_allow_path_info_is_the_handlers(self, site: Site) -> None:
        ask(site, "/a.two/rest")
        variables = dict(FakePool.made[0].seen[0])
        assert (variables["SCRIPT_NAME"], variables["PATH_INFO"]) == ("/a.two", "/rest")

    def test_a_failure_becomes_a_report(self, site: Site) -> None:
        FakePool.replies.append(failure("died_in_start", log_lines=("ImportError",)))
        report = ask(site)
        assert isinstance(report, Report)
        assert report.status == 500
        assert report.log_lines == ("ImportError",)
        assert ("Log", "first.log, own.log") in report.facts
        assert ("Registered as", "/usr/bin/python3 one") in report.facts

    def test_a_reply_that_breaks_before_its_first_byte_is_a_report_too(self, site: Site) -> None:
        FakePool.answers(chunks=[failure("died_in_request")])
        report = ask(site)
        assert isinstance(report, Report)
        assert FakePool.made[0].closed_replies == 1

    def test_a_reply_that_breaks_later_raises(self, site: Site) -> None:
        broken = failure("died_in_request")
        FakePool.answers(chunks=[b"first", broken])
        answer = ask(site)
        assert next(answer) == b"first"
        with pytest.raises(type(broken)):
            next(answer)

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
    def test_a_body_that_must_not_be_is_dropped(self, site: Site, method: str, status: int) -> None:
        FakePool.answers(status=status, chunks=[b"one", b"two"])
        answer = ask(site, method=method)
        assert isinstance(answer, Answer)
        assert list(answer) == []

    def test_no_handler(self, site: Site) -> None:
        report = ask(site, method="BREW")
        assert (report.status, FakePool.made) == (404, [])
        assert "all: path=* verb=GET,HEAD,POST" in report.advice[0]

    def test_a_handler_of_another_module(self, site: Site) -> None:
        report = ask(site, "/static.css")
        assert report.status == 500
        assert "StaticFileModule" in report.sentence

    def test_a_refused_request_never_reaches_a_pool(self, site: Site) -> None:
        assert ask(site, "/a+b").status == 404
        assert ask(site, "/%zz").status == 400
        assert FakePool.made == []

    def test_a_script_processor_that_matches_nothing(self, tmp_path: Path) -> None:
        site = site_from(tmp_path, CONFIG.replace("python3|one", "python3|One"))
        report = ask(site)
        assert report.status == 500
        assert "upper and lower case" in report.sentence

    def test_a_pool_that_cannot_be_made(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_args: object, **_options: object) -> None:
            raise failure("never_started")

        monkeypatch.setattr(site, "pool_class", refuse)
        report = ask(site)
        assert report.heading == "The worker was never started"


class TestVirtualPath:
    @pytest.mark.parametrize("target", ["/app", "/app/", "/APP/x", "/app/x/../y"])
    def test_inside(self, tmp_path: Path, target: str) -> None:
        site = site_from(tmp_path, CONFIG, virtual_path="/app")
        assert isinstance(ask(site, target), Answer)

    @pytest.mark.parametrize("target", ["/", "/application", "/ap", "/app/../x"])
    def test_outside(self, tmp_path: Path, target: str) -> None:
        report = ask(site_from(tmp_path, CONFIG, virtual_path="/app"), target)
        assert report.status == 404
        assert "/app" in report.sentence

    def test_handlers_see_the_path_below_it(self, tmp_path: Path) -> None:
        site = site_from(tmp_path, CONFIG, virtual_path="/app")
        ask(site, "/app/x.two/rest")
        variables = dict(FakePool.made[0].seen[0])
        assert variables["SCRIPT_NAME"] == "/app/x.two"
        assert variables["APPL_MD_PATH"] == "/LM/W3SVC/1/ROOT/app"


class TestEnd:
    def test_every_pool_is_closed_once(self, site: Site) -> None:
        ask(site, "/")
        ask(site, "/x.two")
        site.close()
        site.close()
        assert [pool.closed for pool in FakePool.made] == [1, 1]

    def test_whoever_breaks_off_the_wait_leaves_no_worker(self, site: Site) -> None:
        ask(site, "/")
        [pool] = FakePool.made
        killed = threading.Event()
        pool.kill = killed.set
        pool.close = lambda: killed.wait(20)
        number = signal.SIGINT
        before = signal.signal(number, signal.default_int_handler)  # a shell may have it ignored
        try:
            threading.Timer(0.3, signal.raise_signal, [number]).start()
            with pytest.raises(KeyboardInterrupt):
                site.close()
        finally:
            signal.signal(number, before)
        assert killed.is_set()

    def test_afterwards_nobody_is_asked(self, site: Site) -> None:
        site.close()
        report = ask(site)
        assert report.heading == "The worker was killed"
        assert FakePool.made == []


class TestCheck:
    def test_what_cannot_work_is_said_at_the_start(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        site_from(tmp_path, CONFIG.replace("python3|one", "python3|uno")).check()
        assert "IISWSGI-C05" in caplog.text

    def test_no_fastcgi_handler_at_all(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        site_from(tmp_path, "<configuration/>").check()
        assert "IISWSGI-H34" in caplog.text
