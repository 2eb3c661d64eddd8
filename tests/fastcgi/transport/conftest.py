import socket

import pytest

from iiswsgi.runtime.shutdown import Shutdown


@pytest.fixture
def shutdown():
    value = Shutdown()
    yield value
    value.close()


@pytest.fixture
def pair():
    """The transport's socket and its peer's."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()
