"""``python -m iiswsgi``: the same as the ``iiswsgi`` command, and startable by IIS."""

import sys

from iiswsgi.cli import main

if __name__ == "__main__":
    sys.exit(main())
