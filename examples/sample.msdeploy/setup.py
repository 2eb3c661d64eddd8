"""The smallest site: no code of its own, only the settings that show the test application."""

from setuptools import setup

setup()
