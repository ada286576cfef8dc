"""Texts in CDR, the encoding of ROS 2 messages."""

import struct


def text(words: str) -> bytes:
    """A text with its length and its closing zero."""
    data = words.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


def read_text(body: memoryview, at: int) -> "tuple[str, int]":
    """The text that begins at ``at``, and where it ends.

    :raises ValueError: it runs over the end.
    :raises struct.error: not even its length is there.
    """
    size, = struct.unpack_from("<I", body, at)
    end = at + 4 + size
    if size < 1 or end > len(body):
        raise ValueError("a text runs over the end")
    return bytes(body[at + 4:end - 1]).decode(), end
