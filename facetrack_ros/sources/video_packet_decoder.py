"""Decoder of video packets that come as messages, one packet a picture."""

from typing import Generic, TypeVar

import numpy as np

from facetrack_ros.core.pictures.ffmpeg import open_decoder
from facetrack_ros.errors import FrameError

Tag = TypeVar("Tag")

#: FFmpeg's decoder by what drivers and encoders call the format: ffmpeg_image_transport names the encoder.
_CODECS = {
    "h264": ("h264", "x264", "avc"),
    "hevc": ("h265", "x265", "hevc"),
    "av1": ("av1",),
    "vp9": ("vp9",),
    "vp8": ("vp8",),
    "mjpeg": ("mjpeg",),
    "mpeg4": ("mpeg4", "xvid"),
}
#: Packets that a picture may wait for: H.264 and H.265 put at most 16 pictures in order.
MAX_DELAY = 17
_START_CODE = b"\0\0\1"
# Of NAL units: where the type is in the first byte, types of slices of pictures, types of parameter sets.
_UNITS = {"h264": (0, range(1, 6), (7, 8, 13)), "hevc": (1, range(32), (32, 33, 34))}


def video_codec(format: str, data: bytes) -> str:
    """FFmpeg's name of the codec of a packet, from the format that its message states or from its bytes; empty if it is
    no video.

    Bytes that begin like a NAL unit (ITU-T H.264 and H.265, Annex B) are H.264 if the format says nothing.
    """
    # "libx264;yuv420p;bgr8;bgr8": the codec comes first.
    stated = format.partition(";")[0].strip().lower()
    for codec, names in _CODECS.items():
        if any(name in stated for name in names):
            return codec
    return "h264" if data[:5].lstrip(b"\0")[:1] == b"\1" and _START_CODE in data[:4] else ""


class VideoPacketDecoder(Generic[Tag]):
    """Decodes the packets of one stream in the order they came, from a key picture on.

    Pictures come in the order they are shown, which may be later than their packets.

    :param codec: FFmpeg's name of the decoder.
    :param low_delay: whether no picture waits for a later packet; for live streams.
    :raises FrameError: FFmpeg has no such decoder here.
    """

    def __init__(self, codec: str, low_delay: bool = False) -> None:
        import av

        self._av, self._name, self._low_delay = av, codec, low_delay
        self._waiting: dict[int, Tag] = {}
        self._count = 0
        self._first: int | None = None
        self._start()

    def _start(self) -> None:
        try:
            codec = open_decoder(self._name, {"flags": "low_delay"} if self._low_delay else {})
            codec.open()
        except Exception as error:  # the type for an unknown codec depends on the version of PyAV
            raise FrameError(f"video of {self._name}, which FFmpeg cannot decode here ({error})") from error
        self._codec = codec

    def decode(self, packet: bytes, tag: Tag) -> list[tuple[Tag, np.ndarray]]:
        """Take a packet; returns the pictures that are complete now, each with the tag of its packet.

        :returns: ``(height, width, 3)`` uint8 BGR.
        """
        number, self._count = self._count, self._count + 1
        if has_picture(self._name, packet):
            self._waiting[number] = tag
        given = self._av.Packet(packet)
        given.pts = given.dts = number
        try:
            return self._pictures(self._codec.decode(given))
        except self._av.error.FFmpegError:
            return []

    def finish(self) -> list[tuple[Tag, np.ndarray]]:
        """The pictures that waited for later packets; the decoder begins anew after them."""
        try:
            pictures = self._pictures(self._codec.decode(None))
        except self._av.error.FFmpegError:
            pictures = []
        self._start()
        return pictures

    def take_lost(self, age: int = 0) -> tuple[int, int]:
        """Number of packets that gave no picture: those before the first picture, and those after it.

        :param age: packets that have to have come since; :data:`MAX_DELAY` while more will come.
        """
        first = self._count if self._first is None else self._first
        lost = [number for number in self._waiting if number < self._count - age]
        for number in lost:
            del self._waiting[number]
        before = sum(number < first for number in lost)
        return before, len(lost) - before

    def _pictures(self, frames: list) -> list[tuple[Tag, np.ndarray]]:
        pictures = []
        for frame in frames:
            tag = self._waiting.pop(frame.pts, None)
            if tag is None or frame.is_corrupt:
                if tag is not None:
                    self._waiting[frame.pts] = tag
                continue
            self._first = frame.pts if self._first is None else self._first
            pictures.append((tag, frame.to_ndarray(format="bgr24")))
        return pictures


def has_picture(codec: str, packet: bytes) -> bool:
    """Whether a packet is a picture: packets of H.264 and H.265 may hold parameter sets alone."""
    if codec not in _UNITS:
        return bool(packet)
    shift, slices, parameters = _UNITS[codec]
    at, kinds = 0, set()
    while (at := packet.find(_START_CODE, at)) >= 0 and at + 3 < len(packet):
        kinds.add((packet[at + 3] >> shift) & (0x1F if codec == "h264" else 0x3F))
        if not kinds.isdisjoint(slices):
            return True
        at += 3
    # Without either it is damaged, or not Annex B.
    return bool(packet) and kinds.isdisjoint(parameters)
