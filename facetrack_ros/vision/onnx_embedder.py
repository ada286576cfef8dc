"""Face embedder of the ArcFace kind on onnxruntime, by its contract."""

from pathlib import Path
from typing import Sequence

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.alignment import ARCFACE_SIZE, align
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.onnx_session import OnnxSession
from facetrack_ros.vision.picture import as_bgr


class OnnxFaceEmbedder:
    """Aligns each face by its landmarks, normalises it as the contract says, and runs the graph.

    :param path: the ``.onnx`` file.
    :param contract: colour order, mean, std and dimension it was trained with.
    :param threads: onnxruntime threads.
    :raises ModelError: the graph does not take 112x112 crops or has another dimension than its contract.
    """

    #: Narrower faces match strangers: under 20 px at up to 0.59, from 24 px on below the threshold.
    min_face_px = 24.0

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self._session = OnnxSession(path, threads)
        self._mean = np.array(contract.mean, np.float32)
        self._std = np.array(contract.std, np.float32)
        probe = self._session.run(np.zeros((1, 3, ARCFACE_SIZE, ARCFACE_SIZE), np.float32))
        if probe.ndim != 2 or probe.shape[1] != contract.dimension:
            raise ModelError(f"{path} gives embeddings of shape {probe.shape[1:]}, its contract {contract.id} "
                             f"says {contract.dimension}; name the contract that belongs to this file")

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows.

        :raises FrameError: ``image`` is no picture.
        :raises ModelError: a face's landmarks do not suffice to align it; the quality gate keeps such faces out.
        """
        if not faces:
            return np.empty((0, self.contract.dimension), np.float32)
        image = as_bgr(image)
        blob = np.stack([self._crop(image, face) for face in faces])
        if self._session.batches:
            raw = self._session.run(blob)
        else:
            raw = np.concatenate([self._session.run(row[None]) for row in blob])
        return unit_rows(raw)

    def _crop(self, image: np.ndarray, face: Face) -> np.ndarray:
        crop = align(image, face.landmarks)
        if crop is None:
            raise ModelError("a face without two eyes' positions cannot be aligned; pass it through the quality gate")
        if self.contract.colour == "RGB":
            crop = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
        return ((crop - self._mean) / self._std).transpose(2, 0, 1).astype(np.float32)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32.

    :raises ModelError: a row is zero or not finite, so that it has no direction.
    """
    rows = np.asarray(rows, np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError("the embedder gave a vector without direction; its file is damaged or of another kind")
    return rows / norms
