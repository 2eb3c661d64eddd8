"""A small Flask application."""

from flask import Flask, request, url_for
from markupsafe import escape


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def home():
        return f'<a href="{url_for("hello", name="Zoë")}">hello</a>'

    @app.get("/hello/<name>")
    def hello(name):
        app.logger.warning("%s was greeted", name)
        return f"Hello, {escape(name)}!"

    @app.post("/upload")
    def upload():
        file = request.files["file"]
        size = sum(len(piece) for piece in iter(lambda: file.read(65536), b""))
        return {"name": file.filename, "size": size}

    @app.get("/stream")
    def stream():
        return (f"line {number}\n" for number in range(3)), {"Content-Type": "text/plain"}

    @app.get("/fail")
    def fail():
        raise RuntimeError("raised on request")

    return app
