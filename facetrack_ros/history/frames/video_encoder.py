"""Frames of a robot's cameras as H.264, each camera its own stream."""

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError
from facetrack_ros.history.frames.h264 import H264Encoder

# A frame found by its stamp costs decoding from the key picture before it.
KEY_EVERY_NS = 1_000_000_000


class VideoCoder:
    """Keeps the encoder of each camera. For one thread.

    :raises FrameError: H.264 cannot be written here.
    """

    def __init__(self) -> None:
        H264Encoder((64, 64))  # told now, not with the first frame
        self._encoders: dict[str, H264Encoder] = {}
        self._keys_ns: dict[str, int] = {}
        self._refused: dict[str, None] = {}

    def encode(self, frame: Frame, key: bool) -> tuple[bytes, bool] | None:
        """The frame's packet and whether it is a key picture; None for one that H.264 cannot hold.

        A frame that was encoded and not stored breaks the stream: :meth:`restart`.

        :param key: whether it has to be a key picture; it is one at least once a second all the same.
        """
        camera = frame.camera_id
        try:
            height, width = frame.image.shape[:2]
            if width % 2 or height % 2:
                self._refused[
                    f"frames of {camera} are {width}x{height}, and H.264 needs even numbers: kept as they come"
                ] = None
                return None
            encoder = self._encoders.get(camera)
            if encoder is None or encoder.size != (width, height):
                encoder = self._encoders[camera] = H264Encoder((width, height))
                key = True
            key = key or abs(frame.stamp_ns - self._keys_ns[camera]) >= KEY_EVERY_NS
            packet = encoder.encode(frame.image, key)
        except FrameError as error:  # kept as it came
            self._refused[str(error)] = None
            self.restart(camera)
            return None
        if key:
            self._keys_ns[camera] = frame.stamp_ns
        return packet, key

    def restart(self, camera_id: str) -> None:
        """Begin a camera's stream anew with its next frame."""
        self._encoders.pop(camera_id, None)

    def take_complaints(self) -> list[str]:
        """Why frames were not encoded since this was last asked, a sentence each."""
        complaints, self._refused = list(self._refused), {}
        return complaints
