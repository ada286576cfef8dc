"""A frame as ``foxglove_msgs/msg/CompressedVideo``, the H.264 message that Foxglove plays.

https://docs.foxglove.dev/docs/sdk/schemas/compressed-video: one picture a message, Annex B, no B pictures, the
parameter sets with every key picture.
"""

from facetrack_ros.core.frame import Frame
from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.schemas import VIDEO, definition

FORMAT = "h264"


def video_channel(robot_id: str, camera_id: str) -> Channel:
    """The channel of a camera's frames as H.264."""
    return Channel(f"/{robot_id}/{camera_id}/image/video", VIDEO, definition(VIDEO), camera_id)


def video_parts(frame: Frame, packet: bytes) -> tuple[bytes, bytes, bytes]:
    """The message as CDR in three parts; the second is the packet.

    :param packet: H.264 of the frame's image.
    """
    head = cdr.time(frame.stamp_ns) + cdr.string(frame.frame_id or frame.camera_id)
    head += cdr.padding(len(head)) + cdr.size(len(packet))
    return cdr.LITTLE_ENDIAN + head, packet, cdr.padding(len(packet)) + cdr.string(FORMAT)


def read_video(message: bytes | memoryview) -> tuple[str, bytes]:
    """Frame id and packet of a message.

    :raises ValueError: it is not a video message, or not H.264.
    """
    read = cdr.deserialize(message, VIDEO)
    if read.format != FORMAT:
        raise ValueError(f"a video in {read.format}, not {FORMAT}")
    return read.frame_id, read.data.tobytes()
