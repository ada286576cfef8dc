"""H.264 encoding of a robot's frames, one stream a camera."""

import logging

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.h264 import H264Encoder
from facetrack_ros.errors import FrameError

#: Longest time between key pictures, chosen by hand: reading a frame decodes from the key picture before it.
KEY_INTERVAL_NS = 1_000_000_000
logger = logging.getLogger(__name__)


class VideoEncoder:
    """One H.264 encoder a camera. Not thread-safe.

    :raises FrameError: H.264 cannot be written here.
    """

    def __init__(self) -> None:
        H264Encoder((64, 64))  # fails here rather than with the first frame
        self._encoders: dict[str, H264Encoder] = {}
        self._key_stamps: dict[str, int] = {}
        self._logged: set[tuple[str, str]] = set()

    def encode(self, frame: Frame, key: bool) -> tuple[bytes, bool] | None:
        """The frame's packet and whether it is a key picture; None, logged once a camera, for a frame that H.264
        cannot hold.

        A frame that was encoded but not stored breaks the stream: call :meth:`restart`.

        :param key: whether it has to be a key picture; one comes at least every :data:`KEY_INTERVAL_NS` in any case.
        """
        camera = frame.camera_id
        try:
            height, width = frame.image.shape[:2]
            if width % 2 or height % 2:
                reason = f"frames of {camera} are {width}x{height}, and H.264 needs even numbers: kept as they come"
                self._warn(camera, "size", reason)
                return None
            encoder = self._encoders.get(camera)
            if encoder is None or encoder.size != (width, height):
                encoder = self._encoders[camera] = H264Encoder((width, height))
                key = True
            key = key or abs(frame.stamp_ns - self._key_stamps[camera]) >= KEY_INTERVAL_NS
            packet = encoder.encode(frame.image, key)
        except FrameError as error:
            self._warn(camera, "image", f"not stored as H.264 but as it came: {error}")
            self.restart(camera)
            return None
        if key:
            self._key_stamps[camera] = frame.stamp_ns
        return packet, key

    def restart(self, camera_id: str) -> None:
        """Start a camera's stream anew with its next frame."""
        self._encoders.pop(camera_id, None)

    def _warn(self, camera_id: str, subject: str, sentence: str) -> None:
        if (camera_id, subject) not in self._logged:
            self._logged.add((camera_id, subject))
            logger.warning(sentence)
