"""An ONNX graph from images to vectors, checked against its contract."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.inference.onnx_session import OnnxSession

#: Most images in one call, which bounds the memory for a crowd; chosen by hand.
BATCH = 32


class OnnxVectorModel:
    """A graph with a vector as output for each image; called with a blob, in batches where the graph allows.

    :param contract: gives input size and dimension.
    :param convert: see :class:`OnnxSession`.
    :raises ModelError: the graph takes other images or gives another dimension than its contract says.
    """

    def __init__(
        self, path: Path, contract: ModelContract, threads: int = 1, convert: Callable[[bytes], bytes] | None = None
    ):
        self._session = OnnxSession(path, threads, convert)
        self.input_name = self._session.input_name
        self._id, self._dimension = contract.id, contract.dimension
        width, height = contract.input_size
        _check_input(path, contract, self._session.input_shape)
        self._step = self._session.batch or BATCH
        output = self._session.run(np.zeros((1, 3, height, width), np.float32))
        shape, kind = np.shape(output), output.dtype.kind if isinstance(output, np.ndarray) else "O"
        if shape != (1, contract.dimension) or kind != "f":
            raise ModelError(
                f"{path} gives an output of shape {shape} and kind {kind!r} for one picture, its contract "
                f"{contract.id} says {contract.dimension} numbers; name the contract that belongs to this file"
            )

    def __call__(self, blob: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` vectors of an ``(n, 3, height, width)`` float32 blob, not normalised.

        :raises ModelError: the graph fails, or gives another number of rows.
        """
        step = self._step
        rows = np.concatenate([self._session.run(blob[at : at + step]) for at in range(0, len(blob), step)])
        if rows.shape != (len(blob), self._dimension):
            raise ModelError(
                f"{self._id} gave an output of shape {rows.shape} for {len(blob)} pictures; its file is "
                f"damaged or of another kind"
            )
        return rows


def _check_input(path: Path, contract: ModelContract, shape: tuple[int | str | None, ...]) -> None:
    width, height = contract.input_size
    if len(shape) != 4:
        raise ModelError(
            f"{path} takes an input of shape {shape}, which is no batch of pictures; it is no model for "
            f"the contract {contract.id}"
        )
    if shape[3] == 3 and shape[1] != 3:
        raise ModelError(
            f"{path} takes its pictures as height x width x channels, input shape {shape}; export it with "
            f"the channels first (batch, 3, {height}, {width})"
        )
    if any(isinstance(side, int) and side != wanted for side, wanted in zip(shape[1:], (3, height, width))):
        raise ModelError(
            f"{path} takes an input of shape {shape}, its contract {contract.id} says (batch, 3, {height}, "
            f"{width}); name the contract that belongs to this file"
        )
    if isinstance(shape[0], int) and shape[0] != 1:
        raise ModelError(f"{path} takes {shape[0]} pictures at a time; export it with a batch of 1 or an open one")
