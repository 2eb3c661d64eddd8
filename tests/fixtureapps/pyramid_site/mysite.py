"""A small Pyramid application."""

import html
import logging

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import view_config

log = logging.getLogger(__name__)


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.add_route("home", "/")
        config.add_route("hello", "/hello/{name}")
        config.add_route("upload", "/upload")
        config.add_route("stream", "/stream")
        config.add_route("fail", "/fail")
        config.scan(__name__)
        return config.make_wsgi_app()


@view_config(route_name="home")
def home(request):
    return Response(f'<a href="{request.route_path("hello", name="Zoë")}">hello</a>')


@view_config(route_name="hello")
def hello(request):
    name = request.matchdict["name"]
    log.info("%s was greeted", name)
    return Response(f"Hello, {html.escape(name)}!")


@view_config(route_name="upload", renderer="json")
def upload(request):
    field = request.POST["file"]
    size = sum(len(piece) for piece in iter(lambda: field.file.read(65536), b""))
    return {"name": field.filename, "size": size}


@view_config(route_name="stream")
def stream(request):
    lines = (f"line {number}\n".encode() for number in range(3))
    return Response(app_iter=lines, content_type="text/plain")


@view_config(route_name="fail")
def fail(request):
    raise RuntimeError("raised on request")
