"""The one face of a reference picture, which may be a portrait, a snapshot or a tight crop."""

from dataclasses import replace

import cv2
import numpy as np

from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.detections import FaceDetections
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.protocols import FaceDetector, FaceEmbedder
from facetrack_ros.vision.quality import Gate, assess

#: Faces this much narrower than the widest are bystanders, whom nobody means.
BYSTANDER = 0.25
#: Smallest face worth a word about its size, pixels.
SMALLEST_PX = 10.0


def embed_reference(image: np.ndarray, detector: FaceDetector, embedder: FaceEmbedder, gate: Gate) -> Face:
    """Find and embed the one face of ``image``.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :return: the face, in pixels of ``image``.
    :raises ReferenceFaceError: no face, several, or one that the quality gate turns down.
    """
    picture, corner, found = _find(image, detector)
    if not len(found):
        raise ReferenceFaceError(f"no face found in the reference picture ({image.shape[1]}x{image.shape[0]} px); "
                                 f"choose one that shows the face from the front")
    widths = found.boxes[:, 2] - found.boxes[:, 0]
    meant = np.flatnonzero(widths >= BYSTANDER * widths.max())
    if len(meant) > 1:
        raise ReferenceFaceError(f"{len(meant)} faces found; crop the picture to the one you mean")
    box, landmarks, score = found.boxes[meant[0]], found.landmarks[meant[0]], float(found.scores[meant[0]])
    quality, reason = assess(picture, box, landmarks, score, gate)
    if reason:
        raise ReferenceFaceError(f"the face in the reference picture cannot be used: {reason}")
    face = Face(box, landmarks, score, quality)
    embedding = embedder.embed(picture, [face])[0]
    return replace(face, bbox=box - np.tile(corner, 2), landmarks=landmarks - corner, embedding=embedding)


def _find(image: np.ndarray, detector: FaceDetector) -> "tuple[np.ndarray, np.ndarray, FaceDetections]":
    """The picture searched, the place of ``image``'s corner in it, and its faces.

    First at the size of a portrait; then with a border, for a crop so tight that the face has no
    surroundings; then for small faces in a large picture.
    """
    portrait = max(SMALLEST_PX, max(image.shape[:2]) / 12)
    found = detector.detect(image, portrait)
    if len(found):
        return image, np.zeros(2, np.float32), found
    border = max(8, max(image.shape[:2]) // 2)
    bordered = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    found = detector.detect(bordered, portrait)
    if len(found):
        return bordered, np.full(2, border, np.float32), found
    return image, np.zeros(2, np.float32), detector.detect(image, SMALLEST_PX)
