"""YuNet face detector."""

from pathlib import Path

import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.image import as_bgr, resize
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.faces.landmark_refinement import LandmarkRefiner
from facetrack_ros.vision.faces.yunet_network import YunetNetwork

#: Face width in the input from which YuNet finds faces reliably, pixels; it finds some from 10.
INPUT_FACE_PX = 20.0
#: Longest side of the input: a larger image is scaled down, however small its faces are. Chosen by hand.
MAX_SIDE_PX = 1280
#: Two boxes that overlap more are one face. Chosen by hand.
MAX_IOU = 0.3

# A head on its side scores low until it is rotated upright. So a face of a low score counts too if its upright score is
# high; MAX_CANDIDATES bounds how many are tried in an image of nothing but texture. Chosen by hand.
CANDIDATE_SCORE = 0.3
UPRIGHT_SCORE = 0.88
MAX_CANDIDATES = 8


class YunetFaceDetector:
    """Faces and landmarks by YuNet (Wu et al., 2023), any of its files.

    :param score: lowest confidence kept, 0..1, of a face as it is or, if it is rolled, upright.
    :raises ModelError: onnxruntime cannot read the file, or it is no YuNet.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.65, threads: int = 1):
        self.model_id = contract.id
        self._score = score
        self._network = YunetNetwork(path, threads)
        self._refiner = LandmarkRefiner(self._network, score / 2, MAX_IOU)

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide, best first, in pixels of ``image``; smaller ones may be among them.

        :raises FrameError: it is no image.
        """
        image = as_bgr(image)
        height, width = image.shape[:2]
        scale = min(INPUT_FACE_PX / max(min_face_px, 1.0), MAX_SIDE_PX / max(height, width))
        small = resize(image, scale)
        found = self._network.detect(small, min(self._score, CANDIDATE_SCORE), MAX_IOU)
        if not len(found):
            return found
        back = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        boxes, landmarks, scores = found.boxes * np.tile(back, 2), found.landmarks * back, found.scores
        close, turned = np.full((2, len(scores)), np.nan, np.float32)
        counts = scores >= self._score
        wide = boxes[:, 2] - boxes[:, 0] >= min_face_px
        for row in (*np.flatnonzero(wide & counts), *np.flatnonzero(wide & ~counts)[:MAX_CANDIDATES]):
            face = self._refiner.refine(image, boxes[row], landmarks[row])
            landmarks[row], close[row], turned[row] = face.landmarks, face.close_score, face.turned_score
            # The box of a rolled face may have been drawn around more than the face.
            upright_width = float(face.box[2] - face.box[0])
            if not counts[row] and face.score >= max(self._score, UPRIGHT_SCORE) and upright_width >= min_face_px:
                counts[row], boxes[row], scores[row] = True, face.box, face.score
        faces = FaceDetections(boxes, landmarks, scores, close, turned).take(counts)
        return faces.take(nms(faces.boxes, faces.scores, MAX_IOU))
