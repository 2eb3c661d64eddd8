"""A small Bottle application."""

import html

from bottle import Bottle, request, response

app = Bottle()


@app.get("/")
def home():
    return f'<a href="{request.script_name}hello/Zo%C3%AB">hello</a>'


@app.get("/hello/<name>")
def hello(name):
    return f"Hello, {html.escape(name)}!"


@app.post("/upload")
def upload():
    upload = request.files["file"]
    size = sum(len(piece) for piece in iter(lambda: upload.file.read(65536), b""))
    return {"name": upload.raw_filename, "size": size}


@app.get("/stream")
def stream():
    response.content_type = "text/plain"
    for number in range(3):
        yield f"line {number}\n"


@app.get("/fail")
def fail():
    raise RuntimeError("raised on request")
