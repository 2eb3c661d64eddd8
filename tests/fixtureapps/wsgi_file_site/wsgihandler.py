"""A file as web2py and others bring it: it leans on its folder, and has an ``application``."""

import os
import sys

path = os.path.dirname(os.path.abspath(__file__))
os.chdir(path)
if not os.path.isdir("applications"):
    raise RuntimeError("Running from the wrong folder")
sys.path = [path] + [each for each in sys.path if each != path]

import framework  # noqa: E402 - beside this file, as such files have it

application = framework.wsgi_base
