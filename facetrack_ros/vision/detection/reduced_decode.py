"""A frame's image for a person detector, decoded no larger than the detector's input needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.boxes import clip
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.jpeg_orientation import shown_size


@dataclass(frozen=True, eq=False)
class DetectorImage:
    """A frame's image, whole or reduced as a person detector would scale it down anyway.

    A JPEG is decoded to a half or a quarter of its size in two thirds of the time (1280x720: 1.7 for 2.4 ms, 1920x1080:
    3.1 for 5.2 ms), and as many persons are found: AP50 on TUD-Campus, enlarged to 1280 and to 1920 pixels, whole and
    reduced, is 0.757 and 0.754, 0.756 and 0.756 by YOLOX-nano, 0.762 and 0.768, 0.759 and 0.772 by NanoDet.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param factor: pixels of the frame per pixel of ``image``, along one side.
    :param size: ``(width, height)`` of the frame, pixels.
    """

    image: np.ndarray
    factor: int
    size: tuple[int, int]

    @classmethod
    def whole(cls, frame: Frame) -> "DetectorImage":
        """The whole image.

        :raises FrameError: the frame cannot be decoded.
        """
        return cls(frame.image, 1, (frame.image.shape[1], frame.image.shape[0]))

    @classmethod
    def of(cls, frame: Frame, reduction: Callable[[int, int], int]) -> "DetectorImage":
        """The image reduced; the whole image where the frame is decoded already.

        :param reduction: factor for an image of a width and height, as :meth:`.PersonDetector.reduction`.
        :raises FrameError: the frame cannot be decoded.
        """
        size = None if frame.decoded else shown_size(frame.jpeg)
        factor = reduction(*size) if size else 1
        if size and factor > 1:
            image = frame.smaller(factor)
            # Decoding rotates an image whose EXIF orientation says so.
            if image.shape[:2] == tuple(-(-side // factor) for side in reversed(size)):
                return cls(image, factor, size)
        return cls.whole(frame)

    def in_frame(self, found: Detections) -> Detections:
        """Detections in this image, in pixels of the frame.

        :param found: persons without faces, unless the image is whole.
        """
        if self.factor == 1:
            return found
        edge = None if found.low_score_edge_boxes is None else self._enlarged(found.low_score_edge_boxes)
        return replace(found, boxes=self._enlarged(found.boxes), low_score_edge_boxes=edge)

    def _enlarged(self, boxes: np.ndarray) -> np.ndarray:
        return clip(boxes * np.float32(self.factor), *self.size)
