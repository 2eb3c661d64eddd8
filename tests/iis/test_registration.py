"""FastCGI applications as a web.config has them, to be registered as they stand."""

from __future__ import annotations

import pytest

from iiswsgi.errors import ConfigError
from iiswsgi.iis.registration import Registration, read_registrations

WEB_CONFIG = """<configuration>
  <system.webServer>
    <fastCgi>
      <application fullPath="C:\\a b\\python.exe" arguments="-m iiswsgi serve &quot;C:\\ü.ini&quot;"
                   maxInstances="0" lockItem="true">
        <environmentVariables>
          <environmentVariable name="GONE" value="0"/>
          <clear/>
          <environmentVariable name="A" value="1"/>
          <remove name="a"/>
          <environmentVariable name="a" value="2 &amp; 3"/>
        </environmentVariables>
      </application>
      <application fullPath="C:\\other.exe"/>
    </fastCgi>
    <handlers>
      <add name="x" path="*" verb="*" modules="FastCgiModule" scriptProcessor="C:\\other.exe|"/>
    </handlers>
  </system.webServer>
  <location path=".">
    <system.webServer><fastCgi>
      <application fullPath="C:\\third.exe" arguments=""/>
    </fastCgi></system.webServer>
  </location>
  <location path="elsewhere">
    <system.webServer><fastCgi><application fullPath="C:\\fourth.exe"/>
      <application fullPath="C:\\other.exe" maxInstances="9"/></fastCgi></system.webServer>
  </location>
</configuration>
"""


def written(tmp_path, text):
    path = tmp_path / "web.config"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_applications_come_out_as_they_are_written(tmp_path):
    config, registrations = read_registrations(written(tmp_path, WEB_CONFIG))
    assert registrations == (
        Registration(
            (
                ("fullPath", "C:\\a b\\python.exe"),
                ("arguments", '-m iiswsgi serve "C:\\ü.ini"'),
                ("maxInstances", "0"),
            ),
            (("a", "2 & 3"),),
        ),
        Registration((("fullPath", "C:\\other.exe"),)),
        Registration((("fullPath", "C:\\third.exe"), ("arguments", ""))),
        Registration((("fullPath", "C:\\fourth.exe"),)),
    )
    assert [handler.name for handler in config.handlers] == ["x"]


def test_of_an_application_that_is_removed_and_added_again_the_last_counts(tmp_path):
    text = """<configuration><system.webServer><fastCgi>
      <application fullPath="C:\\a.exe" maxInstances="1"/>
      <remove fullPath="C:\\a.exe"/>
      <application fullPath="C:\\a.exe" maxInstances="2"/>
      <application fullPath="C:\\b.exe"/>
      <remove fullPath="C:\\b.exe"/>
    </fastCgi></system.webServer></configuration>"""
    _, registrations = read_registrations(written(tmp_path, text))
    assert registrations == (Registration((("fullPath", "C:\\a.exe"), ("maxInstances", "2"))),)


def test_the_key_is_full_path_and_arguments():
    assert Registration((("fullPath", "a"), ("arguments", "b"))).key == ("a", "b")
    assert Registration((("fullPath", "a"),)).key == ("a", "")


def test_what_iis_would_do_the_same_with_is_the_same():
    ours = Registration(
        (("fullPath", "a"), ("maxInstances", "4"), ("flushNamedPipe", "False")), (("A", "1"),)
    )
    theirs = Registration(
        (("flushNamedPipe", "false"), ("fullPath", "a"), ("maxInstances", "4"), ("arguments", "")),
        (("A", "1"),),
    )
    assert ours.says_the_same(theirs)
    assert not ours.says_the_same(theirs._replace(variables=(("A", "2"),)))
    assert not ours.says_the_same(theirs._replace(attributes=theirs.attributes[:2]))


@pytest.mark.parametrize(
    ("text", "code"),
    [("<configuration>", "C01"), (WEB_CONFIG.replace("maxInstances", "maxinstances"), "C02")],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, text, code):
    with pytest.raises(ConfigError, match=f"{code}: .*web.config, line"):
        read_registrations(written(tmp_path, text))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"C01: .*web\.config cannot be read"):
        read_registrations(tmp_path / "web.config")
