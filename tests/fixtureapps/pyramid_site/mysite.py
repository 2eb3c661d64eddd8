"""A small Pyramid application."""

import html
import logging

from pyramid.config import Configurator
from pyramid.response import Response

log = logging.getLogger(__name__)


def home(request):
    return Response(f'<a href="{request.route_path("hello", name="Zoë")}">hello</a>')


def hello(request):
    name = request.matchdict["name"]
    log.info("%s was greeted", name)
    return Response(f"Hello, {html.escape(name)}!")


def upload(request):
    field = request.POST["file"]
    size = sum(len(piece) for piece in iter(lambda: field.file.read(65536), b""))
    return {"name": field.filename, "size": size}


def stream(request):
    lines = (f"line {number}\n".encode() for number in range(3))
    return Response(app_iter=lines, content_type="text/plain")


def fail(request):
    raise RuntimeError("raised on request")


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        for view, path in [
            (home, "/"),
            (hello, "/hello/{name}"),
            (upload, "/upload"),
            (stream, "/stream"),
            (fail, "/fail"),
        ]:
            config.add_route(view.__name__, path)
            renderer = "json" if view is upload else None
            config.add_view(view, route_name=view.__name__, renderer=renderer)
        return config.make_wsgi_app()
