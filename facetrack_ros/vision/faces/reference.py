"""The one face of a reference picture, which may be a portrait, a snapshot or a tight crop."""

from dataclasses import replace

import cv2
import numpy as np

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.faces.quality import QualityGate, assess, outside_share
from facetrack_ros.vision.interfaces import FaceDetector, FaceEmbedder

#: Faces this much narrower than the widest are bystanders, whom nobody means.
BYSTANDER = 0.25
#: Score of a face that is one beyond doubt. Beside such, dlib's detector takes a badge or a sleeve for a face.
CLEAR = 0.6
#: Smallest face worth a word about its size, pixels.
SMALLEST_PX = 10.0
#: Share of a face's box that a tight crop may lack: forehead and cheeks, not half the face.
MAX_OUTSIDE = 0.4


def embed_reference(image: np.ndarray, detector: FaceDetector, embedder: FaceEmbedder, gate: QualityGate) -> Face:
    """Find and embed the one face of ``image``.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :return: the face, in pixels of ``image``; its box may reach beyond a tight crop.
    :raises ReferenceFaceError: no face, several, or one that the quality gate turns down.
    """
    reason = ""
    for picture, border, min_face_px in _ways_to_look(image):
        found = detector.detect(picture, min_face_px)
        meant = _meant(found)
        if len(meant) > 1:
            raise ReferenceFaceError(f"{len(meant)} faces found; crop the picture to the one you mean")
        for row in meant:
            face, why_not = _face(found, row, picture, image, border, gate)
            if not why_not:
                embedding = embedder.embed(picture, [face])[0]
                return replace(face, bbox=face.bbox - border, landmarks=face.landmarks - border, embedding=embedding)
            reason = why_not if border else reason or why_not  # a border takes away what a tight crop is blamed for
    if reason:
        raise ReferenceFaceError(f"the face in the reference picture cannot be used: {reason}")
    raise ReferenceFaceError(
        f"no face found in the reference picture ({image.shape[1]}x{image.shape[0]} px); "
        f"choose one that shows the face from the front"
    )


def _meant(found: FaceDetections) -> np.ndarray:
    """Rows of the faces a user can mean: of the clear ones, if there are any, those that are no bystanders."""
    clear = found.scores >= CLEAR if (found.scores >= CLEAR).any() else np.ones(len(found), bool)
    widths = np.where(clear, found.boxes[:, 2] - found.boxes[:, 0], 0)
    return np.flatnonzero(clear & (widths >= BYSTANDER * widths.max(initial=0)))


def _ways_to_look(image: np.ndarray):
    """Pictures to search, the border each has around ``image`` and its smallest face, both in pixels.

    First as a portrait; then with a border, for a crop so tight that the face has no surroundings; then for
    a small face in a large picture.
    """
    longest = max(image.shape[:2])
    portrait = max(SMALLEST_PX, longest / 12)
    yield image, 0, portrait
    border = max(8, longest // 2)
    yield cv2.copyMakeBorder(image, *[border] * 4, cv2.BORDER_REPLICATE), border, portrait
    yield image, 0, SMALLEST_PX


def _face(
    found: FaceDetections, row: int, picture: np.ndarray, image: np.ndarray, border: int, gate: QualityGate
) -> tuple[Face, str]:
    """The face in pixels of ``picture``, and why it cannot be used."""
    box, landmarks, score = found.boxes[row], found.landmarks[row], float(found.scores[row])
    quality, reason = assess(picture, box, landmarks, score, gate)
    if not reason:
        outside = outside_share(box.astype(float) - border, image.shape[1], image.shape[0])
        if outside > MAX_OUTSIDE:
            reason = f"{outside:.0%} beyond the border, allowed {MAX_OUTSIDE:.0%}"
    return Face(box, landmarks, score, quality, reason), reason
