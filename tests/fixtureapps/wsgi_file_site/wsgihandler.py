"""A file for a web server: it takes its own folder for granted."""

import os

import framework  # lies beside this file

if "greeting.txt" not in os.listdir("applications"):
    raise RuntimeError("started in a folder without our applications")

application = framework.answer
