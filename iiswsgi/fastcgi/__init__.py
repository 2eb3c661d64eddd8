"""Bytes to requests and back; knows flup and the standard library, and no other room."""
