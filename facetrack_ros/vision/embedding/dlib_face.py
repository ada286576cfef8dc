"""dlib's 128-d face embedder."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX, dlib_network_as_onnx
from facetrack_ros.vision.faces.dlib_detector import import_dlib, open_dlib_model
from facetrack_ros.vision.inference.onnx_vectors import OnnxVectorModel

CHIP_PADDING = 0.25  # of the face's size on each side, as in the network's training


class DlibFaceEmbedder:
    """Descriptors of dlib's residual network, scaled to length 1, so that cosine similarity serves all embedders.

    Faces are aligned by dlib's own five-point model, which the network was trained with. The network runs on
    onnxruntime, all faces of a frame in one call: its vectors differ from those of dlib's own run by less than 1e-6,
    and take a fifteenth of the time (``benchmarks/dlib_network.py``).

    :param path: ``dlib_face_recognition_resnet_model_v1.dat``.
    :param landmarks_path: ``shape_predictor_5_face_landmarks.dat``.
    :param threads: threads of the network.
    :raises ModelError: dlib, onnx or onnxruntime is not installed, or a file cannot be read.
    """

    #: From 40 to 48 px strangers in the test clips reach a cosine of 0.948, above the threshold; from 48 px on 0.932.
    min_face_px = 48.0

    def __init__(self, path: Path, landmarks_path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self._lock = threading.Lock()  # dlib's models keep state between the steps of a call
        self._dlib = import_dlib()
        self._network = OnnxVectorModel(path, contract, threads, dlib_network_as_onnx)
        self._predictor = open_dlib_model(self._dlib.shape_predictor, landmarks_path)

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, 128)`` float32 unit rows.

        :raises FrameError: ``image`` is no image.
        """
        if not faces:
            return np.empty((0, self.contract.dimension), np.float32)
        rgb = np.ascontiguousarray(as_bgr(image)[:, :, ::-1])
        with self._lock:
            shapes = [self._predictor(rgb, self._square(face.bbox)) for face in faces]
            chips = [self._dlib.get_face_chip(rgb, shape, INPUT_PX, CHIP_PADDING) for shape in shapes]
        return l2_normalized(self._network(np.stack(chips).transpose(0, 3, 1, 2).astype(np.float32)))

    def _square(self, bbox: np.ndarray):
        """The box in the form of dlib's detector: a square from the brows to the chin."""
        x1, y1, x2, y2 = (float(value) for value in bbox)
        half = max(x2 - x1, (x2 - x1 + y2 - y1) / 2) / 2
        x, y = (x1 + x2) / 2, y2 - half
        return self._dlib.rectangle(round(x - half), round(y - half), round(x + half), round(y + half))
