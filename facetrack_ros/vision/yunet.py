"""YuNet face detector through OpenCV."""

import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.boxes import suppress
from facetrack_ros.vision.close_up import CloseUp
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import FaceDetections
from facetrack_ros.vision.picture import as_bgr, resize
from facetrack_ros.vision.serial import one_at_a_time

#: Width in its input from which YuNet finds faces reliably, pixels; it starts near 10.
INPUT_FACE_PX = 20.0
SMALLEST_INPUT_PX = 64

# A head on its side scores low until it is seen upright. So a fainter face counts too if it scores high then; of the
# faintest in a picture of nothing but texture not all are looked at.
FAINT_SCORE = 0.3
UPRIGHT_SCORE = 0.85
MOST_FAINT = 8


class YunetFaceDetector:
    """Faces and landmarks by YuNet (Wu et al., 2023), any of its files.

    :param path: the ``.onnx`` file.
    :param score: lowest confidence kept, 0..1, of a face as it is or, if it is turned, upright.
    :param max_iou: two boxes that overlap more are one face.
    :param max_side: longest side of its input, pixels; a larger picture is looked at smaller, however
        small its faces are.
    :raises ModelError: OpenCV cannot read the file, or it is no YuNet.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.65, max_iou: float = 0.3,
                 max_side: int = 1280):
        self.model_id = contract.id
        self._lock = threading.Lock()
        self._max_iou = max_iou
        self._max_side = max_side
        self._score = score
        try:
            with quiet_opencv():
                self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), min(score, FAINT_SCORE), max_iou, 500)
                self._close_up = CloseUp(path, score / 2, max_iou)
        except cv2.error as error:
            raise ModelError(f"{path} cannot be opened as a YuNet model by OpenCV {cv2.__version__}") from error

    @one_at_a_time
    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide up, best first, in pixels of ``image``; smaller ones may be among them.

        :raises FrameError: it is no picture.
        """
        image = as_bgr(image)
        height, width = image.shape[:2]
        scale = min(INPUT_FACE_PX / max(min_face_px, 1.0), self._max_side / max(height, width))
        small = resize(image, scale)
        # OpenCV 4.8 sees faces where there is nothing in an input smaller than YuNet's largest stride.
        below, beside = (max(0, SMALLEST_INPUT_PX - side) for side in small.shape[:2])
        padded = cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        self._net.setInputSize((padded.shape[1], padded.shape[0]))
        try:
            rows = self._net.detect(padded)[1]
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
        boxes, landmarks, scores = boxes[keep], landmarks[keep], scores[keep]
        counts = scores >= self._score
        wide = boxes[:, 2] - boxes[:, 0] >= min_face_px
        for row in (*np.flatnonzero(wide & counts), *np.flatnonzero(wide & ~counts)[:MOST_FAINT]):
            face = self._close_up.look(image, boxes[row], landmarks[row])
            landmarks[row] = face.landmarks
            # What made it faint may also have drawn its box around more than a face.
            if not counts[row] and face.score >= max(self._score, UPRIGHT_SCORE) and _width(face.box) >= min_face_px:
                counts[row], boxes[row], scores[row] = True, face.box, face.score
        boxes, landmarks, scores = boxes[counts], landmarks[counts], scores[counts]
        keep = suppress(boxes, scores, self._max_iou)
        return FaceDetections(boxes[keep], landmarks[keep], scores[keep])


def _width(box: np.ndarray) -> float:
    return float(box[2] - box[0])


@contextmanager
def quiet_opencv():
    """Keep OpenCV 5's warning about an unsupported target, which no caller asked for, off the terminal."""
    logging = getattr(cv2.utils, "logging", None)  # OpenCV before 4.9 has neither this nor the warning
    if logging is None:
        yield
        return
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(level)
