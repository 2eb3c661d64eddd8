"""A small FastAPI application, and the WSGI application made of it."""

import html
import logging
from urllib.parse import quote

from a2wsgi import ASGIMiddleware
from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse

log = logging.getLogger(__name__)
app = FastAPI()


@app.get("/", response_class=HTMLResponse)
async def home(request: Request):
    return f'<a href="{quote(request.url_for("hello", name="Zoë").path)}">hello</a>'


@app.get("/hello/{name}", response_class=HTMLResponse)
async def hello(name: str):
    return f"Hello, {html.escape(name)}!"


@app.post("/upload")
async def upload(file: UploadFile):
    size = 0
    while piece := await file.read(65536):
        size += len(piece)
    return {"name": file.filename, "size": size}


@app.get("/stream")
async def stream():
    return StreamingResponse((f"line {number}\n" for number in range(3)), media_type="text/plain")


@app.get("/fail")
async def fail():
    raise RuntimeError("raised on request")


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception):
    log.error("%s failed", request.url.path, exc_info=error)
    return PlainTextResponse("Internal Server Error", 500)


wsgi_app = ASGIMiddleware(app)
