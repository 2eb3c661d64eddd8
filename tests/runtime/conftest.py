import pytest

from .programs import Programs


@pytest.fixture
def programs(tmp_path):
    return Programs(tmp_path)
