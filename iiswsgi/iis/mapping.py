"""Which handler serves a URL, and which FastCGI application a handler names; pure functions."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from iiswsgi.errors import ConfigError
from iiswsgi.masking import masked_line

if TYPE_CHECKING:  # config is the public face and offers these functions too
    from iiswsgi.iis.config import FastCgiApplication, Handler, SiteConfig

__all__ = ["find_application", "match_handler", "match_path"]


def match_handler(config: SiteConfig, url_path: str, verb: str) -> Handler | None:
    """The first handler for a URL's path and a method, or None.

    :param url_path: decoded, beginning with a slash, without the query.
    """
    for handler in config.handlers:
        if _match_verb(handler.verb, verb) and match_path(handler.path, url_path) is not None:
            return handler
    return None


def match_path(pattern: str, url_path: str) -> str | None:
    """The part of *url_path* that a handler's ``path`` takes for the script, or None.

    ``*`` takes everything. ``*.wsgi`` and ``app.wsgi`` are held against the path up to each
    slash, shortest first, as IIS finds the script before the extra path info; a pattern with a
    slash is held against the path from the application's root, one without against the last
    part. Case does not count, as everywhere in IIS's URLs.

    >>> match_path("*.wsgi", "/site/app.wsgi/extra")
    '/site/app.wsgi'
    """
    if pattern in ("*", "/*"):
        return url_path
    expression = re.compile(fnmatch.translate(_escape(pattern).lower().lstrip("/")), re.DOTALL)
    cuts = [match.start() for match in re.finditer("/", url_path[1:])]
    for end in [*(cut + 1 for cut in cuts), len(url_path)]:
        script = url_path[:end]
        held = script.lstrip("/") if "/" in pattern else script.rpartition("/")[2]
        if expression.match(held.lower()):
            return script
    return None


def _escape(pattern: str) -> str:
    """Leave ``*`` and ``?`` special and nothing else."""
    return pattern.replace("[", "[[]")


def _match_verb(verbs: str, verb: str) -> bool:
    # A method's case counts (RFC 9110, section 9.1).
    return verbs == "*" or verb in (item.strip() for item in verbs.split(","))


def find_application(config: SiteConfig, handler: Handler) -> FastCgiApplication:
    """The FastCGI application that a handler's ``scriptProcessor`` names.

    The text is cut at its first bar; both halves must equal one ``<application>``'s fullPath and
    arguments, letter by letter (IIS answers 500 otherwise).

    :raises ConfigError: C05, none does; the sentence says how the nearest one differs.
    """
    full_path, _, arguments = handler.script_processor.partition("|")
    for application in config.fastcgi_applications:
        if (application.full_path, application.arguments) == (full_path, arguments):
            return application
    named = f'{config.path}: the handler "{handler.name}" has '
    if not handler.script_processor:
        raise ConfigError("C05", f"{named}no scriptProcessor; write fullPath|arguments there")
    named += f'scriptProcessor="{masked_line(handler.script_processor)}"'
    for application in config.fastcgi_applications:
        difference = _difference((full_path, arguments), application)
        if difference:
            raise ConfigError(
                "C05",
                f'{named}, which is not the registered fullPath="{application.full_path}" '
                f'arguments="{masked_line(application.arguments)}": {difference}. Both must be '
                "the same text",
            )
    registered = "; ".join(
        masked_line(f"{application.full_path}|{application.arguments}")
        for application in config.fastcgi_applications
    )
    raise ConfigError(
        "C05",
        f"{named}, and no <application> in <fastCgi> has this fullPath and these arguments. "
        f"Registered: {registered or 'none'}",
    )


def _difference(wanted: tuple[str, str], application: FastCgiApplication) -> str:
    """In words, what keeps two nearly equal registrations apart; "" when they are far apart."""
    have = (application.full_path, application.arguments)
    for what, change in _NEAR_MISSES:
        if _apply(change, wanted) == _apply(change, have):
            return what
    if wanted[0] == have[0]:
        return "the arguments differ"
    if wanted[1] == have[1] and wanted[1]:
        return "the fullPath differs"
    return ""


def _apply(change: str, pair: tuple[str, str]) -> tuple[str, str]:
    first, second = pair
    if "blanks" in change:
        first, second = " ".join(first.split()), " ".join(second.split())
    if "quotes" in change:
        first, second = first.replace('"', ""), second.replace('"', "")
    if "slashes" in change:
        first, second = first.replace("/", "\\"), second.replace("/", "\\")
    if "case" in change:
        first, second = first.lower(), second.lower()
    return first, second


_NEAR_MISSES = (
    ("only blanks differ (at an end, or two for one)", "blanks"),
    ("only upper and lower case differ", "case"),
    ("only quotation marks differ", "quotes"),
    ("only slashes and backslashes differ", "slashes"),
    ("blanks, case, quotation marks or slashes differ", "blanks case quotes slashes"),
)
