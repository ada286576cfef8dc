"""Face embedder of the ArcFace kind on onnxruntime, by its contract."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.inference.onnx_vectors import OnnxVectorModel


class OnnxFaceEmbedder:
    """Aligns each face by its landmarks, normalises it as the contract says, and runs the graph.

    All faces of a frame go in at once where the graph leaves its batch open, else one after the other.

    :param path: the ``.onnx`` file.
    :param contract: input size, colour order, mean, std and dimension it was trained with.
    :param threads: onnxruntime threads.
    :raises ModelError: the graph takes other pictures or gives another dimension than its contract says.
    """

    #: Narrower faces match strangers: under 20 px at up to 0.59, from 24 px on below the threshold.
    min_face_px = 24.0

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self.input = FaceInput(contract)
        self._rows = OnnxVectorModel(path, contract, threads)

    @property
    def input_name(self) -> str:
        """What the graph calls its input."""
        return self._rows.input_name

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows.

        :raises FrameError: ``image`` is no picture.
        :raises ModelError: a face's landmarks do not suffice to align it, which the quality gate keeps out; or the graph
            fails or gives a vector without direction.
        """
        if not faces:
            return np.empty((0, self.contract.dimension), np.float32)
        return self.embed_crops(self.input.crops(as_bgr(image), faces))

    def embed_crops(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows of faces already aligned, BGR crops of the contract's input size.

        :raises ModelError: the graph fails or gives a vector without direction.
        """
        return l2_normalized(self._rows(self.input.blob(crops)))
