"""``wsgi.file_wrapper``: a file-like object as a response body (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["FileWrapper"]


class FileWrapper:
    """Reads a file in blocks, and closes it if it can be closed.

    :param file: anything with ``read(size)``.
    :param block_size: bytes to ask for at a time.
    """

    def __init__(self, file: Any, block_size: int = 65536) -> None:
        self.file = file
        self.block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block: bytes = self.file.read(self.block_size)
        if block:
            return block
        raise StopIteration

    def is_at_hand(self) -> bool:
        """Whether the content lies there already; a pipe or a stream that is fed says no.

        Blocks at hand need not leave one by one, those of a live stream must.
        """
        seekable = getattr(self.file, "seekable", None)
        return callable(seekable) and bool(seekable())
