"""A small JPEG of a face, the picture that proves a sighting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.image import resize

_QUALITIES = (85, 70, 55, 40, 25)


SIDE = 96
MARGIN = 0.4


def reduction_for(face_bbox: np.ndarray) -> int:
    """How much smaller a picture may be decoded so that a face's thumbnail loses nothing: 1, 2, 4 or 8.

    :param face_bbox: ``(4,)`` in pixels of the whole picture.
    """
    square = _square(face_bbox, MARGIN)
    return next((factor for factor in (8, 4, 2) if square >= factor * SIDE), 1)


def _square(face_bbox: np.ndarray, margin: float) -> float:
    x1, y1, x2, y2 = (float(value) for value in face_bbox)
    return max(x2 - x1, y2 - y1) * (1 + 2 * margin)


def face_thumbnail(
    image: np.ndarray, face_bbox: np.ndarray, side: int = SIDE, margin: float = MARGIN, max_bytes: int = 4096
) -> bytes:
    """Cut a square around a face. Small faces keep their pixels, large ones are scaled down to ``side``.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param face_bbox: ``(4,)`` ``x1, y1, x2, y2`` in pixels of the picture.
    :param side: largest width of the thumbnail, pixels.
    :param margin: how much of the face's longer side is added on each side.
    :param max_bytes: JPEG quality falls from 85 until the file is this small (25 at the lowest), since every match
        carries its thumbnail across the mesh.
    :returns: JPEG bytes; empty when the box lies outside the picture.
    :raises FrameError: the picture cannot be encoded.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in face_bbox)
    if not (x1 < width and y1 < height and x2 > 0 and y2 > 0 and x1 < x2 and y1 < y2):
        return b""
    size = max(int(round(min(_square(face_bbox, margin), width, height))), 1)
    # At the picture's edge the square is moved inwards, not cut: thumbnails of one shape can be laid side by side.
    left = int(np.clip(round((x1 + x2 - size) / 2), 0, width - size))
    top = int(np.clip(round((y1 + y2 - size) / 2), 0, height - size))
    crop = image[top : top + size, left : left + size]
    if size > side:
        crop = resize(crop, side / size)
    jpeg = b""
    for quality in _QUALITIES:
        jpeg = encode_jpeg(np.ascontiguousarray(crop), quality)
        if len(jpeg) <= max_bytes:
            break
    return jpeg


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Those of one frame's embedded faces, made where the frame was decoded.

    :param boxes: ``(4,)`` each, pixels of the picture.
    :param jpegs: as many.
    """

    boxes: tuple[np.ndarray, ...]
    jpegs: tuple[bytes, ...]

    @classmethod
    def of(cls, image: np.ndarray, faces: Sequence[Face]) -> "Thumbnails":
        """Cut them, as :func:`face_thumbnail` does."""
        boxes = tuple(face.bbox for face in faces if face.embedding is not None)
        return cls(boxes, tuple(face_thumbnail(image, box) for box in boxes))

    def thumbnail(self, face_bbox: np.ndarray) -> bytes:
        """That of the face with this very box; empty where there is none."""
        return next((jpeg for box, jpeg in zip(self.boxes, self.jpegs) if np.array_equal(box, face_bbox)), b"")
