"""dlib's HOG face detector, with eyes and nose by its five-point model."""

import threading
from pathlib import Path

import numpy as np

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.image import as_bgr, resize
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract

#: Side of the detector's window: it finds no smaller face in its input.
WINDOW_PX = 80.0
#: Longest side of the input. It bounds the time, and with it the smallest face found.
MAX_SIDE_PX = 960
#: Lowest distance from the decision boundary kept; dlib's own is 0. At 0.25 badges and sleeves are no longer taken for
#: faces, and a seventh of the marginal faces is lost (chosen by hand).
MARGIN = 0.25


class DlibFaceDetector:
    """Faces by dlib's histogram-of-gradients detector, which is part of the library.

    :param landmarks_path: file of the five-point model (``shape_predictor_5_face_landmarks.dat``).
    :raises ModelError: dlib is not installed or the file cannot be read.
    """

    def __init__(self, landmarks_path: Path, contract: ModelContract):
        self.model_id = contract.id
        self._lock = threading.Lock()
        self._dlib = import_dlib()
        self._detector = self._dlib.get_frontal_face_detector()
        self._predictor = open_dlib_model(self._dlib.shape_predictor, landmarks_path)

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide, as far as :data:`MAX_SIDE_PX` allows, best first, in pixels of ``image``.

        :raises FrameError: it is no image.
        """
        image = as_bgr(image)
        scale = min(WINDOW_PX / max(min_face_px, 1.0), MAX_SIDE_PX / max(image.shape[:2]))
        small = np.ascontiguousarray(resize(image, scale)[:, :, ::-1])
        if min(small.shape[:2]) < WINDOW_PX / 2:
            return FaceDetections.none()
        with self._lock:  # dlib's models keep state between the steps of a call
            rects, margins, _ = self._detector.run(small, 0, MARGIN)
            points = [five_points(self._predictor(small, rect)) for rect in rects]
        if not points:
            return FaceDetections.none()
        back = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]], np.float32)
        boxes = np.array([[r.left(), r.top(), r.right() + 1, r.bottom() + 1] for r in rects], np.float32)
        scores = (1.0 / (1.0 + np.exp(-np.array(margins)))).astype(np.float32)
        order = np.argsort(-scores, kind="stable")
        return FaceDetections(boxes[order] * np.tile(back, 2), np.stack(points)[order] * back, scores[order])


def five_points(shape) -> np.ndarray:
    """Landmarks ``(5, 2)`` float32 from dlib's five, the mouth corners NaN.

    dlib gives the subject's left eye (outer, inner corner), right eye (outer, inner) and the base of the nose.
    """
    points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
    mouth = np.full((2, 2), np.nan, np.float32)
    return np.concatenate([[points[2:4].mean(axis=0), points[0:2].mean(axis=0), points[4]], mouth]).astype(np.float32)


def import_dlib():
    """The dlib module.

    :raises ModelError: it is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise ModelError("the dlib models need dlib; install dlib-bin or choose ONNX models") from error
    return dlib


def open_dlib_model(model_class: type, path: Path):
    """Open a file by one of dlib's model classes.

    :raises ModelError: dlib cannot read the file.
    """
    try:
        return model_class(str(path))
    except RuntimeError as error:
        raise ModelError(f"{path} cannot be opened as a dlib model; replace the file") from error
