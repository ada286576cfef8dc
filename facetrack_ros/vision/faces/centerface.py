"""CenterFace face detector."""

from pathlib import Path

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.faces.centerface_network import CenterFaceNetwork
from facetrack_ros.vision.faces.landmark_refinement import CropSearch
from facetrack_ros.vision.faces.two_searches import SearchScores, TwoSearchFaceDetector

#: Face width in the input from which CenterFace finds faces reliably, pixels; it finds some from 12. Chosen by hand.
INPUT_FACE_PX = 24.0
#: Lowest confidence kept, and of a rolled face before and after it is rotated upright. Chosen by hand.
SCORE, CANDIDATE_SCORE, UPRIGHT_SCORE = 0.5, 0.35, 0.7
# The landmarks follow the roll of a head, one that is head down included, so one pass on a crop suffices, and its crop
# need not be turned: of ORL turned by quarter turns no face matches another person (benchmarks/face_gate.py).
CROP_PX, CROP_FACE_PX, MIN_PASSES, CROP_SCORE = 128, 80.0, 1, 0.1

#: Lowest score of a second search: backs of heads reach 0.64 there and 0.71 in the first search, faces begin at 0.50
#: (benchmarks/face_gate.py --model centerface).
CLOSE_LIMITS = {"min_close_score": 0.55, "unsure_score": 0.75, "unsure_more": 0.15}


class CenterFaceDetector(TwoSearchFaceDetector):
    """Faces and landmarks by CenterFace (Xu et al., 2020).

    :raises ModelError: onnxruntime cannot read the file, or it is no CenterFace.
    """

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        crops = CropSearch(CROP_PX, CROP_FACE_PX, MIN_PASSES, CROP_SCORE, turned=False)
        scores = SearchScores(INPUT_FACE_PX, SCORE, CANDIDATE_SCORE, UPRIGHT_SCORE)
        super().__init__(contract.id, CenterFaceNetwork(path, threads), scores, crops)
