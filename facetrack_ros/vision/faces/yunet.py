"""YuNet face detector."""

from pathlib import Path

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.faces.landmark_refinement import CropSearch
from facetrack_ros.vision.faces.two_searches import SearchScores, TwoSearchFaceDetector
from facetrack_ros.vision.faces.yunet_network import YunetNetwork

#: Face width in the input from which YuNet finds faces reliably, pixels; it finds some from 10.
INPUT_FACE_PX = 20.0
# Chosen by hand.
CANDIDATE_SCORE = 0.3
UPRIGHT_SCORE = 0.88
# YuNet's landmarks shift with the size of the face in the input and follow only a part of a head's roll. So the network
# runs again on a crop of the face, at one size and rotated upright by the eyes found before; the mean of the last two
# passes counts. At 0.8 ms a pass, embeddings of one person agree far better (median cosine over two clips 0.57 and
# 0.72, from 0.34 and 0.42) and those of two people less. It puts the mouth below the eyes whichever way up a face is.
CROP_PX, CROP_FACE_PX, MIN_PASSES = 128, 80.0, 3
# In haze YuNet finds faces of 44 px that it misses at 80, and loses them again from 52 px on. One upright face in ten
# needs that pass (benchmarks/face_gate.py).
SURE_SCORE, SMALLER_PX, SMALLER_FACE_PX = 0.9, 96, 44.0


class YunetFaceDetector(TwoSearchFaceDetector):
    """Faces and landmarks by YuNet (Wu et al., 2023), any of its files.

    :param score: lowest confidence kept, 0..1, of a face as it is or, if it is rolled, upright.
    :raises ModelError: onnxruntime cannot read the file, or it is no YuNet.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.65, threads: int = 1):
        crops = CropSearch(CROP_PX, CROP_FACE_PX, MIN_PASSES, score / 2, SURE_SCORE, SMALLER_PX, SMALLER_FACE_PX)
        scores = SearchScores(INPUT_FACE_PX, score, CANDIDATE_SCORE, UPRIGHT_SCORE)
        super().__init__(contract.id, YunetNetwork(path, threads), scores, crops)
