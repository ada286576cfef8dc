"""One image of one camera, with stamp and number."""

import threading
from dataclasses import dataclass, field

import cv2
import numpy as np

from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.errors import FrameError

_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of one camera, as the encoded bytes that arrived.

    The same bytes are published and stored. ``image`` decodes them on first use and keeps the result, so that all
    stages of a process share it.

    :param camera_id: the camera's name within its robot.
    :param stamp_ns: time of exposure, nanoseconds since the epoch.
    :param number: frame number, counted by the camera from 0.
    :param jpeg: the encoded image.
    :param frame_id: coordinate frame of the driver's header; empty without a driver.
    :param rotation: degrees clockwise by which the camera's picture was turned, ``camera.rotation``.
    """

    camera_id: str
    stamp_ns: int
    number: int
    jpeg: bytes
    frame_id: str = ""
    rotation: int = 0
    # Not functools.cached_property: Python 3.11's has one lock for all frames, so two threads could not decode at once.
    _decoding: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __reduce__(self) -> tuple:
        """Pickle without the decoded image."""
        return Frame, (self.camera_id, self.stamp_ns, self.number, self.jpeg, self.frame_id, self.rotation)

    @property
    def image(self) -> np.ndarray:
        """The decoded image, ``(height, width, 3)`` uint8 BGR, read-only.

        :raises FrameError: the bytes are no image.
        """
        with self._decoding:
            if not self.decoded:
                vars(self)["image"] = self._decoded(cv2.IMREAD_COLOR)
        return vars(self)["image"]

    @property
    def decoded(self) -> bool:
        """Whether ``image`` is decoded already."""
        return "image" in vars(self)

    def smaller(self, factor: int) -> np.ndarray:
        """The image decoded at a fraction of its size, which is faster for JPEG; not kept.

        :param factor: pixels along a side that become one: 1, 2, 4 or 8.
        :raises FrameError: the bytes are no image.
        """
        return self.image if factor == 1 else self._decoded(_REDUCED[factor])

    def _decoded(self, flags: int) -> np.ndarray:
        image = decode(self.jpeg, flags)
        if image is None:
            raise FrameError(
                f"frame {self.number} of camera {self.camera_id} is no readable picture "
                f"({len(self.jpeg)} bytes); it is skipped"
            )
        image.flags.writeable = False
        return image


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """Encode ``(height, width, 3)`` BGR or ``(height, width)`` grey uint8 as JPEG.

    :param quality: 1..100, libjpeg's scale.
    :raises FrameError: the array is no image that JPEG can hold.
    """
    try:
        done, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    except cv2.error:
        done = False
    if not done:
        raise FrameError(f"cannot encode an array of shape {image.shape} and type {image.dtype} as JPEG")
    return data.tobytes()
