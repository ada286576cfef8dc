"""Markers stand where people do, and the ellipsoid is the covariance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2")

from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from facetrack_ros.core.camera_geometry import PersonPosition
from facetrack_ros.nodes.conversion.markers import body_markers, ellipsoid, gone, quaternion


def rotation_of(turn):
    x, y, z, w = turn.x, turn.y, turn.z, turn.w
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


numbers = st.lists(st.floats(-3, 3), min_size=9, max_size=9)


@settings(deadline=None, max_examples=200)
@given(numbers)
def test_a_rotation_and_its_quaternion_are_equal(values):
    axes, _ = np.linalg.qr(np.array(values).reshape(3, 3) + 1e-3 * np.eye(3))
    axes = axes * np.linalg.det(axes)
    assert rotation_of(quaternion(axes)) == pytest.approx(axes, abs=1e-6)


@settings(deadline=None, max_examples=100)
@given(numbers)
def test_the_ellipsoid_is_the_covariance(values):
    root = np.array(values).reshape(3, 3) + 0.1 * np.eye(3)
    turn, axes = ellipsoid(root @ root.T)
    around = rotation_of(turn)
    assert around @ np.diag(axes**2) @ around.T == pytest.approx(root @ root.T, abs=1e-4)


def test_a_person_has_body_name_and_uncertainty_markers_in_the_camera_frame():
    header = Header(frame_id="front_optical")
    place = PersonPosition(np.array([1.0, 0.2, 5.0]), np.diag([0.01, 0.04, 0.25]), False)
    body, label, doubt = body_markers(header, "front", "t_1", "p_1", "p_1\n5.1 m", place, 1.7, True)
    assert {marker.header.frame_id for marker in (body, label, doubt)} == {"front_optical"}
    assert (body.pose.position.x, body.pose.position.y, body.pose.position.z) == (1.0, 0.2, 5.0)
    # The cylinder's own axis is z; turned, it is the camera's vertical.
    assert abs(rotation_of(body.pose.orientation) @ (0, 0, 1)) == pytest.approx((0, 1, 0), abs=1e-9)
    assert body.scale.z == 1.7
    assert label.pose.position.y < 0.2 - 1.7 / 2
    assert label.text.startswith("p_1")
    assert sorted((doubt.scale.x, doubt.scale.y, doubt.scale.z)) == pytest.approx([0.4, 0.8, 2.0])
    assert doubt.color.a < 0.3
    assert len({(marker.ns, marker.id) for marker in (body, label, doubt)}) == 3
    taken = gone(body)
    assert (taken.ns, taken.id, taken.action) == (body.ns, body.id, Marker.DELETE)
