"""A small JPEG of a face, the picture that proves a sighting."""

import numpy as np

from facetrack_ros.vision.frame import encode_jpeg
from facetrack_ros.vision.picture import resize

_QUALITIES = (85, 70, 55, 40, 25)


def face_thumbnail(image: np.ndarray, face_bbox: np.ndarray, side: int = 96, margin: float = 0.4,
                   max_bytes: int = 4096) -> bytes:
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
    if not (x1 < width and y1 < height and 0 < x2 and 0 < y2 and x1 < x2 and y1 < y2):
        return b""
    wanted = max(x2 - x1, y2 - y1) * (1 + 2 * margin)
    size = max(int(round(min(wanted, width, height))), 1)
    # At the picture's edge the square is moved inwards, not cut: thumbnails of one shape can be laid side by side.
    left = int(np.clip(round((x1 + x2 - size) / 2), 0, width - size))
    top = int(np.clip(round((y1 + y2 - size) / 2), 0, height - size))
    crop = image[top:top + size, left:left + size]
    if size > side:
        crop = resize(crop, side / size)
    jpeg = b""
    for quality in _QUALITIES:
        jpeg = encode_jpeg(np.ascontiguousarray(crop), quality)
        if len(jpeg) <= max_bytes:
            break
    return jpeg
