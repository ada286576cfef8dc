"""Angles of a robot's cameras, shared between its nodes: one estimates them, all turn the images that they receive."""

from functools import partial

from std_msgs.msg import UInt16

from facetrack_ros.nodes.base.qos import ROTATION
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.pipeline.camera_rotation import CameraRotations


def publish_rotations(node: RobotMemberNode, rotations: CameraRotations) -> None:
    """Publish each camera's degrees clockwise on ``<camera>/rotation``, latched, when an estimate changes them."""
    publishers = {
        camera: node.create_publisher(UInt16, node.camera_topic(camera, "rotation"), ROTATION)
        for camera in node.cameras
        if rotations.is_estimated(camera)
    }
    rotations.listeners.append(lambda camera, degrees: publishers[camera].publish(UInt16(data=degrees)))


def follow_rotations(node: RobotMemberNode, rotations: CameraRotations | None = None) -> CameraRotations:
    """Take over the angles that another node of the robot estimates.

    :param rotations: take them over; None: made from the node's settings.
    :raises ConfigError: ``camera.rotation`` cannot be read.
    """
    if rotations is None:
        rotations = CameraRotations(node.cameras, node.settings.camera.rotation)
    for camera in node.cameras:
        if rotations.is_estimated(camera):
            take = partial(_take, rotations, camera)
            node.create_subscription(UInt16, node.camera_topic(camera, "rotation"), take, ROTATION)
    return rotations


def _take(rotations: CameraRotations, camera: str, message: UInt16) -> None:
    if message.data in (0, 90, 180, 270):
        rotations.set(camera, message.data)
