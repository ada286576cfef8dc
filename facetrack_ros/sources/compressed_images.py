"""Decoder of the messages of a topic of compressed images or video, for bags and for live topics."""

from typing import Generic, TypeVar

import numpy as np

from facetrack_ros.core.jpeg import is_jpeg, is_png, whole_jpeg
from facetrack_ros.core.pictures.decoding import check_picture, decode_picture
from facetrack_ros.core.pictures.picture_limits import FRAME
from facetrack_ros.errors import FrameError
from facetrack_ros.sources.video_packet_decoder import MAX_DELAY, VideoPacketDecoder, video_codec

Tag = TypeVar("Tag")
#: A picture as JPEG bytes or as pixels, ``(height, width, 3)`` uint8 BGR, with the tag of its message.
Decoded = tuple[Tag, bytes | None, np.ndarray | None]

_MEASUREMENTS = ("16UC1", "16SC1", "32FC1", "64FC1")
_BEFORE_KEY = "video packets before the first key picture"
_LOST = "video packets that cannot be decoded: packets before them are missing, or they are damaged"


class CompressedImages(Generic[Tag]):
    """Decodes the messages of one topic. JPEG is passed on unchanged; video keeps its state from message to message.

    :param live: whether pictures of video must not wait for later packets; PNG is passed on unchanged, too.
    """

    def __init__(self, live: bool = False) -> None:
        self._live = live
        self._codec = ""
        self._video: VideoPacketDecoder[Tag] | None = None

    def decode(self, data: bytes, format: str, tag: Tag) -> list[Decoded]:
        """Take a message; returns the pictures that are complete now.

        :param format: as the message states it.
        :raises FrameError: it holds no image that can be decoded; the reason, as a noun phrase.
        """
        if not data:
            raise FrameError("images without data: check the driver")
        if is_jpeg(data):
            _check(data)
            jpeg = whole_jpeg(data)
            if jpeg is None:
                raise FrameError("JPEG images that are cut short or damaged")
            return [(tag, jpeg, None)]
        if "compresseddepth" in format.lower() or format.startswith(_MEASUREMENTS):
            advice = "give the topic of the camera's colour or grey images"
            raise FrameError(f"depth images ({format}), which are measurements, no pictures: {advice}")
        if self._live and is_png(data):
            _check(data)
            return [(tag, data, None)]
        codec = video_codec(format, data)
        if codec:
            return self._decode_video(codec, data, tag)
        try:
            return [(tag, None, decode_picture(data))]
        except FrameError as error:
            raise FrameError(f"images of format {format!r}: {error}") from error

    def finish(self) -> list[Decoded]:
        """The pictures of a video that waited for later packets."""
        return [(tag, None, image) for tag, image in self._video.finish()] if self._video is not None else []

    def lost(self) -> dict[str, int]:
        """Number of video packets that gave no picture, by reason, each told once; offline, after ``finish``."""
        if self._video is None:
            return {}
        counts = self._video.take_lost(MAX_DELAY if self._live else 0)
        return {reason: count for reason, count in zip((_BEFORE_KEY, _LOST), counts) if count}

    def _decode_video(self, codec: str, data: bytes, tag: Tag) -> list[Decoded]:
        if len(data) > FRAME.max_bytes:
            raise FrameError(f"video packets of more than {FRAME.max_bytes / 1e6:.0f} MB: check the driver")
        if self._video is None or codec != self._codec:
            self._video, self._codec = VideoPacketDecoder(codec, self._live), codec
        return [(of, None, image) for of, image in self._video.decode(data, tag)]


def _check(data: bytes) -> None:
    """
    :raises FrameError: a picture above the limits of frames, or without a header.
    """
    try:
        check_picture(data)
    except FrameError as error:
        raise FrameError(f"images that cannot be used: {error}") from None
