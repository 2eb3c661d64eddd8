"""What the abuse tests ask: ``paste.app_factory = fuzz.abused:make_app``."""


def make_app(global_conf):
    return application


def application(environ, start_response):
    """Answer ``/`` at once, ``/count`` when the body is there, ``/give/N`` and ``/headers/N``."""
    name, _, number = environ["PATH_INFO"][1:].partition("/")
    headers = [("Content-Type", "text/plain")]
    if name == "count":
        size = sum(map(len, iter(lambda: environ["wsgi.input"].read(65536), b"")))
        start_response("200 OK", headers)
        return [b"%d bytes" % size]
    if name == "give":
        start_response("200 OK", headers)
        return (b"g" * 65536 for _ in range(int(number) // 65536))
    if name == "headers":
        headers.append(("X-Large", "h" * int(number)))
    start_response("200 OK", headers)
    return [b"hello"]
