"""Fields of protobuf messages, read and written in memory, so that the package onnx is not needed at run time."""

from collections.abc import Callable, Iterator, Mapping

# Wire types of protobuf fields.
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5

#: Maps a field's bytes to new ones; None removes the field.
Change = Callable[[bytes], bytes] | None


def rewritten(message: bytes, changes: Mapping[int, Change]) -> bytes:
    """The message with the changes applied to its fields, by their number."""
    parts = []
    for number, whole, value in fields(message):
        if number not in changes:
            parts.append(whole)
        elif (change := changes[number]) is not None:
            parts.append(field(number, change(value)))
    return b"".join(parts)


def fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, whole field and content of each field."""
    at = 0
    while at < len(message):
        began = at
        tag, at = _varint(message, at)
        kind, content = tag & 7, at
        if kind == VARINT:
            _, at = _varint(message, at)
        elif kind == BYTES:
            length, content = _varint(message, at)
            at = content + length
        elif kind in (FIXED_64, FIXED_32):
            at += 8 if kind == FIXED_64 else 4
        else:
            raise ValueError(f"no protobuf field has the kind {kind}")
        if at > len(message):
            raise ValueError("the file is cut short")
        yield tag >> 3, message[began:at], message[content:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("the file is cut short")


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, with its number and length."""
    head, length = bytearray([number << 3 | BYTES]), len(content)  # all numbers here are below 16
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content
