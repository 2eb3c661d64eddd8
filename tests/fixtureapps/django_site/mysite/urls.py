"""Where the project's pages are."""

from django.contrib import admin
from django.urls import path

from mysite import views

urlpatterns = [
    path("", views.home),
    path("hello/<name>", views.hello, name="hello"),
    path("upload", views.upload),
    path("stream", views.stream),
    path("clock", views.clock),
    path("fail", views.fail),
    path("admin/", admin.site.urls),
]
