"""A frame as ``sensor_msgs/msg/CompressedImage``, which every ROS tool reads."""

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.jpeg import is_png
from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import IMAGE, definition

#: Latest stamp that the message's 32-bit seconds hold.
LAST_STAMP_NS = 2**31 * cdr.SECOND_NS - 1


def image_channel(robot_id: str, camera_id: str) -> Channel:
    """The channel of a camera's frames."""
    return Channel(f"/{robot_id}/{camera_id}/image/compressed", IMAGE, definition(IMAGE), camera_id)


def image_parts(frame: Frame) -> tuple[bytes, bytes]:
    """The message as CDR in two parts; the second is the frame's own data.

    :param frame: stamped from 0 to :data:`LAST_STAMP_NS`.
    """
    head = cdr.time(frame.stamp_ns) + cdr.string(frame.frame_id or frame.camera_id)
    head += cdr.padding(len(head)) + cdr.string("png" if is_png(frame.jpeg) else "jpeg")
    return cdr.LITTLE_ENDIAN + head + cdr.padding(len(head)) + cdr.size(len(frame.jpeg)), frame.jpeg


def read_image(message: bytes | memoryview) -> tuple[str, bytes]:
    """Frame id and image data of a message.

    :raises ValueError: it is not an image message.
    """
    read = cdr.deserialize(message, IMAGE)
    return read.header.frame_id, read.data.tobytes()
