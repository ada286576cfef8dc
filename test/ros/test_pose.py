"""Poses of each message type, stored by the stamps of their headers."""

import time
from types import MethodType

import pytest

from facetrack_ros.history.pose_history import PoseHistory

STAMP = 1_777_636_800_123_456_789


@pytest.fixture
def node(domain):
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from facetrack_ros.nodes.base.inbox import Inbox
    from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode

    context = rclpy.Context()
    context.init(domain_id=domain)
    executor = SingleThreadedExecutor(context=context)
    node = rclpy.create_node("poses", namespace="/robot1", context=context)
    executor.add_node(node)
    node.inbox, node.receive = Inbox(node.get_logger()), MethodType(RobotMemberNode.receive, node)
    node.spin = lambda: executor.spin_once(timeout_sec=0.05)
    yield node
    executor.shutdown()
    node.destroy_node()
    context.shutdown()


@pytest.mark.parametrize(
    ("kind", "setting"), [("Odometry", "auto"), ("PoseStamped", "pose"), ("PoseWithCovarianceStamped", "auto")]
)
def test_poses_of_each_message_type_are_stored(node, kind, setting):
    from geometry_msgs.msg import Point, PoseStamped, PoseWithCovarianceStamped, Quaternion
    from nav_msgs.msg import Odometry

    from facetrack_ros.nodes.conversion.time import to_time
    from facetrack_ros.nodes.inputs.pose import PoseInput

    message = {
        "Odometry": Odometry,
        "PoseStamped": PoseStamped,
        "PoseWithCovarianceStamped": PoseWithCovarianceStamped,
    }[kind]()
    message.header.frame_id, message.header.stamp = "map", to_time(STAMP)
    pose = message.pose if kind == "PoseStamped" else message.pose.pose
    pose.position, pose.orientation = Point(x=1.0, y=2.0, z=3.0), Quaternion(z=0.6, w=0.8)
    track = PoseHistory(500_000_000)
    publisher = node.create_publisher(type(message), "where", 10)
    PoseInput(node, "where", setting, track)

    def received():
        publisher.publish(message)
        node.spin()
        return track.at(STAMP)

    deadline = time.monotonic() + 60
    while not received() and time.monotonic() < deadline:
        pass  # each turn waits for a message
    found = track.at(STAMP + 1)
    assert (found.frame_id, found.stamp_ns) == ("map", STAMP)
    assert found.position == (1.0, 2.0, 3.0)
    assert found.orientation == pytest.approx((0, 0, 0.6, 0.8))
    assert track.at(STAMP + 10**9) is None, "the header's time counts, not the arrival's"
