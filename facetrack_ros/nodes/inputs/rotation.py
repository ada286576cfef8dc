"""Angles of a robot's cameras, shared between its nodes: one estimates them, all turn the images that they receive."""

from functools import partial

from std_msgs.msg import UInt16

from facetrack_ros.errors import InvalidInput
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
            node.receive_camera(camera, UInt16, "rotation", _degrees, partial(rotations.set, camera), ROTATION)
    return rotations


def _degrees(camera: str, message: UInt16) -> int:
    if message.data not in (0, 90, 180, 270):
        raise InvalidInput(f"{message.data} is no angle of camera {camera}: 0, 90, 180 and 270 are", "number")
    return message.data
