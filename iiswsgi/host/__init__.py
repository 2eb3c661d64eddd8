"""The IIS stand-in: what IIS does with a FastCGI site, on any machine."""
