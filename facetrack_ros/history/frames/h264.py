"""Pictures as H.264, one packet a picture, as far as stored frames need it (ITU-T H.264, Annex B)."""

from fractions import Fraction

import numpy as np

from facetrack_ros.errors import FrameError

# Chosen by measurement (docs/reference/storage.md): slower presets take more time than a robot has for a few bytes less.
_PRESET, _QUALITY = "ultrafast", "20"
_PARAMETER_SET, _KEY_PICTURE = 7, 5


class H264Encoder:
    """Encodes one camera's pictures; each packet is one whole picture that needs those before it, back to a key picture.

    Key pictures come only when they are asked for, carry all a decoder needs, and no packet waits for a later picture.

    :param size: ``(width, height)``, both even.
    :raises FrameError: there is no such encoder here, or not for this size.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        import av

        self.size = size
        self._av = av
        av.logging.set_level(av.logging.PANIC)
        try:
            coder = av.CodecContext.create("libx264", "w")
            coder.width, coder.height = size
            coder.pix_fmt, coder.time_base, coder.framerate = "yuv420p", Fraction(1, 30), 30
            coder.thread_count, coder.gop_size = 1, 1 << 30
            coder.options = {
                "preset": _PRESET,
                "tune": "zerolatency",
                "crf": _QUALITY,
                "x264-params": "keyint=infinite:scenecut=0",
            }
            coder.open()
        except Exception as error:  # an unknown codec and a refused size come as different errors by version
            raise FrameError(
                f"H.264 of {size[0]}x{size[1]} cannot be written here: {error}; set frame_history.compression to jpg"
            ) from error
        self._coder = coder
        self._count = 0

    def encode(self, image: np.ndarray, key: bool) -> bytes:
        """The next picture's packet.

        :param image: ``(height, width, 3)`` uint8 BGR of the encoder's size.
        :param key: whether it has to be one that can be decoded without those before.
        :raises FrameError: it is refused; the next picture has to be a key picture then.
        """
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.pict_type = self._count, 1 if key or not self._count else 0  # 1: a key picture
        self._count += 1
        try:
            return b"".join(map(bytes, self._coder.encode(frame)))
        except self._av.error.FFmpegError as error:
            raise FrameError(f"a picture cannot be written as H.264: {error}") from error


class H264Decoder:
    """Decodes packets in the order they were encoded, from a key picture on."""

    def __init__(self) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)
        self._av = av
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1  # with several, pictures come out later than they went in

    def decode(self, packet: bytes) -> np.ndarray | None:
        """The packet's picture, ``(height, width, 3)`` uint8 BGR; None where none can be made of it.

        :param packet: as :class:`H264Encoder` gives it.
        """
        frame = self._frame(packet)
        return None if frame is None else frame.to_ndarray(format="bgr24")

    def skip(self, packet: bytes) -> bool:
        """Take a packet whose picture nobody wants; False where none can be made of it."""
        return self._frame(packet) is not None

    def _frame(self, packet: bytes):
        try:
            frames = self._decoder.decode(self._av.Packet(packet))
        except self._av.error.FFmpegError:
            return None
        return frames[-1] if frames and not frames[-1].is_corrupt else None


def is_key_packet(packet: bytes | memoryview) -> bool:
    """Whether a decoder can begin with this packet: it has the parameters and a key picture (NAL units 7 and 5)."""
    data, kinds, at = bytes(packet), set(), 0
    while (at := data.find(b"\0\0\1", at)) >= 0 and at + 3 < len(data):
        kinds.add(data[at + 3] & 0x1F)
        if kinds >= {_PARAMETER_SET, _KEY_PICTURE}:
            return True
        if 1 in kinds:
            return False
        at += 3
    return False
