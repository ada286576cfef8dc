"""YuNet face detector through OpenCV."""

from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.boxes import suppress
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import FaceDetections
from facetrack_ros.vision.picture import as_bgr, resize

#: Width in its input from which YuNet finds faces reliably, pixels. It starts near 10; its landmarks want more.
INPUT_FACE_PX = 16.0


class YunetFaceDetector:
    """Faces and landmarks by YuNet (Wu et al., 2023), any of its files. One thread at a time may call it.

    :param path: the ``.onnx`` file.
    :param score: lowest confidence kept, 0..1.
    :param max_iou: two boxes that overlap more are one face.
    :param max_side: longest side of its input, pixels; a larger picture is looked at smaller, however
        small its faces are.
    :raises ModelError: OpenCV cannot read the file.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.6, max_iou: float = 0.3,
                 max_side: int = 1280):
        self.model_id = contract.id
        self._max_iou = max_iou
        self._max_side = max_side
        try:
            with quiet_opencv():
                self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score, max_iou, 500)
        except cv2.error as error:
            raise ModelError(f"{path} cannot be opened as a YuNet model by OpenCV {cv2.__version__}") from error

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide up, best first, in pixels of ``image``.

        :raises FrameError: it is no picture.
        """
        image = as_bgr(image)
        height, width = image.shape[:2]
        scale = min(max(INPUT_FACE_PX / max(min_face_px, 1.0), 0.0), self._max_side / max(height, width))
        small = np.ascontiguousarray(resize(image, scale))
        self._net.setInputSize((small.shape[1], small.shape[0]))
        try:
            rows = self._net.detect(small)[1]
        except cv2.error as error:
            raise ModelError(f"{self.model_id} failed on a picture of {width}x{height} px") from error
        if rows is None:
            return FaceDetections.none()
        back = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        corner, size = rows[:, :2] * back, rows[:, 2:4] * back
        boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
        landmarks = (rows[:, 4:14].reshape(-1, 5, 2) * back).astype(np.float32)
        scores = np.clip(rows[:, 14], 0, 1).astype(np.float32)
        keep = suppress(boxes, scores, self._max_iou)
        return FaceDetections(boxes[keep], landmarks[keep], scores[keep])


@contextmanager
def quiet_opencv():
    """Keep OpenCV 5's warning about an unsupported target, which no caller asked for, off the terminal."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
