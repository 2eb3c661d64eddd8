"""What the tests of sockets share."""


def send_much(transport):
    """More than any buffer of the system holds."""
    for _ in range(1000):
        transport.send(b"x" * 65536)
