"""What is said of requests that never reach a worker, whatever keeps them from it."""

from __future__ import annotations

from iiswsgi.errors import ConfigError
from iiswsgi.host.pages import Report, as_sentence
from iiswsgi.iis.config import Handler, SiteConfig

__all__ = ["bad_request", "no_handler", "not_found", "other_module", "outside", "wrong_config"]


_FILTER = "The request filtering module is configured to deny"
_IIS = {
    "404.0": "The resource you are looking for has been removed, had its name changed, or is "
    "temporarily unavailable",
    "404.8": f"{_FILTER} a path in the URL that contains a hiddenSegment section",
    "404.11": f"{_FILTER} a request that contains a double escape sequence",
    "404.13": f"{_FILTER} a request that exceeds the request content length",
    "404.14": f"{_FILTER} a URL that is too long",
    "404.15": f"{_FILTER} a request where the query string is too long",
}
"""What IIS's own pages say."""


def not_found(substatus: str, sentence: str, cure: str) -> Report:
    """Return one of IIS's many 404s."""
    return Report(
        404,
        "Not Found",
        "No worker was asked",
        sentence,
        meaning="The request was turned away before it reached the application.",
        iis=f"HTTP Error {substatus} - Not Found. {_IIS[substatus]}",
        advice=(cure,),
    )


def bad_request(reason: str) -> Report:
    """Return http.sys's answer to a URL that is none."""
    return Report(
        400,
        "Bad Request",
        "The URL is not a valid one",
        as_sentence(reason),
        meaning="http.sys refuses such a request before IIS or the application sees it.",
        iis="Bad Request - Invalid URL",
    )


def wrong_config(error: ConfigError) -> Report:
    """Return what a handler gets whose scriptProcessor matches no application."""
    return Report(
        500,
        "Internal Server Error",
        "The handler names no registered application",
        as_sentence(error.sentence),
        meaning="scriptProcessor must be an application's fullPath and arguments, joined by a "
        "bar, letter by letter.",
        iis="HTTP Error 500.0 - Internal Server Error, saying that a path was not found or that "
        "the executable is not configured",
        facts=(("More about it", f"docs/errors, {error.code}"),),
    )


def other_module(handler: Handler, module: str) -> Report:
    """Return what is said of a handler that is not `module`'s."""
    return Report(
        500,
        "Internal Server Error",
        "The handler is not FastCGI's",
        f"The handler {handler.name} has modules={handler.modules!r}; the stand-in plays "
        f"{module} only.",
        advice=(f'Write modules="{module}" if the application is to serve this path.',),
    )


def outside(path: str, virtual_path: str) -> Report:
    """Return what a path gets that does not belong to the application."""
    return not_found(
        "404.0",
        f"{path} is outside the application, which stands at {virtual_path}.",
        f"Ask for {virtual_path}/ or below it.",
    )


def no_handler(config: SiteConfig, path: str, method: str) -> Report:
    """Return what a path gets that no handler takes."""
    listed = "; ".join(f"{h.name}: path={h.path} verb={h.verb}" for h in config.handlers)
    return not_found(
        "404.0",
        f"No handler of {config.path} takes {method} {path}.",
        "The stand-in serves no files by itself: static files are IIS's own business. "
        f"Handlers there: {listed or 'none'}.",
    )
