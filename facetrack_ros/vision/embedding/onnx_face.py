"""Face embedder of the ArcFace kind on onnxruntime."""

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

    All faces of a frame are embedded in one call where the graph's batch is dynamic.

    :param contract: input size, colour order, mean, std and dimension of its training.
    :raises ModelError: the graph takes other images or gives another dimension than its contract says.
    """

    #: Narrower faces match strangers: under 20 px at up to 0.59, from 24 px on below the threshold (test clips).
    min_face_px = 24.0

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self.input = FaceInput(contract)
        self._model = OnnxVectorModel(path, contract, threads)
        self.input_name = self._model.input_name

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows.

        :raises FrameError: ``image`` is no image.
        :raises ModelError: a face that the quality gate would reject cannot be aligned, the graph fails or gives a
            vector without direction.
        """
        if not faces:
            return np.empty((0, self.contract.dimension), np.float32)
        return self.embed_crops(self.input.crops(as_bgr(image), faces))

    def embed_crops(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows of aligned faces, BGR crops of the contract's input size.

        :raises ModelError: the graph fails or gives a vector without direction.
        """
        return l2_normalized(self._model(self.input.blob(crops)))
