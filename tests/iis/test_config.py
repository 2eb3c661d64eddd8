from __future__ import annotations

from dataclasses import fields

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.iis.config import FastCgiApplication, Handler, parse_config, read_config


def config(web_server="", rest="", base=None):
    text = (
        f"<configuration>{rest}\n<system.webServer>{web_server}</system.webServer></configuration>"
    )
    return parse_config(text.encode(), "web.config", base)


def fastcgi(inside, base=None):
    return config(f"<fastCgi>{inside}</fastCgi>", base=base).fastcgi_applications


def handlers(inside, base=None):
    return config(f"<handlers>{inside}</handlers>", base=base).handlers


def refused(code, *parts, **given):
    with pytest.raises(ConfigError) as caught:
        config(**given)
    assert caught.value.code == f"IISWSGI-{code}"
    assert caught.value.sentence.startswith("web.config, line ")
    for part in parts:
        assert part in caught.value.sentence


# <fastCgi>


def test_defaults_are_those_of_iis_10():
    (application,) = fastcgi('<application fullPath="C:\\python.exe"/>')
    assert application == FastCgiApplication(full_path="C:\\python.exe")
    assert application.max_instances == 0
    assert application.idle_timeout == 300
    assert application.activity_timeout == 70
    assert application.request_timeout == 90
    assert application.instance_max_requests == 200
    assert application.queue_length == 1000
    assert application.signal_before_terminate_seconds == 0
    assert application.stderr_mode == "ReturnStdErrIn500"
    assert application.protocol == "NamedPipe"
    assert application.rapid_fails_per_minute == 10


def test_every_attribute_is_read():
    (application,) = fastcgi(
        '<application fullPath="p" arguments="a" maxInstances="1" idleTimeout="10" '
        'activityTimeout="3600" requestTimeout="11" instanceMaxRequests="2" queueLength="3" '
        'monitorChangesTo="web.config" signalBeforeTerminateSeconds="30" '
        'stderrMode="TerminateProcess" protocol="Tcp" flushNamedPipe="True" '
        'rapidFailsPerMinute="4"><environmentVariables>'
        '<environmentVariable name="B" value="2"/><environmentVariable name="A" value=""/>'
        "</environmentVariables></application>"
    )
    default = FastCgiApplication("q")
    same = [
        f.name for f in fields(default) if getattr(default, f.name) == getattr(application, f.name)
    ]
    assert not same
    assert application.environment_variables == (("B", "2"), ("A", ""))
    assert application.flush_named_pipe is True


def test_an_enumeration_may_be_given_as_its_number():
    (application,) = fastcgi('<application fullPath="p" stderrMode="2" protocol="1"/>')
    assert (application.stderr_mode, application.protocol) == ("IgnoreAndReturn200", "Tcp")


@pytest.mark.parametrize(
    "attribute",
    [
        'maxInstances="10001"',
        'maxInstances="-1"',
        'maxInstances=""',
        'maxInstances="many"',
        'maxInstances="٣"',
        'idleTimeout="9"',
        'idleTimeout="604801"',
        'activityTimeout="9"',
        'activityTimeout="3601"',
        'requestTimeout="9"',
        'instanceMaxRequests="0"',
        'queueLength="0"',
        'queueLength="9999999999999999999999999999"',
        'stderrMode="returngeneric500"',
        'stderrMode="GeneralFailure"',
        'protocol="Udp"',
        'flushNamedPipe="yes"',
        'fullPath=""',
    ],
)
def test_a_wrong_value_is_refused(attribute):
    name, _, value = attribute.partition("=")
    path = "" if name == "fullPath" else 'fullPath="p"'
    inside = f"<fastCgi>\n<application {path} {attribute}/></fastCgi>"
    refused("C03", "line 3", f"{name}={value}", "must", web_server=inside)


def test_a_missing_attribute_is_named():
    refused("C03", "fullPath is missing", web_server="<fastCgi><application/></fastCgi>")


@pytest.mark.parametrize(
    ("inside", "part"),
    [
        ('<application fullpath="p"/>', "fullpath must be spelt fullPath"),
        ('<application fullPath="p" maxinstances="2"/>', "spelt maxInstances"),
        ('<application fullPath="p" colour="2"/>', "no attribute colour"),
        ('<app fullPath="p"/>', "<application>"),
        ('<application fullPath="p"><variables/></application>', "<environmentVariables>"),
    ],
)
def test_an_unknown_name_is_refused(inside, part):
    refused("C02", part, web_server=f"<fastCgi>{inside}</fastCgi>")


def test_an_attribute_that_must_be_there_is_not_missing_but_misspelt():
    inside = '<handlers>\n<add name="a" Path="*" verb="*"/></handlers>'
    refused("C02", "line 3, <add>", "Path must be spelt path", web_server=inside)
    inside = '<handlers><remove Name="a"/></handlers>'
    refused("C02", "Name must be spelt name", web_server=inside)


@pytest.mark.parametrize(
    ("tag", "spelt", "given"),
    [
        ("fastcgi", "fastCgi", {"web_server": "<fastcgi/>"}),
        ("Handlers", "handlers", {"web_server": "<Handlers/>"}),
        ("system.webserver", "system.webServer", {"rest": "<system.webserver/>"}),
        ("AppSettings", "appSettings", {"rest": '<location path="x"><AppSettings/></location>'}),
        ("Location", "location", {"rest": "<Location/>"}),
    ],
)
def test_a_section_is_compared_letter_by_letter(tag, spelt, given):
    refused("C02", f"<{tag}>: this must be spelt <{spelt}>", **given)


def test_one_executable_may_be_registered_with_several_arguments():
    one, two = fastcgi('<application fullPath="p"/><application fullPath="p" arguments="a"/>')
    assert (one.arguments, two.arguments) == ("", "a")


def test_a_key_twice_is_refused():
    refused(
        "C04",
        web_server='<fastCgi><application fullPath="p"/><application fullPath="p"/></fastCgi>',
    )


def test_collections_are_inherited_removed_and_cleared():
    base = config('<fastCgi><application fullPath="p"/><application fullPath="q"/></fastCgi>')
    assert len(fastcgi("", base)) == 2
    assert [a.full_path for a in fastcgi('<remove fullPath="p"/>', base)] == ["q"]
    assert fastcgi("<clear/>", base) == ()
    again = fastcgi('<remove fullPath="p"/><application fullPath="p" maxInstances="7"/>', base)
    assert again[0].max_instances == 7


def test_variables_may_be_removed_and_given_again():
    (application,) = fastcgi(
        '<application fullPath="p"><environmentVariables><clear/>'
        '<environmentVariable name="A" value="1"/><remove name="a"/>'
        '<environmentVariable name="A" value="2"/></environmentVariables></application>'
    )
    assert application.environment_variables == (("A", "2"),)


# <handlers>


def test_a_handler_is_read():
    (handler,) = handlers(
        '<add name="n" path="*.wsgi" verb="GET,POST" modules="FastCgiModule" '
        'scriptProcessor="p|a" resourceType="File" requireAccess="Execute" allowPathInfo="true" '
        'responseBufferLimit="0" preCondition="bitness64"/>'
    )
    assert handler == Handler(
        "n", "*.wsgi", "GET,POST", "FastCgiModule", "p|a", "File", "Execute", True, 0, "bitness64"
    )


def test_a_sites_handlers_come_before_those_it_inherits():
    base = config('<handlers><add name="a" path="*" verb="*"/></handlers>')
    names = [h.name for h in handlers('<remove name="z"/><add name="b" path="*" verb="*"/>', base)]
    assert names == ["b", "a"]
    assert handlers("<clear/>", base) == ()


# The rest of the file.


def test_locations_that_mean_here_count():
    handler = '<handlers><add name="{}" path="*" verb="*"/></handlers>'
    inside = f"<system.webServer>{handler}</system.webServer>"
    rest = "".join(
        f'<location path="{path}">{inside.format(name)}</location>'
        for path, name in (("", "a"), (".", "b"), ("elsewhere", "c"))
    )
    assert [handler.name for handler in config(rest=rest).handlers] == ["a", "b"]


def test_app_settings():
    rest = "<appSettings>{}</appSettings>"
    base = config(rest=rest.format('<add key="A" value="1"/><add key="B" value="2"/>'))
    given = config(rest=rest.format('<remove key="A"/><add key="B" value="3"/>'), base=base)
    assert given.app_settings == (("B", "3"),)
    assert config(rest=rest.format("<clear/>"), base=base).app_settings == ()


def test_what_is_not_ours_is_left_alone():
    rest = '<system.web><compilation debug="x"/></system.web><runtime><a/></runtime>'
    assert config("<security><x/></security>", rest).handlers == ()


def test_the_root_element_is_checked():
    with pytest.raises(ConfigError, match="C02"):
        parse_config(b"<html/>", "web.config")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"C01.*none\.config"):
        read_config(tmp_path / "none.config")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "web.config"
    path.write_text("<configuration/>", encoding="utf-8")
    assert read_config(path).path == str(path)
