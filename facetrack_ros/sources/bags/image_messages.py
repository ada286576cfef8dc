"""Messages with images or video, read from their serialized bytes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from facetrack_ros.errors import FrameError, SourceError
from facetrack_ros.sources.bags.stored_topic import StoredMessage, StoredTopic

_IMAGE, _RAW = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image"
_VIDEO, _PACKET = "foxglove_msgs/msg/CompressedVideo", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
#: Types of the messages that can be read.
IMAGE_TYPES = (_IMAGE, _RAW, _VIDEO, _PACKET)
# Types that no distribution of ROS contains, for recordings without definitions.
_DEFINITIONS = {
    _VIDEO: "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n",
    _PACKET: (
        "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
        "bool is_bigendian\nuint8[] data\n"
    ),
}


@dataclass(frozen=True)
class StampedImage:
    """One message.

    :param header_ns: stamp of its header, nanoseconds since the epoch.
    :param data: encoded image or video packet.
    :param format: of the encoded image or video, as the message states it.
    :param pixels: arguments of :func:`bgr_of_raw` if it is a raw image, else None.
    """

    header_ns: int
    frame_id: str
    data: bytes = b""
    format: str = ""
    pixels: tuple[np.ndarray, int, int, int, str, bool] | None = None


class ImageMessages:
    """Reader of the messages of one topic.

    :raises SourceError: the definition in the recording cannot be understood.
    """

    def __init__(self, topic: StoredTopic) -> None:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        self._type = topic.type
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        if topic.type in _DEFINITIONS:
            definition = topic.definition or _DEFINITIONS[topic.type]
            try:
                self._store.register({topic.type: get_types_from_msg(definition, topic.type)[topic.type]})
            except Exception as error:  # the parser of rosbags lets its own errors through
                problem = f"{topic.name} does not say what its {topic.type} messages hold"
                raise SourceError(f"{problem}: record it again as MCAP") from error

    def read(self, stored: StoredMessage) -> StampedImage:
        """
        :raises FrameError: it is damaged; the reason, as a noun phrase.
        """
        if stored.fault:
            raise FrameError(stored.fault)
        if not stored.data:
            raise FrameError("messages of 0 bytes")
        try:
            message: Any = self._store.deserialize_cdr(stored.data, self._type)
        except Exception as error:  # of struct, numpy or unicode
            raise FrameError("messages that are damaged") from error
        if self._type == _VIDEO:
            return StampedImage(_ns(message.timestamp), message.frame_id, message.data.tobytes(), message.format)
        header_ns, frame_id = _ns(message.header.stamp), message.header.frame_id
        if self._type == _RAW:
            size = message.height, message.width, message.step
            pixels = message.data, *size, message.encoding, bool(message.is_bigendian)
            return StampedImage(header_ns, frame_id, pixels=pixels)
        format = message.format if self._type == _IMAGE else message.encoding
        return StampedImage(header_ns, frame_id, message.data.tobytes(), format)


def _ns(stamp: Any) -> int:
    return stamp.sec * 1_000_000_000 + stamp.nanosec
