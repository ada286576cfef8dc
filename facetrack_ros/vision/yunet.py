"""YuNet face detector through OpenCV."""

import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.boxes import suppress
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import FaceDetections
from facetrack_ros.vision.picture import as_bgr, resize
from facetrack_ros.vision.serial import one_at_a_time

#: Width in its input from which YuNet finds faces reliably, pixels; it starts near 10.
INPUT_FACE_PX = 20.0
SMALLEST_INPUT_PX = 64

# Its landmarks shift with the size of the face in the input and follow only a part of a head's roll. So it looks
# again at the face alone, at one size and turned upright by the eyes found before; the mean of the last two looks
# counts. At 1.5 ms a look, embeddings of one person agree far better (median cosine over two clips 0.57 and 0.72,
# from 0.34 and 0.42) and those of two people less.
LOOK_PX = 128
LOOK_FACE_PX = 80.0
LOOKS = 3


class YunetFaceDetector:
    """Faces and landmarks by YuNet (Wu et al., 2023), any of its files.

    :param path: the ``.onnx`` file.
    :param score: lowest confidence kept, 0..1.
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
        try:
            with quiet_opencv():
                self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score, max_iou, 500)
                self._close_up = cv2.FaceDetectorYN.create(str(path), "", (LOOK_PX, LOOK_PX), score / 2, max_iou, 50)
                self._close_up.detect(np.zeros((LOOK_PX, LOOK_PX, 3), np.uint8))
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
        for row in np.flatnonzero(boxes[:, 2] - boxes[:, 0] >= min_face_px):
            found = [landmarks[row]]
            for _ in range(LOOKS):
                found.append(self._look_closer(image, boxes[row], found[-1]))
            landmarks[row] = (found[-2] + found[-1]) / 2
        return FaceDetections(boxes, landmarks, scores)

    def _look_closer(self, image: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The landmarks found again on the face alone, upright; as they were where it is not found again."""
        matrix = upright(box, landmarks)
        crop = cv2.warpAffine(image, matrix, (LOOK_PX, LOOK_PX), flags=cv2.INTER_LINEAR)
        rows = self._close_up.detect(crop)[1]
        if rows is None:
            return landmarks
        off_centre = np.hypot(*(rows[:, :2] + rows[:, 2:4] / 2 - LOOK_PX / 2).T)
        found = rows[int(np.argmin(off_centre)), 4:14].reshape(5, 2)
        # A turn and a scale: the inverse is the transpose over the square of the scale.
        turn = matrix[:, :2]
        return ((found - matrix[:, 2]) @ turn / (turn[0] @ turn[0])).astype(np.float32)


def upright(box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The ``(2, 3)`` map that brings a face to the middle of a close-up, its eyes level."""
    right, left = landmarks[:2].astype(np.float64)
    roll = np.arctan2(left[1] - right[1], left[0] - right[0])
    middle = (landmarks[:2].mean(axis=0) + landmarks[3:].mean(axis=0)) / 2
    # A box is about 1.25 times as high as wide; of a rolled head it is wider than the face.
    scale = LOOK_FACE_PX / max(box[2] - box[0], (box[3] - box[1]) / 1.25)
    turn = scale * np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    return np.column_stack([turn, LOOK_PX / 2 - turn @ middle])


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
