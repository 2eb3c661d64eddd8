"""The smallest site: no code of its own, only the settings that show the test application."""

from setuptools import setup

setup(
    name="iiswsgi-sample",
    version="1.0",
    description="The iiswsgi test application as a site",
    py_modules=[],
    install_requires=["iiswsgi"],
)
