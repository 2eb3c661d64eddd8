"""A real Pyramid application as a site: pages, a form, a session, static files and uploads."""

from setuptools import find_packages, setup

setup(
    name="iiswsgi-guestbook",
    version="1.0",
    description="A small Pyramid application served by iiswsgi",
    packages=find_packages(),
    package_data={"guestbook": ["static/*"]},
    install_requires=["iiswsgi", "pyramid"],
    entry_points={"paste.app_factory": ["main = guestbook:main"]},
)
