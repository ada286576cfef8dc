"""Face detector that searches twice: in the whole image, then on a crop of each face."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.image import as_bgr, resize
from facetrack_ros.vision.faces.landmark_refinement import CropSearch, FaceNetwork, LandmarkRefiner

#: Longest side of the input: a larger image is scaled down, however small its faces are. Chosen by hand.
MAX_SIDE_PX = 1280
#: Two boxes that overlap more are one face. Chosen by hand.
MAX_IOU = 0.3
#: Bounds how many faces of a low score are tried in an image of nothing but texture. Chosen by hand.
MAX_CANDIDATES = 8


@dataclass(frozen=True)
class SearchScores:
    """Input size and scores of one network.

    A head on its side scores low until it is rotated upright. So a face of a low score counts too if its upright score
    is high.

    :param input_face_px: width of a face in the input from which the network finds faces reliably, pixels.
    :param score: lowest confidence kept, 0..1, of a face as it is or, if it is rolled, upright.
    :param candidate_score: lowest confidence of a face that is tried upright.
    :param upright_score: lowest confidence that such a face needs then.
    """

    input_face_px: float
    score: float
    candidate_score: float
    upright_score: float


class TwoSearchFaceDetector:
    """Faces, landmarks and the scores of both searches.

    :param model_id: id of the network's model.
    """

    def __init__(self, model_id: str, network: FaceNetwork, scores: SearchScores, crops: CropSearch):
        self.model_id = model_id
        self._network, self._scores = network, scores
        self._refiner = LandmarkRefiner(network, crops, MAX_IOU)

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces from ``min_face_px`` wide, best first, in pixels of ``image``; smaller ones may be among them.

        :raises FrameError: it is no image.
        """
        image, limits = as_bgr(image), self._scores
        height, width = image.shape[:2]
        scale = min(limits.input_face_px / max(min_face_px, 1.0), MAX_SIDE_PX / max(height, width))
        small = resize(image, scale)
        found = self._network.detect(small, min(limits.score, limits.candidate_score), MAX_IOU)
        if not len(found):
            return found
        back = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        boxes, landmarks, scores = found.boxes * np.tile(back, 2), found.landmarks * back, found.scores
        close, turned = np.full((2, len(scores)), np.nan, np.float32)
        counts = scores >= limits.score
        wide = boxes[:, 2] - boxes[:, 0] >= min_face_px
        for row in (*np.flatnonzero(wide & counts), *np.flatnonzero(wide & ~counts)[:MAX_CANDIDATES]):
            face = self._refiner.refine(image, boxes[row], landmarks[row])
            landmarks[row], close[row], turned[row] = face.landmarks, face.close_score, face.turned_score
            # The box of a rolled face may have been drawn around more than the face.
            upright_width = float(face.box[2] - face.box[0])
            sure = face.score >= max(limits.score, limits.upright_score)
            if not counts[row] and sure and upright_width >= min_face_px:
                counts[row], boxes[row], scores[row] = True, face.box, face.score
        faces = FaceDetections(boxes, landmarks, scores, close, turned).take(counts)
        return faces.take(nms(faces.boxes, faces.scores, MAX_IOU))
