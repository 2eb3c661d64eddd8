"""Web Deploy packages and WebPI feeds: made, read and installed; knows nothing of setuptools."""
