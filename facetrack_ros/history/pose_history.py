"""A robot's recent poses, by time."""

import threading
from bisect import bisect_left, insort
from dataclasses import replace
from operator import attrgetter

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import StoreError

_CAPACITY = 4096
_stamp = attrgetter("stamp_ns")
# A stamp this far behind the newest means that the clock was set back, or that a recording is played again.
_BACK_NS = 10_000_000_000


class PoseHistory:
    """The last 4,096 poses of a robot, added in any order. Thread-safe.

    :param max_age_ns: a pose is not used for a time farther than this from it.
    """

    def __init__(self, max_age_ns: int) -> None:
        self._max_age_ns = max_age_ns
        self._poses: list[RobotPose] = []
        self._lock = threading.Lock()

    def add(self, pose: RobotPose) -> None:
        """Add a pose.

        :raises StoreError: a number of it is not finite, or its orientation has length zero.
        """
        length = float(np.linalg.norm(pose.orientation))
        if not np.isfinite([*pose.position, length]).all() or length < 1e-6:
            numbers = f"position {pose.position} and orientation {pose.orientation}"
            raise StoreError(f"a pose in {pose.frame_id or 'no frame'} has {numbers}; it is left out")
        x, y, z, w = pose.orientation
        pose = replace(pose, orientation=(x / length, y / length, z / length, w / length))
        with self._lock:
            if self._poses and pose.stamp_ns < self._poses[-1].stamp_ns - _BACK_NS:
                self._poses.clear()
            insort(self._poses, pose, key=_stamp)
            if len(self._poses) > _CAPACITY:
                del self._poses[: _CAPACITY // 8]

    def at(self, stamp_ns: int) -> RobotPose | None:
        """The pose at a time, interpolated where the poses before and after are near in time; else the nearer one."""
        with self._lock:
            after = bisect_left(self._poses, stamp_ns, key=_stamp)
            neighbours = self._poses[max(after - 1, 0) : after + 1]
        near = [pose for pose in neighbours if abs(pose.stamp_ns - stamp_ns) <= self._max_age_ns]
        if len(near) == 2 and near[0].frame_id == near[1].frame_id:
            return _interpolate(near[0], near[1], stamp_ns)
        return min(near, key=lambda pose: abs(pose.stamp_ns - stamp_ns), default=None)


def _interpolate(before: RobotPose, after: RobotPose, stamp_ns: int) -> RobotPose:
    span = after.stamp_ns - before.stamp_ns
    part = (stamp_ns - before.stamp_ns) / span if span else 0.0
    x, y, z = (1 - part) * np.array(before.position) + part * np.array(after.position)
    first, second = np.array(before.orientation), np.array(after.orientation)
    # q and -q are one rotation: take the shorter way. Over so short a time a straight line is as good as the arc.
    orientation = (1 - part) * first + part * (second if first @ second >= 0 else -second)
    qx, qy, qz, qw = (orientation / np.linalg.norm(orientation)).tolist()
    return RobotPose(before.frame_id, stamp_ns, (float(x), float(y), float(z)), (qx, qy, qz, qw))
