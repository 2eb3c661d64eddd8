import os
import sys

from iiswsgi.runtime import fds


def test_is_open():
    reader, writer = os.pipe()
    assert fds.is_open(reader)
    os.close(reader)
    os.close(writer)
    assert not fds.is_open(reader)


def test_a_private_duplicate():
    fd = fds.open_null(os.O_RDWR)
    os.set_inheritable(fd, True)
    private = fds.private(fd)
    assert private > 2
    assert private != fd
    assert not os.get_inheritable(private)
    os.close(fd)
    os.close(private)


def test_plugging_leaves_what_is_open():
    before = [os.fstat(fd) for fd in fds.STANDARD]
    fds.plug()
    assert [os.fstat(fd)[:3] for fd in fds.STANDARD] == [status[:3] for status in before]


if sys.platform != "win32":

    def test_plugging_the_holes(programs):
        program = """
            from iiswsgi.runtime import fds
            for fd in fds.STANDARD:
                os.close(fd)
            above = fds.open_null()
            fds.plug()
            assert above > 2
            assert all(os.get_inheritable(fd) for fd in fds.STANDARD)
            assert os.open(os.devnull, os.O_RDONLY) > 2
            assert os.write(1, b"x") == os.write(2, b"x") == 1
            assert os.read(0, 1) == b""
        """
        assert programs.run(program).returncode == 0
