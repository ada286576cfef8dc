"""The face of a reference picture: a portrait, a snapshot, a tight crop, or one of several faces."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.core.image import resize
from facetrack_ros.errors import ReferenceFaceError, SeveralFacesError
from facetrack_ros.vision.faces.mirrored import embed_with_mirror
from facetrack_ros.vision.faces.quality import QualityGate, assess, outside_share
from facetrack_ros.vision.faces.upright import LONGEST_PX, turn_upright
from facetrack_ros.vision.interfaces import FaceDetector, FaceEmbedder

#: A face this many times as wide as the next one is the one meant (benchmarks/reference_faces.py).
CLEARLY_WIDEST = 1.5
# Chosen by hand.
#: Faces narrower than this share of the widest are bystanders, without a number.
BYSTANDER = 0.25
#: Score of a certain face. Beside one, dlib's detector takes a badge or a sleeve for a face.
CERTAIN = 0.6
#: Smallest face that is searched for, pixels; smaller ones are reported as not found, not as too small.
SMALLEST_PX = 10.0
#: Share of a face's box that may lie beyond a tight crop: forehead and cheeks, not half the face.
MAX_OUTSIDE = 0.4


@dataclass(frozen=True, eq=False)
class ReferenceFace(Face):
    """The face of a reference picture, in pixels of :attr:`picture`; its box may reach beyond a tight crop.

    :param picture: the picture, turned upright, uint8 BGR.
    :param note: what was done to the picture, and which face was taken; empty: nothing, the only face.
    """

    picture: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 3), np.uint8))
    note: str = ""


def embed_reference(
    image: np.ndarray, detector: FaceDetector, embedder: FaceEmbedder, gate: QualityGate, number: int = 0
) -> ReferenceFace:
    """Turn a picture upright, choose a face, and embed it together with its mirror image.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param number: of the face, counted from the left from 1 on; 0: the clearly widest.
    :raises SeveralFacesError: several faces, none clearly the widest, or no face of that number.
    :raises ReferenceFaceError: no face, or one that fails the quality gate.
    """
    upright, degrees = turn_upright(image, detector)
    notes = [f"the picture was turned by {degrees}° to set its face upright"] if degrees else []
    reason = ""
    for shown, picture, border, min_face_px in _variants(upright):
        found = detector.detect(picture, min_face_px)
        rows = _candidates(found)
        if not len(rows):
            continue
        row = _chosen(found, rows, number, border, degrees, upright.shape[1] / shown.shape[1])
        face = _assessed(found, row, picture, shown, border, gate)
        if not face.rejected:
            embedding = embed_with_mirror(embedder, picture, [face])[0]
            notes += _choice(found, rows, row)
            face = replace(face, bbox=face.bbox - border, landmarks=face.landmarks - border, embedding=embedding)
            return ReferenceFace(**vars(face), picture=shown, note="; ".join(notes))
        reason = face.rejected if border else reason or face.rejected  # the border removes a tight crop's defect
    if reason:
        raise ReferenceFaceError(f"the face in the reference picture cannot be used: {reason}")
    raise ReferenceFaceError(
        f"no face found in the reference picture ({image.shape[1]}x{image.shape[0]} px); "
        f"choose one that shows the face from the front"
    )


def _candidates(found: FaceDetections) -> np.ndarray:
    """Rows of the faces that are not bystanders, of the certain ones if there are any, from left to right."""
    certain = found.scores >= CERTAIN
    if not certain.any():
        certain[:] = True
    widths = np.where(certain, _widths(found), 0)
    rows = np.flatnonzero(certain & (widths >= BYSTANDER * widths.max(initial=0)))
    return rows[np.argsort(found.boxes[rows, 0] + found.boxes[rows, 2], kind="stable")]


def _chosen(found: FaceDetections, rows: np.ndarray, number: int, border: int, degrees: int, scale: float) -> int:
    """The row of the face with that number, or of the clearly widest one.

    :param scale: pixels of the reference picture a pixel, for the boxes of the error.
    :raises SeveralFacesError: neither is there.
    """
    boxes = tuple(tuple(float(value) * scale for value in box - border) for box in found.boxes[rows])
    if number:
        if number > len(rows):
            faces = "is one face" if len(rows) == 1 else f"are {len(rows)} faces"
            raise SeveralFacesError(f"there is no face {number} in the picture: there {faces}", boxes, degrees)
        return int(rows[number - 1])
    ordered = rows[np.argsort(-_widths(found)[rows], kind="stable")]
    if len(ordered) > 1:
        widest, next_one = _widths(found)[ordered[:2]]
        if widest < CLEARLY_WIDEST * next_one:
            raise SeveralFacesError(
                f"{len(rows)} faces found, the widest ({widest:.0f} px) not {CLEARLY_WIDEST:g} times as wide as the "
                f"next ({next_one:.0f} px): say which one, counted from the left, or crop the picture to it",
                boxes,
                degrees,
            )
    return int(ordered[0])


def _choice(found: FaceDetections, rows: np.ndarray, row: int) -> list[str]:
    """A sentence on which of several faces was taken; none where there is one."""
    if len(rows) == 1:
        return []
    number = int(np.flatnonzero(rows == row)[0]) + 1
    return [f"of {len(rows)} faces number {number} from the left was taken, {_widths(found)[row]:.0f} px wide"]


def _widths(found: FaceDetections) -> np.ndarray:
    return found.boxes[:, 2] - found.boxes[:, 0]


def _variants(image: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, int, float]]:
    """The picture or a smaller one, it with a border, and in pixels the border and the smallest face searched for."""
    longest = max(image.shape[:2])
    yield image, image, 0, max(SMALLEST_PX, longest / 12)
    # A border for a crop so tight that the face has no surroundings, around no more pixels than are searched.
    small = resize(image, min(1.0, LONGEST_PX / longest))
    longest = max(small.shape[:2])
    border = max(8, longest // 2)
    bordered = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REPLICATE)
    yield small, bordered, border, max(SMALLEST_PX, longest / 12)
    # A small face in a large picture.
    yield image, image, 0, SMALLEST_PX


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
