"""The pages."""

from __future__ import annotations

import hashlib
import logging
from html import escape

from pyramid.csrf import get_csrf_token
from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config

log = logging.getLogger(__name__)

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<h1>Guest book</h1>
{content}
</body>
</html>
"""

HOME = """\
<p id="count">Signed {count} times in this session.</p>
<ul id="guests">{guests}</ul>
<form id="sign" method="post" action="{home}" accept-charset="utf-8">
<input type="hidden" name="csrf_token" value="{token}">
<label>Your name <input name="name" required maxlength="80"></label>
<button>Sign</button>
</form>
<form id="upload" method="post" action="{upload}" enctype="multipart/form-data">
<input type="hidden" name="csrf_token" value="{token}">
<label>A file <input type="file" name="file" required></label>
<button>Measure</button>
</form>
"""


def page(request, content):
    style = request.static_path("guestbook:static/style.css")
    return Response(PAGE.format(style=escape(style), content=content))


@view_config(route_name="home", request_method="GET")
def home(request):
    guests = request.session.get("guests", [])
    links = "".join(
        f'<li><a href="{escape(request.route_path("guest", name=name))}">{escape(name)}</a></li>'
        for name in guests
    )
    content = HOME.format(
        count=len(guests),
        guests=links,
        home=escape(request.route_path("home")),
        upload=escape(request.route_path("upload")),
        token=escape(get_csrf_token(request)),
    )
    return page(request, content)


@view_config(route_name="home", request_method="POST")
def sign(request):
    name = request.POST.get("name", "").strip()[:80]
    if not name:
        raise HTTPBadRequest("Without a name there is nothing to sign with.")
    # The session is a cookie of 4 KB: the last ten will do.
    request.session["guests"] = [*request.session.get("guests", []), name][-10:]
    log.info("%r signed", name)
    return HTTPSeeOther(request.route_path("home"))


@view_config(route_name="guest")
def guest(request):
    back = escape(request.route_path("home"))
    name = escape(request.matchdict["name"])
    return page(request, f'<p id="guest">{name} was here.</p><p><a href="{back}">Back</a></p>')


@view_config(route_name="upload", request_method="POST")
def upload(request):
    field = request.POST.get("file")
    if not hasattr(field, "file"):
        raise HTTPBadRequest("Choose a file first.")
    size, digest = 0, hashlib.sha256()
    for piece in iter(lambda: field.file.read(65536), b""):
        size += len(piece)
        digest.update(piece)
    content = (
        f'<p id="upload">{escape(field.filename)}: <b>{size}</b> bytes,'
        f" SHA-256 <code>{digest.hexdigest()}</code></p>"
    )
    return page(request, content)
