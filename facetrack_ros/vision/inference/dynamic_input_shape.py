"""A network of fixed picture size made to take any: its declared sizes are taken out of the ONNX file, in memory.

A fully convolutional network is often exported with the size that its exporter happened to use. onnxruntime then refuses all others,
though no operation needs it. This reads and writes the few protobuf fields that say so, since the package onnx, which could do it too,
is needed for nothing else when a robot runs.
"""

from collections.abc import Iterator

# Field numbers of ONNX's protobuf messages (onnx.proto3).
MODEL_GRAPH = 7
GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE_INFO = 11, 12, 13
VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_PARAM = 2, 1, 2, 1, 2

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
#: What the sides of the picture are called once they are open, in the order of the input's dimensions.
OPEN_SIDES = {2: b"height", 3: b"width"}


def with_dynamic_input_shape(model: bytes) -> bytes:
    """The ONNX file with height and width of its first input left open, and no shape declared of anything behind it.

    :param model: the whole file, its first input ``(batch, channels, height, width)``.
    :raises ValueError: it is no ONNX file, or cut short.
    """
    return _rewritten(model, {MODEL_GRAPH: _graph})


def _graph(graph: bytes) -> bytes:
    inputs = 0

    def first(value: bytes) -> bytes:
        nonlocal inputs
        inputs += 1
        return _in_tensor(value, {TENSOR_SHAPE: _open_sides}) if inputs == 1 else value

    return _rewritten(
        graph,
        {
            GRAPH_INPUT: first,
            GRAPH_VALUE_INFO: None,
            GRAPH_OUTPUT: lambda value: _in_tensor(value, {TENSOR_SHAPE: None}),
        },
    )


def _in_tensor(value: bytes, changes: dict) -> bytes:
    tensor = {TYPE_TENSOR: lambda found: _rewritten(found, changes)}
    return _rewritten(value, {VALUE_TYPE: lambda found: _rewritten(found, tensor)})


def _open_sides(shape: bytes) -> bytes:
    sides = [value for _, _, value in _fields(shape)]
    return b"".join(
        _field(SHAPE_DIM, _field(DIM_PARAM, OPEN_SIDES[row]) if row in OPEN_SIDES else side)
        for row, side in enumerate(sides)
    )


def _rewritten(message: bytes, changes: dict) -> bytes:
    """The message with some of its fields changed: by number a function of the field's bytes, or None to leave it out."""
    parts = []
    for number, whole, value in _fields(message):
        if number not in changes:
            parts.append(whole)
        elif changes[number] is not None:
            parts.append(_field(number, changes[number](value)))
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, whole field and content of each field.

    :raises ValueError: these bytes are no protobuf message.
    """
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
