"""Thumbnail: a small JPEG of a face, stored with its sighting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.image import resize
from facetrack_ros.errors import FrameError

SIDE = 96
MARGIN = 0.4
_QUALITIES = (85, 70, 55, 40, 25)


def reduction_for(face_bbox: np.ndarray) -> int:
    """By how much a frame may be reduced in decoding without loss to a face's thumbnail: 1, 2, 4 or 8.

    :param face_bbox: ``(4,)`` in pixels of the full frame.
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
    :param face_bbox: ``(4,)`` ``x1, y1, x2, y2`` in pixels of the image.
    :param side: largest width of the thumbnail, pixels.
    :param margin: how much of the face's longer side is added on each side.
    :param max_bytes: the JPEG quality is reduced from 85 to 25 until the file is this small, since every match carries
        its thumbnail across the mesh.
    :returns: JPEG bytes; empty when the box lies outside the image.
    :raises FrameError: the image cannot be encoded.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in face_bbox)
    if not (x1 < width and y1 < height and x2 > 0 and y2 > 0 and x1 < x2 and y1 < y2):
        return b""
    size = max(round(min(_square(face_bbox, margin), width, height)), 1)
    # At the image's edge the square is moved inwards, not cut, so that thumbnails can be laid side by side.
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
    """Thumbnails of one frame's embedded faces, made where the frame was decoded.

    :param boxes: ``(4,)`` each, pixels of the frame.
    :param jpegs: one for each box.
    """

    boxes: tuple[np.ndarray, ...]
    jpegs: tuple[bytes, ...]

    @classmethod
    def of(cls, image: np.ndarray, faces: Sequence[Face]) -> "Thumbnails":
        """Make them with :func:`face_thumbnail`."""
        boxes = tuple(face.bbox for face in faces if face.embedding is not None)
        return cls(boxes, tuple(face_thumbnail(image, box) for box in boxes))

    def thumbnail(self, face_bbox: np.ndarray) -> bytes:
        """The thumbnail of the face with exactly this box; empty where there is none."""
        return next((jpeg for box, jpeg in zip(self.boxes, self.jpegs) if np.array_equal(box, face_bbox)), b"")


class LazyThumbnails:
    """Thumbnails of a frame that is found and decoded only when the first one is needed, at the size it needs.

    :param find: returns the frame, None when it is gone.
    """

    def __init__(self, find: Callable[[], Frame | None]) -> None:
        self._find = find
        self._reduced: dict[int, np.ndarray] = {}

    @cached_property
    def _frame(self) -> Frame | None:
        return self._find()

    def thumbnail(self, face_bbox: np.ndarray) -> bytes:
        """The thumbnail of a face, ``(4,)`` pixels of the frame; empty where it cannot be made."""
        frame = self._frame
        if frame is None:
            return b""
        try:
            factor = 1 if frame.decoded else reduction_for(face_bbox)
            # An image decoded larger for another face serves as well.
            factor = max((known for known in self._reduced if known <= factor), default=factor)
            if factor not in self._reduced:
                self._reduced[factor] = frame.smaller(factor)
            return face_thumbnail(self._reduced[factor], face_bbox / factor)
        except FrameError:
            return b""  # the sighting is stored without a thumbnail
