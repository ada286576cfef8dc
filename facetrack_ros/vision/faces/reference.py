"""The one face of a reference picture: a portrait, a snapshot or a tight crop."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.faces.quality import QualityGate, assess, outside_share
from facetrack_ros.vision.interfaces import FaceDetector, FaceEmbedder

# Chosen by hand.
#: Faces narrower than this share of the widest are bystanders.
BYSTANDER = 0.25
#: Score of a certain face. Beside one, dlib's detector takes a badge or a sleeve for a face.
CERTAIN = 0.6
#: Smallest face that is searched for, pixels; smaller ones are reported as not found, not as too small.
SMALLEST_PX = 10.0
#: Share of a face's box that may lie beyond a tight crop: forehead and cheeks, not half the face.
MAX_OUTSIDE = 0.4


def embed_reference(image: np.ndarray, detector: FaceDetector, embedder: FaceEmbedder, gate: QualityGate) -> Face:
    """Find and embed the one face of ``image``.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :return: the face, in pixels of ``image``; its box may reach beyond a tight crop.
    :raises ReferenceFaceError: no face, several, or one that fails the quality gate.
    """
    reason = ""
    for picture, border, min_face_px in _variants(image):
        found = detector.detect(picture, min_face_px)
        rows = _candidates(found)
        if len(rows) > 1:
            raise ReferenceFaceError(f"{len(rows)} faces found; crop the picture to the one you mean")
        for row in rows:
            face = _assessed(found, row, picture, image, border, gate)
            if not face.rejected:
                embedding = embedder.embed(picture, [face])[0]
                return replace(face, bbox=face.bbox - border, landmarks=face.landmarks - border, embedding=embedding)
            reason = face.rejected if border else reason or face.rejected  # the border removes a tight crop's defect
    if reason:
        raise ReferenceFaceError(f"the face in the reference picture cannot be used: {reason}")
    raise ReferenceFaceError(
        f"no face found in the reference picture ({image.shape[1]}x{image.shape[0]} px); "
        f"choose one that shows the face from the front"
    )


def _candidates(found: FaceDetections) -> np.ndarray:
    """Rows of the faces that are not bystanders, of the certain ones if there are any."""
    certain = found.scores >= CERTAIN
    if not certain.any():
        certain[:] = True
    widths = np.where(certain, found.boxes[:, 2] - found.boxes[:, 0], 0)
    return np.flatnonzero(certain & (widths >= BYSTANDER * widths.max(initial=0)))


def _variants(image: np.ndarray) -> Iterator[tuple[np.ndarray, int, float]]:
    """Images to search in order, the border each has around ``image`` and its smallest face, both in pixels."""
    longest = max(image.shape[:2])
    portrait, border = max(SMALLEST_PX, longest / 12), max(8, longest // 2)
    yield image, 0, portrait
    # A border for a crop so tight that the face has no surroundings; then a small face in a large picture.
    yield cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE), border, portrait
    yield image, 0, SMALLEST_PX


def _assessed(
    found: FaceDetections, row: int, picture: np.ndarray, image: np.ndarray, border: int, gate: QualityGate
) -> Face:
    """The face in pixels of ``picture``, with the reason it cannot be used."""
    box, landmarks, score = found.boxes[row], found.landmarks[row], float(found.scores[row])
    quality, reason = assess(picture, box, landmarks, score, gate, found.second_search(row))
    if not reason:
        outside = outside_share(box.astype(float) - border, image.shape[1], image.shape[0])
        if outside > MAX_OUTSIDE:
            reason = f"{outside:.0%} beyond the border, allowed {MAX_OUTSIDE:.0%}"
    return Face(box, landmarks, score, quality, reason)
