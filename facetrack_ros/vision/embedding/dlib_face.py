"""dlib's 128-d face embedder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX, dlib_network_as_onnx
from facetrack_ros.vision.faces.alignment import align
from facetrack_ros.vision.inference.onnx_vectors import OnnxVectorModel

#: Where the network expects right eye, left eye, nose tip, right and left mouth corner, pixels of its input: medians of
#: CenterFace's landmarks on 400 pictures of ORL that dlib's own five points aligned. YuNet's medians differ by up to
#: 2 px, and its faces are recognised as well with these (benchmarks/dlib_alignment.py).
TEMPLATE = np.array([[48.0, 48.1], [101.8, 46.8], [74.2, 77.7], [53.1, 100.8], [97.0, 99.7]], np.float32)
#: Middles of the eyes and base of the nose in the same place: dlib's own landmarks, which have no mouth.
TEMPLATE_WITHOUT_MOUTH = np.array([[47.7, 47.1], [100.3, 47.1], [74.0, 87.8], [53.1, 100.8], [97.0, 99.7]], np.float32)


class DlibFaceEmbedder:
    """Descriptors of dlib's residual network, scaled to length 1, so that cosine similarity serves all embedders.

    Faces are aligned by the landmarks of any face detector; the library dlib is not needed. The vectors may be compared
    with those of faces that dlib's five-point model aligned: of one picture they have a cosine of 0.995, median on ORL,
    and pairs of an old and a new vector tell people apart as well as two of one kind
    (``benchmarks/dlib_alignment.py``).
    The network runs on onnxruntime, all faces of a frame in one call.

    :param path: ``dlib_face_recognition_resnet_model_v1.dat``.
    :param threads: threads of the network.
    :raises ModelError: onnx or onnxruntime is not installed, or the file cannot be read.
    """

    #: Scaled down to 40 and 48 px the most alike pair of two people of ORL has a cosine of 0.949 and 0.951, at 32 px
    #: 0.957, the threshold; of the pairs of one person 0.990 and 0.987 are found at a rate of 0.001, then 0.966
    #: (benchmarks/dlib_alignment.py).
    min_face_px = 40.0

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self._network = OnnxVectorModel(path, contract, threads, dlib_network_as_onnx)

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, 128)`` float32 unit rows.

        :raises FrameError: ``image`` is no image.
        :raises ModelError: a face's landmarks do not suffice for alignment; the quality gate rejects such faces.
        """
        if not faces:
            return np.empty((0, self.contract.dimension), np.float32)
        image = as_bgr(image)
        chips = [chip for face in faces if (chip := aligned_chip(image, face.landmarks)) is not None]
        if len(chips) < len(faces):
            raise ModelError("a face without two eyes' positions cannot be aligned; pass it through the quality gate")
        return l2_normalized(self._network(np.stack(chips)[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)))


def aligned_chip(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray | None:
    """A face as the network takes it, ``(150, 150, 3)`` uint8 BGR; None where the landmarks do not suffice.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param landmarks: ``(5, 2)`` pixels; where both mouth corners are NaN the third is the base of the nose.
    """
    landmarks = np.asarray(landmarks)
    template = TEMPLATE if np.isfinite(landmarks[3:]).any() else TEMPLATE_WITHOUT_MOUTH
    return align(image, landmarks, (INPUT_PX, INPUT_PX), template)
