"""Pictures within the page: decoded within limits, made smaller, encoded again and written as data URIs.

What is encoded anew carries no metadata, such as the place where a photograph was taken, and nothing of a sender.
"""

import base64
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.pictures.decoding import decode, decode_picture
from facetrack_ros.core.pictures.picture_limits import FRAME, REFERENCE, THUMBNAIL
from facetrack_ros.errors import FrameError
from facetrack_ros.search.report.page.markup import Markup
from facetrack_ros.search.response import Match

# Longer sides in pixels, and JPEG qualities; chosen by hand.
_REFERENCE_SIDE, _FRAME_SIDE = 480, 1280
_QUALITY, _FRAME_QUALITY = 88, 78
# Blue, green, red. The dark line keeps the box visible on a bright frame.
_PERSON_COLOUR, _FACE_COLOUR, _DARK = (255, 200, 60), (60, 220, 255), (20, 20, 20)


def png_uri(png: bytes) -> Markup:
    """A PNG that this program drew, as data URI."""
    return Markup(f"data:image/png;base64,{base64.b64encode(png).decode()}")


def reference_uri(picture: bytes) -> Markup | None:
    """The picture asked with, upright, at most 480 pixels; None where it cannot be read."""
    try:
        return _jpeg_uri(_smaller(decode_picture(picture, REFERENCE), _REFERENCE_SIDE), _QUALITY)
    except FrameError:
        return None


def thumbnail_uri(picture: bytes) -> Markup | None:
    """A match's thumbnail; None where it is no picture within the limits of thumbnails."""
    try:
        return _jpeg_uri(decode_picture(picture, THUMBNAIL), _QUALITY)
    except FrameError:
        return None


def boxed_frame_uri(path: Path, match: Match) -> Markup | None:
    """A match's stored frame, at most 1280 pixels, with boxes around person and face; None where it cannot be read."""
    try:
        image = decode(read_bounded(path, FRAME.max_bytes))  # as the robot saw it, not turned by EXIF
    except (OSError, FrameError):
        return None
    if image is None:
        return None
    small = _smaller(image, _FRAME_SIDE).copy()
    scale = small.shape[1] / image.shape[1]
    line = max(2, round(max(small.shape[:2]) / 400))
    for box, colour in ((match.bbox, _PERSON_COLOUR), (match.face_bbox, _FACE_COLOUR)):
        _draw_box(small, np.asarray(box, np.float64) * scale, colour, line)
    return _jpeg_uri(small, _FRAME_QUALITY)


def _draw_box(image: np.ndarray, box: np.ndarray, colour: tuple[int, int, int], line: int) -> None:
    """Draw ``x1, y1, x2, y2`` as far as it lies in the image; nothing where there is no box."""
    if not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
        return
    height, width = image.shape[:2]
    left, top, right, bottom = (
        np.clip(box, 0, (width - 1, height - 1, width - 1, height - 1)).round().astype(int).tolist()
    )
    cv2.rectangle(image, (left, top), (right, bottom), _DARK, line + 2, cv2.LINE_AA)
    cv2.rectangle(image, (left, top), (right, bottom), colour, line, cv2.LINE_AA)


def _smaller(image: np.ndarray, side: int) -> np.ndarray:
    longest = max(image.shape[:2])
    if longest <= side:
        return image
    height, width = (max(1, round(length * side / longest)) for length in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _jpeg_uri(image: np.ndarray, quality: int) -> Markup:
    return Markup(f"data:image/jpeg;base64,{base64.b64encode(encode_jpeg(image, quality)).decode()}")
