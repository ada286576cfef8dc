"""One picture with camera, stamp and number."""

import threading
from dataclasses import dataclass, field

import cv2
import numpy as np

from facetrack_ros.errors import FrameError

_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of one camera, as the JPEG bytes that came in.

    The same bytes go on the wire and into the history. ``image`` decodes them on first use and keeps
    the result, so that all stages of one process share one decoded picture.

    :param camera_id: the camera's name within its robot.
    :param stamp_ns: time of exposure, integer nanoseconds since the epoch, from the frame's header.
    :param number: frame number, counted by the camera from 0.
    :param jpeg: the encoded picture.
    :param frame_id: the coordinate frame the driver's header names, where there is a driver.
    """

    camera_id: str
    stamp_ns: int
    number: int
    jpeg: bytes
    frame_id: str = ""
    # Not functools.cached_property: in Python 3.11 that has one lock for all frames, so two threads could not decode at once.
    _decoding: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __reduce__(self) -> tuple:
        """As it came in: what was decoded of it stays in this process."""
        return Frame, (self.camera_id, self.stamp_ns, self.number, self.jpeg, self.frame_id)

    @property
    def image(self) -> np.ndarray:
        """The decoded picture, ``(height, width, 3)`` uint8 BGR, not to be written to.

        :raises FrameError: the bytes are no picture.
        """
        with self._decoding:
            if not self.decoded:
                vars(self)["image"] = self._decoded(cv2.IMREAD_COLOR)
        return vars(self)["image"]

    @property
    def decoded(self) -> bool:
        """Whether ``image`` is there already."""
        return "image" in vars(self)

    def smaller(self, factor: int) -> np.ndarray:
        """The picture with so many pixels made one along each side: of a JPEG in less time than whole, and not kept.

        :param factor: 1, 2, 4 or 8.
        :raises FrameError: the bytes are no picture.
        """
        return self.image if factor == 1 else self._decoded(_REDUCED[factor])

    def _decoded(self, how: int) -> np.ndarray:
        data = np.frombuffer(self.jpeg, np.uint8)
        try:
            image = cv2.imdecode(data, how) if data.size else None
        except cv2.error:
            image = None
        if image is None:
            raise FrameError(
                f"frame {self.number} of camera {self.camera_id} is no readable picture "
                f"({len(self.jpeg)} bytes); it is skipped"
            )
        image.flags.writeable = False
        return image


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """Encode ``(height, width, 3)`` BGR or ``(height, width)`` grey uint8 as JPEG.

    :param quality: 1..100, as libjpeg counts it.
    :raises FrameError: the array is no picture that JPEG can hold.
    """
    try:
        done, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    except cv2.error as error:
        raise FrameError(f"cannot encode an array of shape {image.shape} and type {image.dtype} as JPEG") from error
    if not done:
        raise FrameError(f"cannot encode an array of shape {image.shape} and type {image.dtype} as JPEG")
    return data.tobytes()
