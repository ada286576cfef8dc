"""dlib's residual face network as an ONNX graph, for onnxruntime: the same vectors in a fraction of the time.

The weights are read from ``dlib_face_recognition_resnet_model_v1.dat``; the file names no layers, but holds the tensors
in a fixed order. The layers are those of dlib's example ``dnn_face_recognition_ex.cpp`` (``anet_type``).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facetrack_ros.errors import ModelError

#: Side of the input in pixels.
INPUT_PX = 150
#: Mean of the training pictures, red, green, blue; differences are divided by :data:`SCALE`.
MEAN_RGB = (122.782, 117.001, 104.298)
SCALE = 256.0
DIMENSION = 128
# Channels and blocks of each level, input side first; the first block of each level but the first halves the picture.
_LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
_FIRST_CHANNELS = 32
_OPSET = 17


def dlib_network_as_onnx(weights: bytes) -> bytes:
    """The network as a serialised ONNX model.

    Input ``image``: ``(n, 3, 150, 150)`` RGB from 0 to 255. Output ``embedding``: ``(n, 128)``, not normalised.

    :param weights: content of dlib's file.
    :raises ModelError: the package ``onnx`` is not installed, or a tensor is missing.
    """
    graph = _Graph(_Weights(weights))
    graph.build()
    return graph.serialised()


class _Weights:
    """Tensors of dlib's file, one after the other."""

    def __init__(self, content: bytes):
        self._content, self._at = content, 0

    def vector(self, size: int) -> np.ndarray:
        """The next tensor of ``(size, 1, 1, 1)``."""
        return self._next((size, 1, 1, 1))

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        """The next tensor of ``(rows, columns)``."""
        return self._next((rows, columns, 1, 1)).reshape(rows, columns)

    def _next(self, shape: tuple[int, int, int, int]) -> np.ndarray:
        # A tensor is a version, which is 2, its four sizes, and the numbers as little-endian float32.
        head = b"".join(map(_dlib_integer, (2, *shape)))
        found = self._content.find(head, self._at)
        start, size = found + len(head), int(np.prod(shape))
        if found < 0 or len(self._content) < start + 4 * size:
            raise ModelError(f"dlib's face network has no tensor of shape {shape} where one is expected")
        self._at = start + 4 * size
        return np.frombuffer(self._content, "<f4", size, start)


def _dlib_integer(value: int) -> bytes:
    """An unsigned integer as dlib writes it: the number of its bytes, then the bytes, the lowest first."""
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([size]) + value.to_bytes(size, "little")


@dataclass
class _Graph:
    """An ONNX graph being built; each method returns the name of its output."""

    weights: _Weights
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            import onnx
        except ImportError as error:
            raise ModelError("dlib's face network on onnxruntime needs the package onnx; install it") from error
        self._onnx = onnx

    def build(self) -> None:
        """Add all layers."""
        value = self._node("Sub", "image", self._constant(np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1)))
        value = self._node("Div", value, self._constant(np.float32(SCALE)))
        value = self._node("Relu", self._convolution(value, 3, _FIRST_CHANNELS, side=7, stride=2))
        value = self._node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2])
        channels = _FIRST_CHANNELS
        px = _halved(_halved(INPUT_PX, 7), 3)
        for level, (wider, blocks) in enumerate(_LEVELS):
            for block in range(blocks):
                halves = level > 0 and block == 0
                value = self._halving_block(value, channels, wider, px) if halves else self._block(value, wider)
                px = max(_halved(px, 3), _halved(px, 2)) if halves else px
                channels = wider
        value = self._node("Flatten", self._node("GlobalAveragePool", value))
        self._node("MatMul", value, self._constant(self.weights.matrix(channels, DIMENSION)), output="embedding")

    def _block(self, value: str, channels: int) -> str:
        added = self._two_convolutions(value, channels, channels, stride=1)
        return self._node("Relu", self._node("Add", added, value))

    def _halving_block(self, value: str, channels: int, wider: int, px: int) -> str:
        """A residual block with half the side; of the two branches the smaller one is padded with zeros."""
        added = self._two_convolutions(value, channels, wider, stride=2)
        value = self._node("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2])
        value = self._padded(value, channels=wider - channels)
        added = self._padded(added, px=_halved(px, 2) - _halved(px, 3))
        return self._node("Relu", self._node("Add", added, value))

    def _two_convolutions(self, value: str, channels: int, wider: int, stride: int) -> str:
        first = self._node("Relu", self._convolution(value, channels, wider, side=3, stride=stride))
        return self._convolution(first, wider, wider, side=3, stride=1)

    def _convolution(self, value: str, channels: int, wider: int, side: int, stride: int) -> str:
        """A convolution with the affine layer behind it; those of stride 1 keep the side."""
        size = wider * channels * side * side
        numbers = self.weights.vector(size + wider)
        affine = self.weights.vector(2 * wider)
        gain, shift = affine[:wider], affine[wider:]
        kernel = numbers[:size].reshape(wider, channels, side, side) * gain[:, None, None, None]
        border = side // 2 if stride == 1 else 0
        return self._node(
            "Conv",
            value,
            self._constant(kernel),
            self._constant(numbers[size:] * gain + shift),
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[border] * 4,
        )

    def _padded(self, value: str, channels: int = 0, px: int = 0) -> str:
        """The value with zeros behind the channels, rows and columns."""
        if not channels and not px:
            return value
        return self._node("Pad", value, self._constant(np.array([0, 0, 0, 0, 0, channels, px, px], np.int64)))

    def _constant(self, numbers: np.ndarray | np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name

    def _node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def serialised(self) -> bytes:
        """The model as bytes."""
        helper, kind = self._onnx.helper, self._onnx.TensorProto.FLOAT
        image = helper.make_tensor_value_info("image", kind, ["n", 3, INPUT_PX, INPUT_PX])
        embedding = helper.make_tensor_value_info("embedding", kind, ["n", DIMENSION])
        graph = helper.make_graph(self.nodes, "dlib_resnet_v1", [image], [embedding], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = 8
        return model.SerializeToString()


def _halved(px: int, side: int) -> int:
    """Side of the picture after a kernel of stride 2 without a border."""
    return (px - side) // 2 + 1
