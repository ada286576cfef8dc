"""The robot's pose at the time of a frame."""

import math

import pytest

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import StoreError
from facetrack_ros.history.pose_history import PoseHistory

MS = 1_000_000
LEVEL = (0.0, 0.0, 0.0, 1.0)


def turned(degrees):
    return (0.0, 0.0, math.sin(math.radians(degrees) / 2), math.cos(math.radians(degrees) / 2))


@pytest.fixture
def track():
    return PoseHistory(500 * MS)


def test_a_pose_between_two_is_interpolated(track):
    track.add(RobotPose("map", 100 * MS, (1.0, 2.0, 0.0), turned(0)))
    track.add(RobotPose("map", 200 * MS, (2.0, 4.0, 0.0), turned(20)))
    pose = track.at(125 * MS)
    assert (pose.frame_id, pose.stamp_ns) == ("map", 125 * MS)
    assert pose.position == pytest.approx((1.25, 2.5, 0.0))
    assert pose.orientation == pytest.approx(turned(5), abs=1e-3)
    assert track.at(100 * MS).position == (1.0, 2.0, 0.0)


def test_a_quaternion_and_its_negative_are_the_same_rotation(track):
    track.add(RobotPose("map", 0, (0.0, 0.0, 0.0), turned(10)))
    track.add(RobotPose("map", 100 * MS, (0.0, 0.0, 0.0), tuple(-value for value in turned(10))))
    assert track.at(50 * MS).orientation == pytest.approx(turned(10))


def test_a_pose_too_far_in_time_is_not_used(track):
    assert track.at(0) is None
    track.add(RobotPose("map", 1000 * MS, (1.0, 0.0, 0.0), LEVEL))
    assert track.at(1500 * MS).position == (1.0, 0.0, 0.0) == track.at(500 * MS).position
    assert track.at(1501 * MS) is None
    assert track.at(499 * MS) is None


def test_poses_of_two_frames_of_reference_are_never_mixed(track):
    track.add(RobotPose("odom", 0, (0.0, 0.0, 0.0), LEVEL))
    track.add(RobotPose("map", 100 * MS, (9.0, 0.0, 0.0), LEVEL))
    assert (track.at(40 * MS).frame_id, track.at(60 * MS).frame_id) == ("odom", "map")
    assert track.at(60 * MS).stamp_ns == 100 * MS


def test_poses_may_come_late_and_the_clock_may_be_set_back(track):
    for stamp in (300, 100, 200):
        track.add(RobotPose("map", stamp * MS, (float(stamp), 0.0, 0.0), LEVEL))
    assert track.at(150 * MS).position[0] == pytest.approx(150)
    track.add(RobotPose("map", -3_600_000 * MS, (7.0, 0.0, 0.0), LEVEL))
    assert track.at(-3_600_000 * MS).position[0] == 7.0
    assert track.at(200 * MS) is None


def test_memory_stays_bounded(track):
    for stamp in range(10_000):
        track.add(RobotPose("map", stamp * MS, (0.0, 0.0, 0.0), LEVEL))
    assert track.at(9_999 * MS) is not None
    assert track.at(4_000 * MS) is None


@pytest.mark.parametrize(
    ("position", "orientation"),
    [
        ((math.nan, 0.0, 0.0), LEVEL),
        ((0.0, math.inf, 0.0), LEVEL),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, math.nan, 1.0)),
    ],
)
def test_an_invalid_pose_is_refused(track, position, orientation):
    with pytest.raises(StoreError, match="left out"):
        track.add(RobotPose("map", 0, position, orientation))
    assert track.at(0) is None
