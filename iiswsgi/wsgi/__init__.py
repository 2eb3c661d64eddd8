"""One WSGI call, whatever carried it."""
