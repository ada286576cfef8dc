"""YuNet face detector on onnxruntime."""

from pathlib import Path

import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.image import as_bgr, resize
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.faces.landmark_refinement import LandmarkRefiner
from facetrack_ros.vision.faces.yunet_network import YunetNetwork

#: Width in its input from which YuNet finds faces reliably, pixels; it starts near 10.
INPUT_FACE_PX = 20.0

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
    :param threads: onnxruntime threads.
    :raises ModelError: onnxruntime cannot read the file, or it is no YuNet.
    """

    def __init__(
        self,
        path: Path,
        contract: ModelContract,
        score: float = 0.65,
        max_iou: float = 0.3,
        max_side: int = 1280,
        threads: int = 1,
    ):
        self.model_id = contract.id
        self._max_iou = max_iou
        self._max_side = max_side
        self._score = score
        self._net = YunetNetwork(path, threads)
        self._refiner = LandmarkRefiner(self._net, score / 2, max_iou)

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide up, best first, in pixels of ``image``; smaller ones may be among them.

        :raises FrameError: it is no picture.
        """
        image = as_bgr(image)
        height, width = image.shape[:2]
        scale = min(INPUT_FACE_PX / max(min_face_px, 1.0), self._max_side / max(height, width))
        small = resize(image, scale)
        found = self._net.detect(small, min(self._score, FAINT_SCORE), self._max_iou)
        if not len(found):
            return found
        back = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        boxes, landmarks, scores = found.boxes * np.tile(back, 2), found.landmarks * back, found.scores
        counts = scores >= self._score
        wide = boxes[:, 2] - boxes[:, 0] >= min_face_px
        for row in (*np.flatnonzero(wide & counts), *np.flatnonzero(wide & ~counts)[:MOST_FAINT]):
            face = self._refiner.refine(image, boxes[row], landmarks[row])
            landmarks[row] = face.landmarks
            # What made it faint may also have drawn its box around more than a face.
            if not counts[row] and face.score >= max(self._score, UPRIGHT_SCORE) and _width(face.box) >= min_face_px:
                counts[row], boxes[row], scores[row] = True, face.box, face.score
        boxes, landmarks, scores = boxes[counts], landmarks[counts], scores[counts]
        keep = nms(boxes, scores, self._max_iou)
        return FaceDetections(boxes[keep], landmarks[keep], scores[keep])


def _width(box: np.ndarray) -> float:
    return float(box[2] - box[0])
