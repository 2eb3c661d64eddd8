"""A guest book: who was here in this session, and how many bytes a file has."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.session import JSONSerializer, SignedCookieSessionFactory


def main(global_config, **settings):
    """Make the WSGI application, as ``paste.app_factory``."""
    session_factory = SignedCookieSessionFactory(
        settings["guestbook.secret"], serializer=JSONSerializer(), httponly=True, samesite="Lax"
    )
    with Configurator(settings=settings, session_factory=session_factory) as config:
        config.set_default_csrf_options(require_csrf=True)
        config.add_static_view("static", "guestbook:static")
        config.add_route("home", "/")
        config.add_route("guest", "/guest/{name}")
        config.add_route("upload", "/upload")
        config.scan("guestbook.views")
        return config.make_wsgi_app()
