"""H.264 encoder and decoder of stored frames, one packet a picture (ITU-T H.264, Annex B)."""

from fractions import Fraction

import numpy as np

from facetrack_ros.core.pictures.ffmpeg import open_decoder
from facetrack_ros.errors import FrameError

# Measured by benchmarks/frames_as_video.py: slower presets save few bytes for much CPU time.
_PRESET, _QUALITY = "ultrafast", "20"
_SLICE, _KEY_PICTURE, _PARAMETER_SET = 1, 5, 7  # types of NAL units


class H264Encoder:
    """Encodes the pictures of one camera. Each packet is a whole picture, decoded with those since the last key
    picture.

    Key pictures come when asked for only and carry all that a decoder needs. No packet waits for a later picture.

    :param size: ``(width, height)``, both even.
    :raises FrameError: the encoder is missing, or does not take this size.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        import av

        self.size = size
        self._av = av
        av.logging.set_level(av.logging.PANIC)
        try:
            codec = av.CodecContext.create("libx264", "w")
            codec.width, codec.height = size
            codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, 30), Fraction(30)
            codec.thread_count, codec.gop_size = 1, 1 << 30
            codec.options = {
                "preset": _PRESET,
                "tune": "zerolatency",
                "crf": _QUALITY,
                "x264-params": "keyint=infinite:scenecut=0",
            }
            codec.open()
        except Exception as error:  # the type for an unknown codec or a refused size depends on the version of PyAV
            raise FrameError(
                f"H.264 of {size[0]}x{size[1]} cannot be written here: {error}; set frame_history.compression to jpg"
            ) from error
        self._codec = codec
        self._count = 0

    def encode(self, image: np.ndarray, key: bool) -> bytes:
        """The packet of the next picture.

        :param image: ``(height, width, 3)`` uint8 BGR of the encoder's size.
        :param key: whether it has to be a key picture.
        :raises FrameError: the encoder refuses it; the next picture has to be a key picture then.
        """
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.pict_type = self._count, 1 if key or not self._count else 0  # 1: a key picture
        self._count += 1
        try:
            return b"".join(map(bytes, self._codec.encode(frame)))
        except self._av.error.FFmpegError as error:
            raise FrameError(f"a picture cannot be written as H.264: {error}") from error


class H264Decoder:
    """Decodes packets in the order they were encoded, from a key picture on."""

    def __init__(self) -> None:
        import av

        self._av = av
        self._codec = open_decoder("h264")

    def decode(self, packet: bytes) -> np.ndarray | None:
        """The picture of a packet, ``(height, width, 3)`` uint8 BGR; None if it cannot be decoded."""
        frame = self._frame(packet)
        return None if frame is None else frame.to_ndarray(format="bgr24")

    def skip(self, packet: bytes) -> bool:
        """Decode a packet without returning its picture; False if it cannot be decoded."""
        return self._frame(packet) is not None

    def _frame(self, packet: bytes):
        try:
            frames = self._codec.decode(self._av.Packet(packet))
        except self._av.error.FFmpegError:
            return None
        return frames[-1] if frames and not frames[-1].is_corrupt else None


def is_key_packet(packet: bytes | memoryview) -> bool:
    """Whether a decoder can start with this packet: it has the parameter sets and a key picture (NAL units 7 and 5)."""
    data, kinds, at = bytes(packet), set(), 0
    while (at := data.find(b"\0\0\1", at)) >= 0 and at + 3 < len(data):
        kinds.add(data[at + 3] & 0x1F)
        if kinds >= {_PARAMETER_SET, _KEY_PICTURE}:
            return True
        if _SLICE in kinds:
            return False
        at += 3
    return False
