"""Erasure of people from pictures: their pixels are replaced by one colour, so that nothing of them is left."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.boxes import widened
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track

#: Colour of what is erased, BGR.
COLOUR = (96, 96, 96)
# By how much of its width and height a box of a person, and of a face, is grown on each side where it is erased. Chosen
# by hand: boxes end at the hairline and the ears, and move between two analysed frames.
_PERSON_MARGIN, _FACE_MARGIN = 0.1, 0.4


@dataclass(frozen=True, eq=False)
class PersonRegion:
    """Where a person is in a picture.

    :param box: ``(4,)`` ``x1, y1, x2, y2`` in pixels.
    :param face: ``(4,)`` likewise, None if unknown.
    """

    box: np.ndarray
    face: np.ndarray | None = None

    @classmethod
    def of_track(cls, track: Track) -> "PersonRegion":
        """The region of a track as of its frame."""
        return cls(track.bbox, None if track.face is None else track.face.bbox)

    def grown(self, part: float) -> "PersonRegion":
        """The region with each box grown on each side by ``part`` of its width and height."""
        return PersonRegion(_grown(self.box, part), None if self.face is None else _grown(self.face, part))


def shown_mask(
    size: tuple[int, int], shown: Iterable[PersonRegion], erased: Iterable[PersonRegion], background: bool
) -> np.ndarray:
    """``(height, width)`` bool: the pixels that remain.

    Where regions overlap, an erased face counts most, then a shown face, then an erased person, then a shown one.

    :param size: height and width of the picture.
    :param background: whether what is in no region remains.
    """
    shown, erased = list(shown), list(erased)
    mask = np.full(size, background)
    if not background:
        for region in shown:
            _fill(mask, region.box, 0.0, True)
    for region in erased:
        _fill(mask, region.box, _PERSON_MARGIN, False)
    for region in shown:
        if region.face is not None:
            _fill(mask, region.face, 0.0, True)
    for region in erased:
        if region.face is not None:
            _fill(mask, region.face, _FACE_MARGIN, False)
    return mask


def with_regions(
    frame: Frame, shown: Iterable[PersonRegion], erased: Iterable[PersonRegion], background: bool, quality: int = 90
) -> Frame:
    """A frame with people erased, encoded anew as JPEG; see :func:`shown_mask`.

    :raises FrameError: its bytes are no image.
    """
    image = frame.image.copy()
    image[~shown_mask(image.shape[:2], shown, erased, background)] = COLOUR
    return replace(frame, jpeg=encode_jpeg(image, quality))


def blank(frame: Frame) -> Frame:
    """A frame of the same size without any of its pixels.

    :raises FrameError: its bytes are no image.
    """
    return replace(frame, jpeg=encode_jpeg(np.full_like(frame.image, COLOUR)))


def _grown(box: np.ndarray, part: float) -> np.ndarray:
    return widened(np.asarray(box, np.float32)[None], part)[0]


def _fill(mask: np.ndarray, box: np.ndarray, margin: float, value: bool) -> None:
    """Set the pixels of a box, grown by ``margin`` of its sides; of those it covers in part, none where they are to be
    shown, all where they are to be erased."""
    x1, y1, x2, y2 = (float(each) for each in _grown(box, margin))
    height, width = mask.shape
    low, high = (np.ceil, np.floor) if value else (np.floor, np.ceil)
    left, right = (int(np.clip(each, 0, width)) for each in (low(x1), high(x2)))
    top, bottom = (int(np.clip(each, 0, height)) for each in (low(y1), high(y2)))
    mask[top:bottom, left:right] = value
