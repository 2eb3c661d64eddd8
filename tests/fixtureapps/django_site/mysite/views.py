"""The project's pages."""

import time

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.csrf import csrf_exempt


def home(request):
    return HttpResponse(f'<a href="{reverse("hello", args=["Zoë"])}">hello</a>')


def hello(request, name):
    return HttpResponse(f"Hello, {escape(name)}!")


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    size = sum(len(piece) for piece in file.chunks())
    return JsonResponse({"name": file.name, "size": size})


def stream(request):
    lines = (f"line {number}\n" for number in range(3))
    return StreamingHttpResponse(lines, content_type="text/plain")


def clock(request):
    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


def ticks():
    while True:
        yield f"data: {time.time():.0f}\n\n"
        time.sleep(0.1)


def fail(request):
    raise RuntimeError("raised on request")
