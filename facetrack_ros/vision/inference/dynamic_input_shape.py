"""Changes what an ONNX network declares as its inputs, in memory: any image size, and no weights among them."""

from collections.abc import Mapping

from facetrack_ros.vision.inference.protobuf_fields import Change, field, fields, rewritten

# Field numbers of ONNX's protobuf messages (onnx.proto3).
MODEL_GRAPH = 7
GRAPH_WEIGHT, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE_INFO = 5, 11, 12, 13
WEIGHT_NAME, INPUT_NAME = 8, 1
VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_PARAM = 2, 1, 2, 1, 2

#: Names of the dynamic dimensions, by their position in the input's shape.
DYNAMIC_DIMENSIONS = {2: b"height", 3: b"width"}
BATCH = {0: b"batch"}


def with_dynamic_input_shape(model: bytes, any_batch: bool = False) -> bytes:
    """The ONNX file with dynamic height and width of its first input, and no declared shape of anything behind it.

    :param model: the whole file, its first input ``(batch, channels, height, width)``.
    :param any_batch: whether the number of images becomes dynamic too.
    :raises ValueError: it is no ONNX file, or truncated.
    """
    dynamic = {**BATCH, **DYNAMIC_DIMENSIONS} if any_batch else DYNAMIC_DIMENSIONS
    return rewritten(model, {MODEL_GRAPH: lambda graph: _graph(graph, dynamic)})


def without_weight_inputs(model: bytes) -> bytes:
    """The ONNX file without the inputs that are weights: older exporters list each weight as an input too.

    A caller could then hand in other weights, so onnxruntime computes nothing ahead with them; without, it folds what
    does not depend on the image.

    :param model: the whole file.
    :raises ValueError: it is no ONNX file, or truncated.
    """
    return rewritten(model, {MODEL_GRAPH: _images_only})


def _images_only(graph: bytes) -> bytes:
    weights = {_name(value, WEIGHT_NAME) for number, _, value in fields(graph) if number == GRAPH_WEIGHT}
    return b"".join(
        whole
        for number, whole, value in fields(graph)
        if number != GRAPH_INPUT or _name(value, INPUT_NAME) not in weights
    )


def _name(message: bytes, number: int) -> bytes:
    return next((value for other, _, value in fields(message) if other == number), b"")


def _graph(graph: bytes, dynamic: Mapping[int, bytes]) -> bytes:
    first = iter([True])

    def change_input(value: bytes) -> bytes:
        if not next(first, False):
            return value
        return _in_tensor(value, {TENSOR_SHAPE: lambda shape: _dynamic_shape(shape, dynamic)})

    def change_output(value: bytes) -> bytes:
        return _in_tensor(value, {TENSOR_SHAPE: None})

    return rewritten(graph, {GRAPH_INPUT: change_input, GRAPH_VALUE_INFO: None, GRAPH_OUTPUT: change_output})


def _in_tensor(value: bytes, changes: Mapping[int, Change]) -> bytes:
    return rewritten(
        value, {VALUE_TYPE: lambda kind: rewritten(kind, {TYPE_TENSOR: lambda tensor: rewritten(tensor, changes)})}
    )


def _dynamic_shape(shape: bytes, dynamic: Mapping[int, bytes]) -> bytes:
    return b"".join(
        field(SHAPE_DIM, field(DIM_PARAM, dynamic[row]) if row in dynamic else dimension)
        for row, (_, _, dimension) in enumerate(fields(shape))
    )
