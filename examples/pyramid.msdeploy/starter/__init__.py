"""One page: where a project of your own begins."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import view_config

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>starter</title></head>
<body><h1>Welcome to <b id="project">starter</b></h1></body>
</html>
"""


def main(global_config, **settings):
    """Make the WSGI application, as ``paste.app_factory``."""
    with Configurator(settings=settings) as config:
        config.add_route("home", "/")
        config.scan("starter")
        return config.make_wsgi_app()


@view_config(route_name="home")
def home(request):
    return Response(PAGE)
