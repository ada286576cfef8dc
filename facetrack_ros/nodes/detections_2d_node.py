"""Detections 2D node: persons and tracks as ``vision_msgs/Detection2DArray``."""

from collections.abc import Callable
from functools import partial
from typing import Any

from facetrack_ros import msg
from facetrack_ros.nodes.base.optional_messages import import_messages
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.vision import not_analyzed, read_detections, read_tracks
from facetrack_ros.nodes.conversion.vision_msgs import detections_array, persons_array, tracks_array


class Detections2DNode(RobotMemberNode):
    """Of each camera: ``detections_2d`` (no ids), ``tracks_2d`` (track ids) and ``persons_2d`` (person ids).

    Messages are converted only while their topic is subscribed.

    :raises ConfigError: vision_msgs is not installed.
    """

    NAME = "detections_2d"
    OWN = ("cameras",)
    WHILE_INACTIVE = "nothing is passed on"

    def __init__(self, **member):
        kinds = import_messages("vision_msgs")
        super().__init__(**member)
        for camera in self.cameras:
            found, followed = (
                {"detections_2d": detections_array},
                {"tracks_2d": tracks_array, "persons_2d": persons_array},
            )
            self._pass_on(kinds, camera, msg.Detections, read_detections, "detections", found)
            self._pass_on(kinds, camera, msg.Tracks, read_tracks, "tracks", followed)

    def _pass_on(self, kinds, camera: str, kind: type, read: Callable, topic: str, outputs: dict) -> None:
        publishers = [
            (self.create_publisher(kinds.Detection2DArray, self.camera_topic(camera, name), RELIABLE), convert)
            for name, convert in outputs.items()
        ]

        def on_message(message) -> None:
            if kind is msg.Detections and not_analyzed(message):
                return
            for publisher, convert in publishers:
                if self.active and publisher.get_subscription_count():
                    publisher.publish(convert(kinds, message))

        self.receive_camera(camera, kind, topic, partial(_checked, read), on_message)


def _checked(read: Callable, camera: str, message: Any) -> Any:
    """The message itself.

    :raises InvalidInput: it is not valid.
    """
    read(camera, message)
    return message


def main() -> None:
    """Run the node in a process of its own."""
    run_node(Detections2DNode)
