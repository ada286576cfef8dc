"""Removes the declared image size of an ONNX network in memory, as onnxruntime rejects all others.

A few protobuf fields are read and written here, so that the package onnx is not needed at run time.
"""

from collections.abc import Callable, Iterator, Mapping

# Field numbers of ONNX's protobuf messages (onnx.proto3).
MODEL_GRAPH = 7
GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE_INFO = 11, 12, 13
VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_PARAM = 2, 1, 2, 1, 2

# Wire types of protobuf fields.
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
#: Names of the dynamic dimensions, by their position in the input's shape.
DYNAMIC_DIMENSIONS = {2: b"height", 3: b"width"}

#: Maps a field's bytes to new ones; None removes the field.
Change = Callable[[bytes], bytes] | None


def with_dynamic_input_shape(model: bytes) -> bytes:
    """The ONNX file with dynamic height and width of its first input, and no declared shape of anything behind it.

    :param model: the whole file, its first input ``(batch, channels, height, width)``.
    :raises ValueError: it is no ONNX file, or truncated.
    """
    return _rewritten(model, {MODEL_GRAPH: _graph})


def _graph(graph: bytes) -> bytes:
    first = iter([True])

    def change_input(value: bytes) -> bytes:
        return _in_tensor(value, {TENSOR_SHAPE: _dynamic_shape}) if next(first, False) else value

    def change_output(value: bytes) -> bytes:
        return _in_tensor(value, {TENSOR_SHAPE: None})

    return _rewritten(graph, {GRAPH_INPUT: change_input, GRAPH_VALUE_INFO: None, GRAPH_OUTPUT: change_output})


def _in_tensor(value: bytes, changes: Mapping[int, Change]) -> bytes:
    return _rewritten(
        value, {VALUE_TYPE: lambda kind: _rewritten(kind, {TYPE_TENSOR: lambda tensor: _rewritten(tensor, changes)})}
    )


def _dynamic_shape(shape: bytes) -> bytes:
    return b"".join(
        _field(SHAPE_DIM, _field(DIM_PARAM, DYNAMIC_DIMENSIONS[row]) if row in DYNAMIC_DIMENSIONS else dimension)
        for row, (_, _, dimension) in enumerate(_fields(shape))
    )


def _rewritten(message: bytes, changes: Mapping[int, Change]) -> bytes:
    """The message with the changes applied to its fields, by their number."""
    parts = []
    for number, whole, value in _fields(message):
        if number not in changes:
            parts.append(whole)
        elif (change := changes[number]) is not None:
            parts.append(_field(number, change(value)))
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
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


def _field(number: int, content: bytes) -> bytes:
    head, length = bytearray([number << 3 | BYTES]), len(content)  # all numbers here are below 16
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content
