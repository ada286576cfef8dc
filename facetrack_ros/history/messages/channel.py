"""The stream that a stored message belongs to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """One stream of messages in a segment.

    :param topic: as it was published.
    :param type: ``sensor_msgs/msg/CompressedImage`` and the like.
    :param definition: the type's fields as text, with those of the types within it.
    :param camera_id: camera of the messages; empty: they concern the whole robot.
    """

    topic: str
    type: str
    definition: str
    camera_id: str = ""
