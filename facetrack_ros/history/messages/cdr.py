"""CDR, the encoding of ROS 2 messages, for the few that are read or written by the thousand."""

import struct

#: What little-endian CDR begins with.
LITTLE_ENDIAN = b"\x00\x01\x00\x00"
_SIZE = struct.Struct("<I")


def text(words: str) -> bytes:
    """A text with its length and its closing zero."""
    data = words.encode() + b"\0"
    return _SIZE.pack(len(data)) + data


class CdrReader:
    """Reads the fields of one message in their order.

    :param message: with its first four bytes, which tell the encoding.
    :raises ValueError: it is not in little-endian CDR. All methods raise it where the message is cut short.
    """

    __slots__ = ("_at", "_body")

    def __init__(self, message: bytes | memoryview) -> None:
        if bytes(message[:2]) != LITTLE_ENDIAN[:2]:
            raise ValueError("not in little-endian CDR")
        self._body = memoryview(message)[4:]
        self._at = 0

    def numbers(self, layout: struct.Struct, alignment: int = 4) -> tuple:
        """Numbers that follow each other without gaps.

        :param layout: little-endian.
        :param alignment: of the first, bytes.
        """
        at = self._at + -self._at % alignment
        if at + layout.size > len(self._body):
            raise ValueError("the message is cut short")
        self._at = at + layout.size
        return layout.unpack_from(self._body, at)

    def data(self) -> memoryview:
        """A sequence of bytes, not copied."""
        (size,) = self.numbers(_SIZE)
        begin, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise ValueError("the message is cut short")
        return self._body[begin : self._at]

    def count(self) -> int:
        """How many elements follow."""
        return self.numbers(_SIZE)[0]

    def text(self) -> str:
        """A text."""
        data = self.data()
        if not data:
            raise ValueError("a text without an end")
        return str(data[:-1], "utf-8")
